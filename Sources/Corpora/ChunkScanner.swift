/// Cuts a text into chunks, which byte pairs never span: runs of letters, of digits, of other signs
/// and of white space, each with the one space before it.
///
/// Bytes beyond ASCII count as letters, so that the same text gives the same chunks whatever its
/// encoding. No chunk is longer than `longest`.
@safe struct ChunkScanner {
  static let longest = 64

  private let bytes: UnsafeRawBufferPointer
  /// Where the next chunk starts.
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

  private enum Class { case letter, digit, space, sign }

  /// The next chunk; nil at the end.
  @inline(__always)
  mutating func next() -> UnsafeRawBufferPointer? {
    let start = offset
    let end = unsafe min(bytes.count, start + Self.longest)
    guard start < end else { return nil }
    var kind = unsafe Self.kind(of: bytes[start])
    var place = start + 1
    if unsafe bytes[start] == 0x20, place < end, unsafe Self.kind(of: bytes[place]) != .space {
      kind = unsafe Self.kind(of: bytes[place])
      place += 1
    }
    while place < end, unsafe Self.kind(of: bytes[place]) == kind { place += 1 }
    // The last space before a word belongs to the word.
    if kind == .space, place - start > 1, unsafe place < bytes.count,
      unsafe bytes[place - 1] == 0x20,
      unsafe Self.kind(of: bytes[place]) != .space
    {
      place -= 1
    }
    offset = place
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<place])
  }

  @inline(__always)
  private static func kind(of byte: UInt8) -> Class {
    switch byte {
    case 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: .letter
    case 0x30...0x39: .digit
    default: WordScanner.isSpace(byte) ? .space : .sign
    }
  }
}
