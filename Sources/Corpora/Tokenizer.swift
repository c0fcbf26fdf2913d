/// How text becomes tokens: every byte is one, every Unicode scalar is, or every word.
///
/// Its `Codable` form is the description that checkpoints carry and that rebuilds it:
/// `{"kind":"byte"}`, `{"kind":"character","scalars":"A 20-7E"}` or
/// `{"kind":"word","words":"the of and"}`.
package enum Tokenizer: Sendable, Equatable {
  /// The tokenizers that a config can name (`data.tokenizer`).
  package enum Kind: String, Sendable, CaseIterable, Codable {
    case byte, character, word
  }

  /// 256 tokens, one for each value of a byte; takes any file.
  case byte
  /// The scalars of a training text and one token for all others; takes UTF-8 only.
  case character(CharacterVocabulary)
  /// The words of a training text, a token for line ends and one for all other words.
  case word(WordVocabulary)

  /// What decides the vocabulary that is learned from a text.
  package struct Learning: Sendable, Equatable {
    package var kind: Kind
    /// Words that occur less often are unknown.
    package var minimumCount: Int
    /// Most tokens of a vocabulary of words; 0 for no limit.
    package var vocabularyLimit: Int

    package init(_ kind: Kind, minimumCount: Int = 1, vocabularyLimit: Int = 0) {
      self.kind = kind
      self.minimumCount = minimumCount
      self.vocabularyLimit = vocabularyLimit
    }
  }

  /// Learns from a whole text.
  ///
  /// - Throws: for characters and words where it is not UTF-8.
  init(
    learning: Learning, from text: UnsafeRawBufferPointer, path: String
  ) throws(CorpusError) {
    switch learning.kind {
    case .byte: self = .byte
    case .character: self = .character(try CharacterVocabulary(of: text, path: path))
    case .word:
      try UTF8Scanner.requireUTF8(text, path: path)
      var counts = ByteStringCounts()
      var scanner = WordScanner(text)
      while let item = scanner.next() {
        if case .word(let word) = item { counts.add(word) }
      }
      self = .word(
        WordVocabulary(
          of: counts, minimumCount: learning.minimumCount, limit: learning.vocabularyLimit))
    }
  }

  package var kind: Kind {
    switch self {
    case .byte: .byte
    case .character: .character
    case .word: .word
    }
  }

  /// Tokens are 0 ..< `vocabularySize`.
  package var vocabularySize: Int {
    switch self {
    case .byte: 256
    case .character(let vocabulary): vocabulary.size
    case .word(let vocabulary): vocabulary.size
    }
  }

  /// Calls `body` with every token of a whole text and the offset at which its bytes end; white
  /// space between words counts for the word behind it.
  ///
  /// - Throws: for characters where the text is not UTF-8.
  @inline(__always)
  func forEachToken(
    of text: UnsafeRawBufferPointer, path: String, _ body: (Int32, Int) -> Void
  ) throws(CorpusError) {
    switch self {
    case .byte:
      for (index, byte) in text.enumerated() { body(Int32(byte), index + 1) }
    case .character(let vocabulary):
      var scanner = UTF8Scanner(text)
      while let scalar = scanner.next() { body(vocabulary.id(of: scalar), scanner.offset) }
      if scanner.failed { throw .invalidUTF8(path: path, offset: scanner.offset) }
    case .word(let vocabulary):
      var scanner = WordScanner(text)
      while let item = scanner.next() { body(vocabulary.id(of: item), scanner.offset) }
    }
  }

  /// The tokens of a piece of text, such as a prompt.
  package func encode(_ text: String) -> [Int32] {
    switch self {
    case .byte: text.utf8.map { Int32($0) }
    case .character(let vocabulary): text.unicodeScalars.map { vocabulary.id(of: $0.value) }
    case .word(let vocabulary):
      Array(text.utf8).withUnsafeBytes { bytes in
        var scanner = WordScanner(bytes, endsLastLine: false)
        var tokens: [Int32] = []
        while let item = scanner.next() { tokens.append(vocabulary.id(of: item)) }
        return tokens
      }
    }
  }

  /// The bytes of the tokens' text.
  ///
  /// A byte model's tokens need not form UTF-8; unknown scalars become U+FFFD. A space stands behind
  /// every word.
  /// Preconditions: tokens lie in 0 ..< `vocabularySize`.
  package func decode(_ tokens: some Sequence<Int32>) -> [UInt8] {
    switch self {
    case .byte:
      tokens.map { token in
        precondition(token >= 0, "token \(token) < 0")
        precondition(token < 256, "token \(token) >= vocabulary size 256")
        return UInt8(truncatingIfNeeded: token)
      }
    case .character(let vocabulary):
      tokens.flatMap { UTF8.encode(vocabulary.scalar(of: $0)).map(Array.init) ?? [] }
    case .word(let vocabulary):
      tokens.flatMap { vocabulary.text(of: $0) }
    }
  }

  /// The tokens' text, malformed UTF-8 of a byte model repaired with U+FFFD.
  package func decodeText(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: decode(tokens), as: UTF8.self)
  }

  /// What stands between a text that was given and one that is decoded behind it.
  package func separator(after text: String) -> [UInt8] {
    guard case .word = self, let last = text.utf8.last, !WordScanner.isSpace(last) else {
      return []
    }
    return [UInt8(ascii: " ")]
  }

  /// The parts of a text, characters or words, that the tokenizer does not know.
  package func unknownParts(of text: String) -> [String] {
    switch self {
    case .byte: []
    case .character(let vocabulary):
      text.unicodeScalars.filter { vocabulary.id(of: $0.value) == vocabulary.unknown }
        .map { String($0) }
    case .word(let vocabulary):
      text.utf8.split(whereSeparator: WordScanner.isSpace).filter { word in
        Array(word).withUnsafeBytes { vocabulary.id(of: $0) } == WordVocabulary.unknown
      }.map { String(Substring($0)) }
    }
  }
}

extension Tokenizer: Codable {
  private enum CodingKeys: String, CodingKey { case kind, scalars, words }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .byte: self = .byte
    case .character:
      self = .character(try container.decode(CharacterVocabulary.self, forKey: .scalars))
    case .word:
      self = .word(try container.decode(WordVocabulary.self, forKey: .words))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(kind, forKey: .kind)
    switch self {
    case .byte: break
    case .character(let vocabulary): try container.encode(vocabulary, forKey: .scalars)
    case .word(let vocabulary): try container.encode(vocabulary, forKey: .words)
    }
  }
}
