/// Splits a text into words and line ends: words are what ASCII white space separates, and every
/// line ends with a line end, also a last one without a newline.
@safe struct WordScanner {
  /// What comes next in a text.
  @safe enum Item {
    case word(UnsafeRawBufferPointer)
    case lineEnd
  }

  private let bytes: UnsafeRawBufferPointer
  /// Where the next item is looked for.
  private(set) var offset = 0
  /// Whether the line so far has a word.
  private var isLineOpen = false
  /// Whether a text that ends within a line gets a line end.
  private let endsLastLine: Bool

  init(_ bytes: UnsafeRawBufferPointer, endsLastLine: Bool = true) {
    unsafe self.bytes = unsafe bytes
    self.endsLastLine = endsLastLine
  }

  /// The next item; nil at the end.
  @inline(__always)
  mutating func next() -> Item? {
    while unsafe offset < bytes.count {
      let byte = unsafe bytes[offset]
      if byte == UInt8(ascii: "\n") {
        offset += 1
        isLineOpen = false
        return .lineEnd
      }
      if !Self.isSpace(byte) { return unsafe .word(word()) }
      // White space alone is a line too.
      isLineOpen = true
      offset += 1
    }
    guard isLineOpen, endsLastLine else { return nil }
    isLineOpen = false
    return .lineEnd
  }

  @inline(__always)
  private mutating func word() -> UnsafeRawBufferPointer {
    isLineOpen = true
    let start = offset
    repeat { offset += 1 } while unsafe offset < bytes.count && !Self.isSpace(bytes[offset])
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  /// Space, tab, newline, vertical tab, form feed, carriage return.
  @inline(__always)
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
