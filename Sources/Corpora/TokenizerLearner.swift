/// Learns a tokenizer from any number of texts, in memory that depends on the vocabulary only.
struct TokenizerLearner {
  private let learning: Tokenizer.Learning
  /// Which scalars occurred.
  private var scalars: [Bool] = []
  /// Words, or chunks of byte pairs.
  private var counts = ByteStringCounts()

  init(_ learning: Tokenizer.Learning) {
    self.learning = learning
    if learning.kind == .character { scalars = [Bool](repeating: false, count: 0x11_0000) }
  }

  /// Reads a whole text.
  ///
  /// - Parameter reach: called from time to time with the offset that was reached.
  /// - Throws: for characters and words where the text is not UTF-8.
  mutating func add(
    _ text: UnsafeRawBufferPointer, path: String, reach: (Int) -> Void = { _ in }
  ) throws(CorpusError) {
    var pace = Pace()
    switch learning.kind {
    case .byte: break
    case .character:
      var scanner = unsafe UTF8Scanner(text)
      while let scalar = scanner.next() {
        scalars[Int(scalar)] = true
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
      }
      if scanner.failed { throw .invalidUTF8(path: path, offset: scanner.offset) }
    case .word:
      var scanner = unsafe WordScanner(text)
      while let item = scanner.next() {
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
        guard case .word(let word) = item, unsafe counts.add(word) else { continue }
        // White space is ASCII, so that a text is UTF-8 where all of its words are.
        try unsafe UTF8Scanner.requireUTF8(word, path: path, offset: scanner.offset - word.count)
      }
    case .bytePair:
      var scanner = unsafe ChunkScanner(text)
      while let chunk = unsafe scanner.next() {
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
        _ = unsafe counts.add(chunk)
      }
    }
  }

  /// What was learned.
  consuming func tokenizer() -> Tokenizer {
    switch learning.kind {
    case .byte: return .byte
    case .character:
      let known = scalars.indices.lazy.filter { [scalars] in scalars[$0] }.map { UInt32($0) }
      return .character(CharacterVocabulary(ascending: Array(known)))
    case .word:
      return .word(
        WordVocabulary(
          of: counts, minimumCount: learning.minimumCount, limit: learning.vocabularyLimit))
    case .bytePair:
      var trainer = BytePairTrainer(counts)
      let size =
        learning.vocabularyLimit > 0
        ? learning.vocabularyLimit : Tokenizer.Learning.bytePairTokens
      return .bytePair(trainer.vocabulary(size: size, minimumCount: learning.minimumCount))
    }
  }
}

/// Says once a mebibyte that another one has been read.
struct Pace {
  private var next = 1 << 20

  @inline(__always)
  mutating func isDue(_ offset: Int) -> Bool {
    if offset < next { return false }
    next = offset + (1 << 20)
    return true
  }
}
