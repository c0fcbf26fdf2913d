/// Reads decimal numbers out of bytes, rounded as `Double(String)` rounds them: to nearest, ties to
/// even.
///
/// Up to 19 digits are an integer w of 64 bits. Where a double holds w and the power of ten, their
/// product or quotient is rounded once (Clinger, 1990). Else the product of w and a power of five,
/// 5^27 at most, is an integer of 128 bits, and their quotient one of 64 bits with a remainder:
/// these are rounded once too. All other numbers are left to the caller.
enum DecimalNumber {
  /// A number at the start of some bytes.
  struct Prefix {
    let value: Double
    /// The first byte that is no part of it.
    let end: Int
    /// Whether it has neither point nor exponent.
    let isInteger: Bool
  }

  /// The number with which the bytes from `start` begin; nil where they begin with none, or with
  /// one that takes another way.
  ///
  /// - Parameter isStrict: takes what JSON allows only: no plus sign, no zero before other digits,
  ///   digits on both sides of a point.
  @inline(__always)
  static func prefix(
    of bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, point: UInt8 = 0x2E,
    isStrict: Bool = false
  ) -> Prefix? {
    var place = start
    guard place < end else { return nil }
    // Signs come as they like: no branch depends on them.
    let isNegative = unsafe bytes[place] == 0x2D
    place += unsafe isNegative || !isStrict && bytes[place] == 0x2B ? 1 : 0
    let first = place
    var digits: UInt64 = 0
    while place < end, let digit = unsafe digit(bytes[place]) {
      digits = digits &* 10 &+ digit
      place += 1
    }
    var count = place - first
    if isStrict {
      guard count > 0 else { return nil }
      if unsafe count > 1 && bytes[first] == 0x30 { return nil }
    }
    var exponent = 0
    var isInteger = true
    if place < end, unsafe bytes[place] == point {
      place += 1
      isInteger = false
      let fraction = place
      while place < end, let digit = unsafe digit(bytes[place]) {
        digits = digits &* 10 &+ digit
        place += 1
      }
      exponent = fraction - place
      count -= exponent
      if isStrict && exponent == 0 { return nil }
    }
    guard count > 0 else { return nil }
    if count > 19 {
      guard unsafe count - zeros(bytes, from: first, to: place) <= 19 else { return nil }
    }
    if place < end, unsafe bytes[place] | 0x20 == 0x65 {
      guard let scale = unsafe self.exponent(bytes, from: place + 1, to: end) else { return nil }
      exponent += scale.value
      place = scale.end
      isInteger = false
    }
    guard let value = magnitude(digits, exponent) else { return nil }
    let sign: UInt64 = isNegative ? 1 << 63 : 0
    return Prefix(
      value: Double(bitPattern: value.bitPattern | sign), end: place, isInteger: isInteger)
  }

  @inline(__always) private static func digit(_ byte: UInt8) -> UInt64? {
    let digit = byte &- 0x30
    return digit < 10 ? UInt64(digit) : nil
  }

  /// Zeros before the first digit that counts.
  private static func zeros(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
    var zeros = 0
    for place in start..<end {
      switch unsafe bytes[place] {
      case 0x30: zeros += 1
      case 0x31...0x39: return zeros
      default: break
      }
    }
    return zeros
  }

  private static func exponent(
    _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int
  ) -> (value: Int, end: Int)? {
    var place = start
    guard place < end else { return nil }
    let isNegative = unsafe bytes[place] == 0x2D
    if unsafe isNegative || bytes[place] == 0x2B { place += 1 }
    let first = place
    var value = 0
    while place < end, let digit = unsafe digit(bytes[place]), value < 10_000 {
      value = value * 10 + Int(digit)
      place += 1
    }
    return place > first && value < 10_000 ? (isNegative ? -value : value, place) : nil
  }

  /// digits · 10^exponent; nil beyond 10^±27.
  @inline(__always)
  static func magnitude(_ digits: UInt64, _ exponent: Int) -> Double? {
    if digits < 1 << 53 {
      if digits == 0 { return 0 }
      if exponent <= 0 {
        if exponent >= -22 { return Double(digits) / tens[-exponent] }
      } else if exponent <= 22 {
        return Double(digits) * tens[exponent]
      }
    }
    return exactMagnitude(digits, exponent)
  }

  private static func exactMagnitude(_ digits: UInt64, _ exponent: Int) -> Double? {
    guard -27...27 ~= exponent else { return nil }
    if exponent < 0 { return quotient(digits, fives[-exponent], scale: exponent) }
    let (high, low) = digits.multipliedFullWidth(by: fives[exponent])
    if high == 0 { return rounded(low, isExact: true, scale: exponent) }
    let shift = high.leadingZeroBitCount
    let top = high << UInt64(shift) | (shift > 0 ? low >> UInt64(64 - shift) : 0)
    return rounded(top, isExact: low << UInt64(shift) == 0, scale: exponent + 64 - shift)
  }

