import Kernels

/// AVX512-BF16 in scalar integer and exact double arithmetic, as Intel's manual has it (Software
/// Developer's Manual, volume 2, VDPBF16PS and VCVTNE2PS2BF16: "FP32 FMA with daz in, ftz out and
/// RNE rounding", the odd product first; volume 1, 11.5.2.5 and 4.9.1.5: a result is tiny that is
/// below 2^-126 after it was rounded with any number of exponents).
enum PairModel {
  /// Whether this machine has the instructions.
  static var isInHardware: Bool { Precision.bf16.hasInstructions(in: .avx512) }

  /// The bf16 number that is nearest, of two the even one; denormals are zeros.
  static func rounded(_ value: Float) -> Float {
    let bits = value.bitPattern
    if value.isNaN { return Float(bitPattern: (bits | 0x40_0000) & 0xffff_0000) }
    if value.magnitude < .leastNormalMagnitude { return Float(bitPattern: bits & 0x8000_0000) }
    return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
  }

  /// sum + a · b in one rounding, denormals of either side being zeros; a and b are bf16 numbers.
  static func multiplyAdd(_ sum: Float, _ a: Float, _ b: Float) -> Float {
    let product = Double(a) * Double(b)
    let start = sum.magnitude < .leastNormalMagnitude ? sum * 0 : sum
    let total = Double(start) + product
    if !total.isFinite || total == 0 { return Float(total) }
    // What the addition lost, and the total with the last bit set where something was: any further
    // rounding then goes as that of the exact sum would.
    let part = total - Double(start)
    let lost = (Double(start) - (total - part)) + (product - part)
    var odd = total
    if lost != 0, total.bitPattern & 1 == 0 {
      odd = (lost > 0) == (total > 0) ? total : total.sign == .minus ? total.nextUp : total.nextDown
      odd = Double(bitPattern: odd.bitPattern | 1)
    }
    // To 24 bits of significand; the exponents of double precision are many.
    let bits = odd.bitPattern
    let result = Double(
      bitPattern: (bits + 0xfff_ffff + (bits >> 29 & 1)) & ~0x1fff_ffff)
    if result.magnitude < 0x1p-126 { return result.sign == .minus ? -0.0 : 0 }
    if result.magnitude >= 0x1p128 { return result < 0 ? -.infinity : .infinity }
    return Float(result)
  }

  /// One lane of VDPBF16PS of operands that need rounding.
  static func dot(_ sum: Float, _ even: (Float, Float), _ odd: (Float, Float)) -> Float {
    multiplyAdd(
      multiplyAdd(sum, rounded(odd.0), rounded(odd.1)), rounded(even.0), rounded(even.1))
  }

  /// A chain over neighbours of k; what an odd number lacks is 0.
  static func chain(_ start: Float, _ a: [Float], _ b: [Float]) -> Float {
    var sum = start
    for k in stride(from: 0, to: a.count, by: 2) {
      let odd = k + 1 < a.count ? (a[k + 1], b[k + 1]) : (0, 0)
      sum = dot(sum, (a[k], b[k]), odd)
    }
    return sum
  }
}
