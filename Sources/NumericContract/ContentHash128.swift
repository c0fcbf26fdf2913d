/// A 128-bit fingerprint of a run of bytes that tells corpora apart.
///
/// It is not cryptographic: it notices accidents, not forgery. Its value depends on the bytes and
/// their number alone, not on the machine or on how the file was opened.
package struct ContentHash128: Sendable, Equatable, CustomStringConvertible {
  package let high: UInt64
  package let low: UInt64

  /// 32 hexadecimal digits.
  package var description: String { hexadecimal(high) + hexadecimal(low) }

  /// The hash of `bytes`.
  package init(of bytes: UnsafeRawBufferPointer) {
    var hasher = Hasher()
    unsafe hasher.update(bytes)
    self = hasher.finish()
  }

  fileprivate init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The hash of bytes that come piece by piece; how they are cut makes no difference.
  ///
  /// Four lanes take every fourth little-endian word, the last block filled up with zeros. A lane's
  /// step is a bijection of the word it takes, so a change of one word always changes the lane.
  package struct Hasher: Sendable {
    private var lanes = SIMD4<UInt64>(multiplier, ~multiplier, increment, ~increment)
    /// The start of a block of 32 bytes that is not whole yet.
    private var pending: [UInt8] = []
    private var count = 0

    /// The hash of nothing yet.
    package init() {}

    /// Takes the bytes that follow.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
      count += bytes.count
      var rest = unsafe bytes[...]
      if !pending.isEmpty {
        let part = unsafe rest.prefix(32 - pending.count)
        unsafe pending += part
        unsafe rest = rest.dropFirst(part.count)
        guard pending.count == 32 else { return }
        unsafe pending.withUnsafeBytes { unsafe absorb($0) }
        pending = []
      }
      unsafe absorb(UnsafeRawBufferPointer(rebasing: rest.prefix(rest.count / 32 * 32)))
      unsafe pending += rest.dropFirst(rest.count / 32 * 32)
    }

    /// Takes whole blocks.
    private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
      for block in 0..<bytes.count / 32 {
        let offset = block * 32
        for lane in 0..<4 {
          let word = unsafe bytes.loadUnaligned(fromByteOffset: offset + 8 * lane, as: UInt64.self)
          lanes[lane] = ContentHash128.absorb(UInt64(littleEndian: word), into: lanes[lane])
        }
      }
    }

    /// The hash of all that came.
    package consuming func finish() -> ContentHash128 {
      for (position, offset) in stride(from: 0, to: pending.count, by: 8).enumerated() {
        var word: UInt64 = 0
        for index in offset..<min(offset + 8, pending.count) {
          word |= UInt64(pending[index]) << UInt64(8 * (index - offset))
        }
        lanes[position] = ContentHash128.absorb(word, into: lanes[position])
      }
      // The count tells apart texts that differ only by zeros at the end.
      var low = UInt64(count)
      var high = ~UInt64(count)
      for lane in 0..<4 {
        low = scramble(low &+ lanes[lane])
        high = scramble(high ^ lanes[3 - lane])
      }
      return ContentHash128(high: high, low: low)
    }
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
}
