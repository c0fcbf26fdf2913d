/// Splits a text into words and line ends: words are what white space separates, and every line
/// ends with a line end, also a last one without a newline.
///
/// By version 1 of the rules white space is ASCII's, and a line ends with a newline; by version 2
/// they are Unicode's.
@safe struct WordScanner {
  /// What comes next in a text.
  @safe enum Item {
    case word(UnsafeRawBufferPointer)
    case lineEnd
  }

  private let bytes: UnsafeRawBufferPointer
  private let rules: TextRules
  /// Where the next item is looked for.
  private(set) var offset = 0
  /// Whether the line so far has a word.
  private var isLineOpen = false
  /// Whether a text that ends within a line gets a line end.
  private let endsLastLine: Bool

  init(_ bytes: UnsafeRawBufferPointer, rules: TextRules, endsLastLine: Bool = true) {
    unsafe self.bytes = unsafe bytes
    self.rules = rules
    self.endsLastLine = endsLastLine
  }

  /// The next item; nil at the end.
  @inline(__always)
  mutating func next() -> Item? {
    while unsafe offset < bytes.count {
      if unsafe Self.isPlain(bytes[offset]) { return unsafe .word(word()) }
      switch unsafe rules.space(at: offset, in: bytes) {
      case .lineEnd(let length):
        offset += length
        isLineOpen = false
        return .lineEnd
      case .blank(let length):
        // White space alone is a line too.
        isLineOpen = true
        offset += length
      case nil:
        return unsafe .word(word())
      }
    }
    guard isLineOpen, endsLastLine else { return nil }
    isLineOpen = false
    return .lineEnd
  }

  @inline(__always)
  private mutating func word() -> UnsafeRawBufferPointer {
    isLineOpen = true
    let start = offset
    repeat { offset += 1 } while unsafe offset < bytes.count
      && (Self.isPlain(bytes[offset]) || rules.space(at: offset, in: bytes) == nil)
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  /// ASCII without white space and controls: most bytes of most texts.
  @inline(__always)
  private static func isPlain(_ byte: UInt8) -> Bool { byte &- 0x21 < 0x5F }
}

extension TextRules {
  /// The words of a text.
  package func words(of text: some Collection<UInt8>) -> [[UInt8]] {
    unsafe Array(text).withUnsafeBytes { bytes in
      var scanner = unsafe WordScanner(bytes, rules: self)
      var words: [[UInt8]] = []
      while let item = scanner.next() {
        if case .word(let word) = item { unsafe words.append(Array(word)) }
      }
      return words
    }
  }

  /// Whether a text ends with white space.
  func endsWithSpace(_ text: some BidirectionalCollection<UInt8>) -> Bool {
    unsafe Array(text.suffix(3)).withUnsafeBytes { tail in
      tail.indices.contains { place in
        switch unsafe space(at: place, in: tail) {
        case .lineEnd(let length), .blank(let length): place + length == tail.count
        case nil: false
        }
      }
    }
  }
}
