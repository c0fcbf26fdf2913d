extension Tokenizer {
  /// How it differs from another one, for people: both sides of it, and the first tokens of each.
  ///
  /// - Parameters:
  ///   - own: what this one is of: "the file".
  ///   - others: what the other one is of: "the config's text".
  /// - Returns: nil where they are equal.
  package func difference(own: String, from other: Tokenizer, of others: String) -> String? {
    if self == other { return nil }
    guard kind == other.kind else {
      return "\(own) has the tokenizer \"\(kind.rawValue)\" of \(vocabularySize) tokens, "
        + "\(others) gives \"\(other.kind.rawValue)\" of \(other.vocabularySize)"
    }
    let sizes = "\(own) has \(vocabularySize) tokens (\(kind.rawValue)), \(others) gives "
      + "\(other.vocabularySize)"
    let (mine, theirs) = (spellings, other.spellings)
    let (onlyMine, onlyTheirs) = (
      Self.missing(mine, from: theirs), Self.missing(theirs, from: mine)
    )
    if let rules, let theirs = other.rules, rules != theirs {
      return sizes + "; \(own) cuts text by version \(rules.rawValue) of the rules, \(others) by "
        + "version \(theirs.rawValue)"
    }
    if onlyMine.isEmpty, onlyTheirs.isEmpty {
      let place = zip(mine, theirs).enumerated().first { $1.0 != $1.1 }
      return sizes + (place.map { ", in another order from token \($0.offset) on" } ?? "")
    }
    return sizes + Self.list(onlyMine, of: own) + Self.list(onlyTheirs, of: others)
  }

  /// What each token is, in order; of byte pairs the merges, which decide it all.
  private var spellings: [String] {
    switch self {
    case .byte: []
    case .character(let vocabulary):
      vocabulary.scalars.map { Unicode.Scalar($0).map { String($0) } ?? "" }
    case .word(let vocabulary):
      (0..<vocabulary.size).map { String(decoding: vocabulary.word(of: Int32($0)), as: UTF8.self) }
    case .bytePair(let vocabulary):
      (256..<max(256, vocabulary.size)).map {
        String(decoding: vocabulary.bytes(of: Int32($0)), as: UTF8.self)
      }
    }
  }

  private static func missing(_ words: [String], from others: [String]) -> [String] {
    let known = Set(others)
    return words.filter { !known.contains($0) }
  }

  private static func list(_ words: [String], of subject: String) -> String {
    if words.isEmpty { return "" }
    let shown = words.prefix(5).map { String(reflecting: $0) }.joined(separator: ", ")
    return "; only \(subject) has \(words.count): \(shown)" + (words.count > 5 ? ", ..." : "")
  }
}

extension Tokenizer {
  /// Bytes of text that a token stands for; nil where that is not the same everywhere, as it is
  /// not of words with the white space before them and of what is unknown.
  func byteLength(of token: Int32) -> Int? {
    switch self {
    case .byte: 1
    case .character(let vocabulary):
      token == vocabulary.unknown ? nil : UTF8.width(vocabulary.scalar(of: token))
    case .word: nil
    case .bytePair(let vocabulary): vocabulary.length(of: token)
    }
  }

  /// The token of a line end; of characters that of unknown ones, where the text has no line ends.
  package var lineEnd: Int32 { encode("\n").first ?? 0 }

  /// The token of what the tokenizer does not know; nil where it knows everything.
  package var unknown: Int32? {
    switch self {
    case .byte, .bytePair: nil
    case .character(let vocabulary): vocabulary.unknown
    case .word: WordVocabulary.unknown
    }
  }
}
