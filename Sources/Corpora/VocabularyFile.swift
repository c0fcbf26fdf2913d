import Records

/// A vocabulary as a text file: a token a line, in the order of their numbers from 0.
///
/// Words stand as they are. Of other tokens a backslash, and bytes that are no printable text, are
/// written "\\", "\n", "\r", "\t" and "\xHH".
package struct VocabularyFile {
  /// What a model file of another library numbers so.
  package let tokenizer: Tokenizer
  /// The line, from 0, of each token; -1 for `<unk>` and `<eos>` that the file does not have.
  package let rows: [Int32]
  /// Tokens of the file.
  package let lineCount: Int
  /// What is taken for granted.
  package private(set) var assumptions: [String] = []

  /// The lines of a vocabulary.
  package static func lines(of tokenizer: Tokenizer) -> [UInt8] {
    var text: [UInt8] = []
    for token in 0..<Int32(tokenizer.vocabularySize) {
      switch tokenizer {
      case .word(let vocabulary): text += vocabulary.word(of: token)
      default: text += tokenizer.bytes(of: token).map(escaped) ?? unknown
      }
      text.append(newline)
    }
    return text
  }

  /// Reads a file of words or characters.
  ///
  /// - Throws: `CorpusError`, with the line.
  package init(
    path: String, kind: Tokenizer.Kind, rules: TextRules
  ) throws(CorpusError) {
    func failure(_ problem: String) -> CorpusError { .badVocabulary(path: path, problem) }
    let text: [UInt8]
    do { text = try InputFile.bytes(of: path) } catch {
      throw failure("cannot be read: \(error)")
    }
    var lines = text.split(separator: Self.newline, omittingEmptySubsequences: false)
    if lines.last?.isEmpty ?? false { lines.removeLast() }
    lines = lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
    guard !lines.isEmpty else { throw failure("is empty, expected a token a line") }
    lineCount = lines.count
    var seen: [ArraySlice<UInt8>: Int] = [:]
    for (index, line) in lines.enumerated() {
      guard !line.isEmpty else { throw failure("line \(index + 1) is empty, expected a token") }
      if let other = seen.updateValue(index, forKey: line) {
        throw failure("lines \(other + 1) and \(index + 1) are the same token")
      }
    }
    switch kind {
    case .word:
      let words = try Self.words(lines, seen, rules, failure)
      (tokenizer, rows) = (words.tokenizer, words.rows)
      assumptions = words.assumptions
    case .character:
      (tokenizer, rows) = try Self.characters(lines, rules, failure)
    case .byte:
      throw failure("is not needed: tokens of data.tokenizer \"byte\" are the values of bytes")
    case .bytePair:
      throw failure(
        "does not say how byte pairs were merged; a file whose metadata name \"tokenizer\", as our "
          + "exports do, needs no --vocabulary")
    }
  }

  private typealias Failure = (String) -> CorpusError

  private static let newline = UInt8(ascii: "\n")
  private static let unknown = Array("<unk>".utf8)
  /// Names that others give to what is unknown, and to the end of a line.
  private static let unknownNames = ["<unk>", "<UNK>", "[UNK]"]
  private static let lineEndNames = ["<eos>", "<EOS>", "[EOS]", "</s>"]

  private static func words(
    _ lines: [ArraySlice<UInt8>], _ places: [ArraySlice<UInt8>: Int], _ rules: TextRules,
    _ failure: Failure
  ) throws(CorpusError) -> (tokenizer: Tokenizer, rows: [Int32], assumptions: [String]) {
    var assumptions: [String] = []
    func special(_ names: [String], _ own: String) -> Int32 {
      for name in names {
        guard let place = places[Array(name.utf8)[...]] else { continue }
        if name != own { assumptions.append("\"\(name)\" of the vocabulary is \(own)") }
        return Int32(place)
      }
      assumptions.append("the vocabulary has no \(own): no text of the model had one")
      return -1
    }
    var rows = [special(unknownNames, "<unk>"), special(lineEndNames, "<eos>")]
    var words: [ArraySlice<UInt8>] = []
    for (index, line) in lines.enumerated() where !rows.prefix(2).contains(Int32(index)) {
      let cut = rules.words(of: Array(line))
      guard cut.count == 1, cut[0].elementsEqual(line) else {
        throw failure(
          "line \(index + 1), \(String(reflecting: String(decoding: line, as: UTF8.self))), is no "
            + "word that a text can have: white space stands between words")
      }
      words.append(line)
      rows.append(Int32(index))
    }
    return (.word(WordVocabulary(words: words, rules: rules)), rows, assumptions)
  }

  private static func characters(
    _ lines: [ArraySlice<UInt8>], _ rules: TextRules, _ failure: Failure
  ) throws(CorpusError) -> (Tokenizer, [Int32]) {
    var places: [UInt32: Int32] = [:]
    var unknown: Int32 = -1
    for (index, line) in lines.enumerated() {
      if unknownNames.contains(where: { $0.utf8.elementsEqual(line) }) {
        unknown = Int32(index)
        continue
      }
      let text = String(decoding: unescaped(line), as: UTF8.self).unicodeScalars
      guard let scalar = text.first, text.count == 1, scalar != "\u{FFFD}" else {
        throw failure(
          "line \(index + 1), \(String(reflecting: String(decoding: line, as: UTF8.self))), is not "
            + "one character, as data.tokenizer \"character\" asks for")
      }
      guard places.updateValue(Int32(index), forKey: scalar.value) == nil else {
        throw failure("line \(index + 1) is a character that a line before has")
      }
    }
    let scalars = places.keys.sorted()
    return (
      .character(CharacterVocabulary(ascending: scalars, rules: rules)),
      scalars.map { places[$0] ?? -1 } + [unknown]
    )
  }

  // MARK: - Escapes

  private static let names: [(byte: UInt8, name: UInt8)] = [
    (0x5C, UInt8(ascii: "\\")), (0x0A, UInt8(ascii: "n")), (0x0D, UInt8(ascii: "r")),
    (0x09, UInt8(ascii: "t")),
  ]

  /// Printable text as it is, and all else by backslashes.
  private static func escaped(_ bytes: [UInt8]) -> [UInt8] {
    let isText = String(validating: bytes, as: UTF8.self) != nil
    return bytes.flatMap { byte -> [UInt8] in
      if let found = names.first(where: { $0.byte == byte }) { return [0x5C, found.name] }
      if byte >= 0x20, byte != 0x7F, byte < 0x80 || isText { return [byte] }
      let digits = String(byte, radix: 16, uppercase: true)
      return Array(("\\x" + (digits.utf8.count < 2 ? "0" : "") + digits).utf8)
    }
  }

  private static func unescaped(_ line: ArraySlice<UInt8>) -> [UInt8] {
    guard line.first == 0x5C, line.count > 1 else { return Array(line) }
    let rest = Array(line.dropFirst())
    if rest.count == 1, let found = names.first(where: { $0.name == rest[0] }) {
      return [found.byte]
    }
    if rest.count == 3, rest[0] == UInt8(ascii: "x"),
      let value = UInt8(String(decoding: rest.dropFirst(), as: UTF8.self), radix: 16)
    {
      return [value]
    }
    return Array(line)
  }
}
