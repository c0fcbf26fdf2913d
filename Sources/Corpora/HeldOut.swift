import Records

/// How much of a text is held out for validation, by version 2 of the numeric contract: the last
/// part of its bytes, from the next token on.
///
/// The boundary does not depend on the vocabulary, so that this can be learnt from the rest alone.
/// (Version 1 held out the last part of the tokens, whose vocabulary had been learnt from all.)
package struct HeldOut: Sendable, Equatable {
  /// The part to validate on and, after it, to test on, from 0 up to, but not, 1 together.
  package let fraction: Double
  /// The part to test on.
  package let test: Double

  /// - Throws: `CorpusError.invalidFraction`.
  package init(_ valid: Double, test: Double = 0) throws(CorpusError) {
    let fraction = valid + test
    guard valid >= 0, test >= 0, fraction < 1 else { throw .invalidFraction(fraction) }
    (self.fraction, self.test) = (fraction, test)
  }

  /// Where the part to train on ends.
  func trainingEnd(
    of text: UnsafeRawBufferPointer, kind: Tokenizer.Kind, rules: TextRules?
  ) -> Int {
    unsafe Self.end(of: text, before: fraction, kind: kind, rules: rules)
  }

  /// Where the part to validate on ends, and the one to test on begins.
  func testStart(
    of text: UnsafeRawBufferPointer, kind: Tokenizer.Kind, rules: TextRules?
  ) -> Int {
    unsafe Self.end(of: text, before: test, kind: kind, rules: rules)
  }

  /// Elements of a part that is held out: ⌈n · fraction⌉ of n.
  package static func size(of count: Int, _ fraction: Double) -> Int {
    Int((Double(count) * fraction).rounded(.up))
  }

  /// Where what is before the last part of a text ends: ⌈n · fraction⌉ of n bytes before its end,
  /// or with the token, of byte pairs the chunk, that starts before that place.
  ///
  /// - Parameters:
  ///   - text: without a byte order mark.
  ///   - rules: nil for bytes.
  private static func end(
    of text: UnsafeRawBufferPointer, before fraction: Double, kind: Tokenizer.Kind,
    rules: TextRules?
  ) -> Int {
    let target = max(0, text.count - size(of: text.count, fraction))
    let rules = rules ?? .newest
    switch kind {
    case .byte: return target
    case .character:
      var end = target
      while unsafe end < text.count && text[end] & 0xC0 == 0x80 { end += 1 }
      return end
    case .word:
      var scanner = unsafe WordScanner(text, rules: rules, endsLastLine: false)
      while scanner.offset < target, scanner.next() != nil {}
      return scanner.offset
    case .bytePair:
      var scanner = unsafe ChunkScanner(text, rules: rules)
      while scanner.offset < target, unsafe scanner.next() != nil {}
      return scanner.offset
    }
  }
}

/// How often a text spells tokens of words that are not words.
package struct SpelledTokens: Sendable, Equatable {
  /// `<unk>`.
  package var unknown = 0
  /// `<eos>`.
  package var lineEnds = 0

  package init(unknown: Int = 0, lineEnds: Int = 0) {
    self.unknown = unknown
    self.lineEnds = lineEnds
  }

  mutating func add(_ token: Int32) {
    if token == WordVocabulary.lineEnd { lineEnds += 1 } else { unknown += 1 }
  }

  /// Reads a text of words; nil for a file that cannot be read, or is a token file.
  package init?(ofTextAt path: String, cutBy rules: TextRules) {
    guard let file = try? MappedFile(path: path), unsafe !TokenFileHeader.begins(file.bytes)
    else { return nil }
    self.init()
    let tokenizer = Tokenizer.word(WordVocabulary(words: [[UInt8]](), rules: rules))
    try? unsafe tokenizer.forEachToken(of: file.bytes, path: path) { add($0) } _: { _, _ in }
  }

  /// Nil where it spells none.
  package var words: String? {
    let parts = [(unknown, "<unk>"), (lineEnds, "<eos>")].filter { $0.0 > 0 }
      .map { "\($0.1) \(Format.count($0.0, "time"))" }
    return parts.isEmpty
      ? nil
      : "the text spells \(parts.joined(separator: " and ")), which are read as the tokens of "
        + "these names"
  }
}