  /// numerator / denominator · 2^scale.
  private static func quotient(
    _ numerator: UInt64, _ denominator: UInt64, scale: Int
  ) -> Double {
    let (above, below) = (numerator.leadingZeroBitCount, denominator.leadingZeroBitCount)
    let dividend = numerator << UInt64(above)
    // Half of it is less than the divisor, so that the quotient fits; it has at least 63 bits.
    let (quotient, remainder) = (denominator << UInt64(below)).dividingFullWidth(
      (dividend >> 1, dividend << 63))
    return rounded(quotient, isExact: remainder == 0, scale: scale + below - above - 63)
  }

  /// bits · 2^scale, where something less than one bit is missing unless that is exact.
  private static func rounded(_ bits: UInt64, isExact: Bool, scale: Int) -> Double {
    let shift = UInt64(max(0, 11 - bits.leadingZeroBitCount))
    var significand = bits >> shift
    if shift > 0 {
      let rest = bits & (1 << shift - 1)
      let half: UInt64 = 1 << (shift - 1)
      if rest > half || rest == half && (!isExact || significand & 1 == 1) { significand += 1 }
    }
    // No number of this range is too large or too small for a power of two of its own.
    return Double(significand)
      * Double(bitPattern: UInt64(Int(shift) + scale + 1023) << 52)
  }

  /// 10^0 to 10^22, exactly.
  private static let tens: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  /// 5^0 to 5^27, the largest that fits.
  private static let fives: [UInt64] = [
    1, 5, 25, 125, 625, 3125, 15_625, 78_125, 390_625, 1_953_125, 9_765_625, 48_828_125,
    244_140_625, 1_220_703_125, 6_103_515_625, 30_517_578_125, 152_587_890_625, 762_939_453_125,
    3_814_697_265_625, 19_073_486_328_125, 95_367_431_640_625, 476_837_158_203_125,
    2_384_185_791_015_625, 11_920_928_955_078_125, 59_604_644_775_390_625, 298_023_223_876_953_125,
    1_490_116_119_384_765_625, 7_450_580_596_923_828_125,
  ]
}

extension DecimalNumber {
  /// The number that the bytes from `start` to `end` are, where these are up to eight digits with a
  /// point among them or none, seven then, and perhaps a sign; nil otherwise.
  ///
  /// No branch depends on how many digits there are, or on where the point stands.
  @inline(__always)
  static func short(
    _ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, readable: Int, point: UInt8
  ) -> Double? {
    guard start < end else { return nil }
    let isNegative = unsafe bytes[start] == 0x2D
    let first = unsafe start + (isNegative || bytes[start] == 0x2B ? 1 : 0)
    guard end - first <= 8, first + 8 <= readable else { return nil }
    let word = unsafe UInt64(
      littleEndian: UnsafeRawPointer(bytes + first).loadUnaligned(as: UInt64.self))
    // The bytes that count move to the top, zeros below them, and digits are 0 to 9.
    var digits = (word ^ (0x30 &* ones)) << UInt64(8 * (8 - (end - first)))
    let others = Self.others(in: digits) >> 7
    // The point is the one byte that is no digit.
    guard others & (others &- 1) == 0, digits & (others &* 0xFF) == others &* UInt64(point ^ 0x30),
      end - first > (others == 0 ? 0 : 1)
    else { return nil }
    // The bytes before it close up to those behind it.
    let before = others &- (others == 0 ? 0 : 1)
    digits = digits & ~(before | others &* 0xFF) | (digits & before) << 8
    // How many there are behind it; 8 where there is no point.
    let decimals = others.leadingZeroBitCount / 8
    let value = Double(Int64(Self.value(digits))) / divisors[decimals]
    return Double(bitPattern: value.bitPattern | (isNegative ? 1 << 63 : 0))
  }

  /// 10^0 to 10^7, and 1.
  private static let divisors: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1]

  /// A 1 in each byte.
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The highest bit of each byte that is more than 9.
  @inline(__always) private static func others(in bytes: UInt64) -> UInt64 {
    let low = bytes & (0x7F &* ones)
    return (low &+ (0x76 &* ones) | bytes) & (0x80 &* ones)
  }

  /// The number whose digits are the eight bytes, the first of them lowest.
  @inline(__always) private static func value(_ bytes: UInt64) -> UInt64 {
    let pairs = (bytes &* (10 << 8 + 1)) >> 8 & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* (100 << 16 + 1)) >> 16 & 0x0000_FFFF_0000_FFFF
    return (fours &* (10_000 << 32 + 1)) >> 32
  }
}
