/// How text becomes tokens: every byte is one, every Unicode scalar is, every word, or every part
/// of a word that byte pairs make.
///
/// Its `json` is the description that checkpoints carry and that rebuilds it:
/// `{"kind":"byte"}`, `{"kind":"character","rules":2,"scalars":"A 20-7E"}`,
/// `{"kind":"word","rules":2,"words":"the of and"}` or
/// `{"kind":"bpe","merges":"104 101 256 108","rules":2}`; without `rules` they are those of
/// version 1.
package enum Tokenizer: Sendable, Equatable {
  /// The tokenizers that a config can name (`data.tokenizer`).
  package enum Kind: String, Sendable, CaseIterable {
    case byte, character, word
    case bytePair = "bpe"
  }

  /// 256 tokens, one for each value of a byte; takes any file.
  case byte
  /// The scalars of a training text and one token for all others; takes UTF-8 only.
  case character(CharacterVocabulary)
  /// The words of a training text, a token for line ends and one for all other words.
  case word(WordVocabulary)
  /// Parts of words, learned from a training text; takes any file, and loses nothing.
  case bytePair(BytePairVocabulary)

  /// What decides the vocabulary that is learned from a text.
  package struct Learning: Sendable, Equatable {
    package var kind: Kind
    /// Words that occur less often are unknown, pairs that do are not merged.
    package var minimumCount: Int
    /// Most tokens of a vocabulary; 0 for no limit of words, and for `bytePairTokens`.
    package var vocabularyLimit: Int
    /// How the text is cut.
    package var rules = TextRules.newest

    /// Tokens of a vocabulary of byte pairs where nothing else is said.
    package static let bytePairTokens = 4096

    package init(_ kind: Kind, minimumCount: Int = 1, vocabularyLimit: Int = 0) {
      self.kind = kind
      self.minimumCount = minimumCount
      self.vocabularyLimit = vocabularyLimit
    }

    /// What is wrong with the limit; nil where nothing is.
    package var problem: String? {
      if vocabularyLimit < 0 { return "expected 0 for none or more, found \(vocabularyLimit)" }
      guard vocabularyLimit > 0 else { return nil }
      if kind == .word, vocabularyLimit < 3 {
        return "expected 0 for none or at least 3, found \(vocabularyLimit): <unk> and <eos> take 2"
      }
      if kind == .bytePair, vocabularyLimit < 257 {
        return "expected 0 for \(Self.bytePairTokens) or at least 257, found \(vocabularyLimit): "
          + "the bytes take 256"
      }
      return nil
    }
  }

  package var kind: Kind {
    switch self {
    case .byte: .byte
    case .character: .character
    case .word: .word
    case .bytePair: .bytePair
    }
  }

  /// How it cuts a text; bytes have always been bytes.
  package var rules: TextRules? {
    switch self {
    case .byte: nil
    case .character(let vocabulary): vocabulary.rules
    case .word(let vocabulary): vocabulary.rules
    case .bytePair(let vocabulary): vocabulary.rules
    }
  }

  /// What it reads of a text.
  func body(of text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    unsafe rules.map { unsafe $0.body(of: text) } ?? text
  }

  /// Tokens are 0 ..< `vocabularySize`.
  package var vocabularySize: Int {
    switch self {
    case .byte: 256
    case .character(let vocabulary): vocabulary.size
    case .word(let vocabulary): vocabulary.size
    case .bytePair(let vocabulary): vocabulary.size
    }
  }

  /// Calls `body` with every token of a whole text and the offset within `body(of:)` at which its
  /// bytes end; white space between words counts for the word behind it.
  ///
  /// - Parameter spelled: called with a token that the text spells, though it stands for no word.
  /// - Throws: for characters where the text is not UTF-8.
  @inline(__always)
  func forEachToken(
    of file: UnsafeRawBufferPointer, path: String, spelled: (Int32) -> Void = { _ in },
    _ body: (Int32, Int) -> Void
  ) throws(CorpusError) {
    let text = unsafe self.body(of: file)
    switch self {
    case .byte:
      for unsafe(index, byte) in unsafe text.enumerated() { body(Int32(byte), index + 1) }
    case .character(let vocabulary):
      var scanner = unsafe UTF8Scanner(text)
      while let scalar = scanner.next() { body(vocabulary.id(of: scalar), scanner.offset) }
      if scanner.failed {
        throw unsafe .invalidUTF8(path: path, offset: file.count - text.count + scanner.offset)
      }
    case .word(let vocabulary):
      var scanner = unsafe WordScanner(text, rules: vocabulary.rules)
      while let item = scanner.next() {
        let token = vocabulary.id(of: item)
        // Words that the vocabulary has were UTF-8 when it was learnt.
        if token == WordVocabulary.unknown, vocabulary.rules >= .two, case .word(let word) = item {
          let start = file.count - text.count + scanner.offset - word.count
          try unsafe UTF8Scanner.requireUTF8(word, path: path, offset: start)
        }
        if token <= WordVocabulary.lineEnd, case .word(let word) = item,
          unsafe vocabulary.spells(word, token)
        {
          spelled(token)
        }
        body(token, scanner.offset)
      }
    case .bytePair(let vocabulary):
      var scanner = unsafe ChunkScanner(text, rules: vocabulary.rules)
      var encoder = ChunkEncoder(vocabulary)
      var end = 0
      while let chunk = unsafe scanner.next() {
        unsafe encoder.encode(chunk) { token in
          end += vocabulary.length(of: token)
          body(token, end)
        }
      }
    }
  }

  /// The tokens of a piece of text, such as a prompt.
  package func encode(_ text: String) -> [Int32] {
    switch self {
    case .byte: text.utf8.map { Int32($0) }
    case .character(let vocabulary): text.unicodeScalars.map { vocabulary.id(of: $0.value) }
    case .word(let vocabulary):
      unsafe Array(text.utf8).withUnsafeBytes { bytes in
        var scanner = unsafe WordScanner(bytes, rules: vocabulary.rules, endsLastLine: false)
        var tokens: [Int32] = []
        while let item = scanner.next() { tokens.append(vocabulary.id(of: item)) }
        return tokens
      }
    case .bytePair(let vocabulary):
      unsafe Array(text.utf8).withUnsafeBytes { bytes in
        var scanner = unsafe ChunkScanner(bytes, rules: vocabulary.rules)
        var tokens: [Int32] = []
        while let chunk = unsafe scanner.next() { unsafe tokens += vocabulary.tokens(of: chunk) }
        return tokens
      }
    }
  }

  /// The bytes of the tokens' text.
  ///
  /// Tokens of bytes and byte pairs need not form UTF-8; unknown scalars become U+FFFD. A space
  /// stands behind every word. Preconditions: tokens lie in 0 ..< `vocabularySize`.
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
    case .bytePair(let vocabulary):
      tokens.flatMap { vocabulary.bytes(of: $0) }
    }
  }

  /// The tokens' text, malformed UTF-8 of a byte model repaired with U+FFFD.
  package func decodeText(_ tokens: some Sequence<Int32>) -> String {
    String(decoding: decode(tokens), as: UTF8.self)
  }

  /// What stands between a text that was given and one that is decoded behind it.
  package func separator(after text: String) -> [UInt8] {
    guard case .word(let vocabulary) = self, !text.utf8.isEmpty,
      !vocabulary.rules.endsWithSpace(text.utf8)
    else { return [] }
    return [UInt8(ascii: " ")]
  }

  /// The parts of a text, characters or words, that the tokenizer does not know.
  package func unknownParts(of text: String) -> [String] {
    switch self {
    case .byte, .bytePair: []
    case .character(let vocabulary):
      text.unicodeScalars.filter { vocabulary.id(of: $0.value) == vocabulary.unknown }
        .map { String($0) }
    case .word(let vocabulary):
      vocabulary.rules.words(of: text.utf8).filter { word in
        unsafe word.withUnsafeBytes { unsafe vocabulary.id(of: $0) } == WordVocabulary.unknown
      }.map { String(decoding: $0, as: UTF8.self) }
    }
  }
}
