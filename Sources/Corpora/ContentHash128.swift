/// A 128-bit fingerprint of a run of bytes that tells corpora apart.
///
/// It is not cryptographic: it notices accidents, not forgery. Its value depends on the bytes and
/// their number alone, not on the machine or on how the file was opened.
package struct ContentHash128: Sendable, Equatable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  /// 32 hexadecimal digits.
  package var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

  /// Four lanes take every fourth little-endian word, the last block filled up with zeros. A lane's
  /// step is a bijection of the word it takes, so a change of one word always changes the lane.
  package init(of bytes: UnsafeRawBufferPointer) {
    var lanes = SIMD4<UInt64>(Self.multiplier, ~Self.multiplier, Self.increment, ~Self.increment)
    let wholeBlocks = bytes.count / 32
    for block in 0..<wholeBlocks {
      let offset = block * 32
      for lane in 0..<4 {
        let word = bytes.loadUnaligned(fromByteOffset: offset + 8 * lane, as: UInt64.self)
        lanes[lane] = Self.absorb(UInt64(littleEndian: word), into: lanes[lane])
      }
    }
    for (position, offset) in stride(from: wholeBlocks * 32, to: bytes.count, by: 8).enumerated() {
      var word: UInt64 = 0
      for index in offset..<min(offset + 8, bytes.count) {
        word |= UInt64(bytes[index]) << UInt64(8 * (index - offset))
      }
      lanes[position] = Self.absorb(word, into: lanes[position])
    }
    // The count tells apart texts that differ only by zeros at the end.
    var low = UInt64(bytes.count)
    var high = ~UInt64(bytes.count)
    for lane in 0..<4 {
      low = Self.scramble(low &+ lanes[lane])
      high = Self.scramble(high ^ lanes[3 - lane])
    }
    self.low = low
    self.high = high
  }

  private static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let increment: UInt64 = 0xD1B5_4A32_D192_ED03

  @inline(__always)
  private static func absorb(_ word: UInt64, into lane: UInt64) -> UInt64 {
    // The shift before the product spreads the upper bits, which a product alone only moves up.
    var mixed = lane ^ word
    mixed = (mixed ^ (mixed >> 32)) &* multiplier
    mixed = (mixed ^ (mixed >> 29)) &* increment
    return mixed
  }

  /// A bijection in which every input bit reaches every output bit.
  private static func scramble(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 32)) &* multiplier
    mixed = (mixed ^ (mixed >> 29)) &* increment
    mixed = (mixed ^ (mixed >> 32)) &* multiplier
    return mixed ^ (mixed >> 29)
  }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
