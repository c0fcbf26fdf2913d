/// Reads Unicode scalars from UTF-8 bytes and stops at the first malformed sequence.
@safe struct UTF8Scanner {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next scalar starts; after a failure, where the malformed sequence starts.
  private(set) var offset = 0
  /// Whether `next` met bytes that are not UTF-8.
  private(set) var failed = false

  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

  /// The next scalar's code point; nil at the end and at a malformed sequence.
  @inline(__always)
  mutating func next() -> UInt32? {
    guard unsafe offset < bytes.count else { return nil }
    let lead = unsafe bytes[offset]
    if lead < 0x80 {
      offset += 1
      return UInt32(lead)
    }
    guard let (scalar, length) = unsafe Self.wideScalar(at: offset, in: bytes) else {
      failed = true
      return nil
    }
    offset += length
    return scalar
  }

  /// The code point that starts at a place with a byte beyond ASCII, and the bytes that it takes;
  /// nil where the sequence is malformed.
  static func wideScalar(
    at place: Int, in bytes: UnsafeRawBufferPointer
  ) -> (scalar: UInt32, length: Int)? {
    let lead = unsafe bytes[place]
    // The bounds of the second byte shut out overlong forms, surrogates and values over 10FFFF.
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch lead {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    case 0xF1...0xF3: length = 4
    default: return nil
    }
    guard bytes.count - place >= length, unsafe second.contains(bytes[place + 1]) else {
      return nil
    }
    var scalar = UInt32(lead) & (0x7F >> UInt32(length))
    scalar = unsafe scalar << 6 | UInt32(bytes[place + 1] & 0x3F)
    for index in place + 2..<place + length {
      guard unsafe bytes[index] & 0xC0 == 0x80 else { return nil }
      scalar = unsafe scalar << 6 | UInt32(bytes[index] & 0x3F)
    }
    return (scalar, length)
  }

  /// Throws where a part of a text, which starts at `offset`, is not UTF-8.
  static func requireUTF8(
    _ part: UnsafeRawBufferPointer, path: String, offset: Int
  ) throws(CorpusError) {
    var scanner = unsafe UTF8Scanner(part)
    while scanner.next() != nil {}
    if scanner.failed { throw .invalidUTF8(path: path, offset: offset + scanner.offset) }
  }
}
