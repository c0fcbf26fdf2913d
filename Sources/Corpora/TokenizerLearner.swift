/// Learns a tokenizer from any number of texts, in memory that depends on the vocabulary only.
package struct TokenizerLearner {
  private let learning: Tokenizer.Learning
  /// Which scalars occurred.
  private var scalars: [Bool] = []
  /// Words, or chunks of byte pairs.
  private var counts: ByteStringCounts

  package init(_ learning: Tokenizer.Learning) {
    self.learning = learning
    let bounded = learning.kind == .bytePair && learning.rules >= .two
    counts = ByteStringCounts(byteRoom: bounded ? 1 << 24 : nil)
    if learning.kind == .character { scalars = [Bool](repeating: false, count: 0x11_0000) }
  }

  /// Reads a whole text.
  ///
  /// - Parameter reach: called from time to time with the offset that was reached.
  /// - Throws: for characters and words where the text is not UTF-8.
  package mutating func add(
    _ file: UnsafeRawBufferPointer, path: String, reach: (Int) -> Void = { _ in }
  ) throws(CorpusError) {
    var pace = Pace()
    let text = unsafe learning.rules.body(of: file)
    let skipped = file.count - text.count
    switch learning.kind {
    case .byte: break
    case .character:
      var scanner = unsafe UTF8Scanner(text)
      while let scalar = scanner.next() {
        scalars[Int(scalar)] = true
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
      }
      if scanner.failed { throw .invalidUTF8(path: path, offset: skipped + scanner.offset) }
    case .word:
      var scanner = unsafe WordScanner(text, rules: learning.rules)
      while let item = scanner.next() {
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
        guard case .word(let word) = item, unsafe counts.add(word) else { continue }
        // White space is UTF-8, so that a text is where all of its words are.
        try unsafe UTF8Scanner.requireUTF8(
          word, path: path, offset: skipped + scanner.offset - word.count)
      }
    case .bytePair:
      var scanner = unsafe ChunkScanner(text, rules: learning.rules)
      while let chunk = unsafe scanner.next() {
        if pace.isDue(scanner.offset) { reach(scanner.offset) }
        _ = unsafe counts.add(chunk)
      }
    }
  }

  /// Reads the newline that is put between two texts.
  package mutating func addNewline() {
    switch learning.kind {
    case .byte, .word: break
    case .character: scalars[0x0A] = true
    case .bytePair: _ = unsafe [0x0A as UInt8].withUnsafeBytes { unsafe counts.add($0) }
    }
  }

  /// What was learned.
  package consuming func tokenizer() -> Tokenizer {
    switch learning.kind {
    case .byte: return .byte
    case .character:
      let known = scalars.indices.lazy.filter { [scalars] in scalars[$0] }.map { UInt32($0) }
      return .character(CharacterVocabulary(ascending: Array(known), rules: learning.rules))
    case .word:
      return .word(
        WordVocabulary(
          of: counts, minimumCount: learning.minimumCount, limit: learning.vocabularyLimit,
          rules: learning.rules))
    case .bytePair:
      var trainer = BytePairTrainer(counts, rules: learning.rules)
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
