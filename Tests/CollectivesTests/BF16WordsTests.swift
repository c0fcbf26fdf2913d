import Kernels
import Testing

@testable import Collectives

@Suite struct BF16WordsTests {
  /// To nearest, ties to even, by the two neighbours with 16 bits fewer.
  private static func rounded(_ value: Float) -> UInt16 {
    if value.isNaN { return UInt16(truncatingIfNeeded: value.bitPattern >> 16) | 0x40 }
    let below = UInt16(truncatingIfNeeded: value.bitPattern >> 16)
    if value.isInfinite { return below }
    let rest = value.bitPattern & 0xFFFF
    if rest < 0x8000 || rest == 0x8000 && below.isMultiple(of: 2) { return below }
    return below + 1
  }

  private static func widened(_ word: UInt16) -> Float {
    Float(bitPattern: UInt32(word) << 16)
  }

  private func values(_ count: Int, seed: UInt64) -> [Float] {
    let special: [UInt32] = [
      0, 0x8000_0000, 1, 0x8000, 0x3F80_8000, 0x3F81_8000, 0x3F80_7FFF, 0x3F80_8001, 0xBF81_8000,
      0x7F7F_7FFF, 0x7F7F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0x7FFF_FFFF, 0xFFFF_FFFF,
    ]
    return (0..<count).map { index in
      let word = UInt32(truncatingIfNeeded: Philox.mix(seed << 20 ^ UInt64(index)))
      return Float(bitPattern: index < special.count ? special[index] : word)
    }
  }

  private func bits(_ values: [Float]) -> [UInt32] {
    values.map { $0.isNaN ? 0x7FC0_0000 : $0.bitPattern }
  }

  @Test(arguments: [0, 16, 48, 4096]) func wordsAndRoundingErrorsEqualAPlainLoop(count: Int) {
    let x = values(count, seed: 1)
    // Zeros first, so that sums have the special values of x.
    let e = (0..<count).map { $0 < 16 ? 0 : values(count, seed: 2)[$0] }
    var packed = [UInt16](repeating: 7, count: count + 1)
    var rest = [Float](repeating: 7, count: count + 1)
    BF16Words.packSum(x, e, rest: &rest, into: &packed, count: count)
    let sums = zip(x, e).map { $0 + $1 }
    for index in 0..<count where !sums[index].isNaN {
      #expect(packed[index] == Self.rounded(sums[index]), "\(sums[index])")
    }
    #expect(
      bits(packed.prefix(count).map(Self.widened))
        == bits(sums.map(Self.rounded).map(Self.widened)))
    let rests = sums.map { $0 - Self.widened(Self.rounded($0)) }
    #expect(bits(Array(rest.prefix(count))) == bits(rests))
    #expect(packed[count] == 7)
    #expect(rest[count] == 7)

    var change = [UInt16](repeating: 7, count: count + 1)
    BF16Words.packDifference(x, e, into: &change, count: count)
    let differences = zip(x, e).map { $0 - $1 }
    #expect(
      bits(change.prefix(count).map(Self.widened))
        == bits(differences.map(Self.rounded).map(Self.widened)))
    #expect(change[count] == 7)

    var target = e
    BF16Words.add(change, to: &target, count: count)
    #expect(bits(target) == bits(zip(e, change).map { $0 + Self.widened($1) }))
  }

  @Test(arguments: [0, 1, 15, 16, 17, 33]) func widensAnyNumberOfWords(count: Int) {
    let words = (0..<count + 1).map { UInt16(truncatingIfNeeded: Philox.mix(UInt64($0))) }
    var floats = [Float](repeating: 7, count: count + 1)
    BF16Words.unpack(words, into: &floats, count: count)
    #expect(
      floats.map(\.bitPattern) == words.prefix(count).map { UInt32($0) << 16 }
        + [Float(7).bitPattern])
  }
}
