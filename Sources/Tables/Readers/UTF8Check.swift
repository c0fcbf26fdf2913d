/// Finds the first byte of a stream that is no part of UTF-8 text.
struct UTF8Check {
  /// Where it stands, and its value; nil as long as all is text.
  private(set) var invalid: (offset: Int, byte: UInt8)?
  /// Continuations that the character begun still needs, and what the next may be.
  private var needed = 0
  private var next: ClosedRange<UInt8> = 0x80...0xBF
  /// The first byte of the character begun.
  private var lead: (offset: Int, byte: UInt8) = (0, 0)

  /// Takes the bytes that follow; `offset` is where they stand in the stream.
  mutating func take(_ bytes: UnsafeRawBufferPointer, offset: Int) {
    guard invalid == nil else { return }
    var place = 0
    while place < bytes.count {
      if needed == 0 {
        while place + 8 <= bytes.count,
          unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            & 0x8080_8080_8080_8080 == 0
        { place += 8 }
        if place == bytes.count { return }
      }
      let byte = unsafe bytes[place]
      if needed > 0 {
        guard next ~= byte else {
          invalid = lead
          return
        }
        needed -= 1
        next = 0x80...0xBF
      } else if byte >= 0x80 {
        lead = (offset + place, byte)
        guard begin(byte) else {
          invalid = lead
          return
        }
      }
      place += 1
    }
  }

  /// The first byte of a character beyond ASCII (Unicode 16, table 3-7); false if it is none.
  private mutating func begin(_ byte: UInt8) -> Bool {
    next =
      switch byte {
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0x80...0xBF
      }
    switch byte {
    case 0xC2...0xDF: needed = 1
    case 0xE0...0xEF: needed = 2
    case 0xF0...0xF4: needed = 3
    default: return false
    }
    return true
  }

  /// Says that no bytes follow.
  mutating func finish() {
    if needed > 0, invalid == nil { invalid = lead }
  }
}
