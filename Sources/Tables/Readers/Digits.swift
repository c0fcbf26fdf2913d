/// The digits of a number, with one point among them or none, taken eight bytes at a time without a
/// branch that depends on how many they are, or on where the point stands.
struct Digits {
  /// All digits as one integer, modulo 2^64.
  private(set) var value: UInt64 = 0
  /// Where the point stands; negative where there is none.
  private(set) var pointPlace = -1
  /// Whether the bytes taken last were digits, or digits and the point, up to the eighth of them.
  private(set) var goesOn = false

  @inline(__always) var hasPoint: Bool { pointPlace >= 0 }

  /// A 1 in each byte.
  static var ones: UInt64 { 0x0101_0101_0101_0101 }

  /// The highest bit of each byte that is more than 9.
  @inline(__always) static func others(in bytes: UInt64) -> UInt64 {
    let low = bytes & (0x7F &* ones)
    return (low &+ (0x76 &* ones) | bytes) & (0x80 &* ones)
  }

  /// The number whose digits are the eight bytes, the first of them lowest.
  @inline(__always) static func value(_ bytes: UInt64) -> UInt64 {
    let pairs = (bytes &* (10 << 8 + 1)) >> 8 & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* (100 << 16 + 1)) >> 16 & 0x0000_FFFF_0000_FFFF
    return (fours &* (10_000 << 32 + 1)) >> 32
  }

  /// Takes the digits, and the point, with which eight bytes begin.
  ///
  /// - Parameters:
  ///   - word: the bytes, the first of them lowest.
  ///   - count: how many of them count.
  ///   - place: where the first of them stands; moves on to the first that is not taken.
  @inline(__always)
  mutating func take(_ word: UInt64, first count: Int, at place: inout Int, point: UInt8) {
    let high = 0x80 &* Self.ones
    // Digits are 0 to 9 now. A byte's highest bit says that it is none, or that it is the point.
    var bytes = word ^ (0x30 &* Self.ones)
    let beyond = UInt64.max << UInt64(8 * count)
    var others = Self.others(in: bytes) | beyond & high
    let distances = word ^ (UInt64(point) &* Self.ones)
    let points = ~((distances & ~high) &+ ~high | distances | beyond) & high
    let first = others & (0 &- others)
    let found = hasPoint ? 0 : points & first
    pointPlace = found != 0 ? place + found.trailingZeroBitCount / 8 : pointPlace
    // The bytes behind the point close up.
    others ^= found
    let before = (found >> 7) &- 1
    bytes = bytes & before | (bytes >> 8) & ~before
    let taken = others.trailingZeroBitCount / 8
    let digits = taken - (found != 0 ? 1 : 0)
    // Zeros stand before the digits, and what follows them is gone.
    bytes <<= UInt64(8 * (8 - digits))
    value = value &* Self.tens[digits] &+ Self.value(bytes)
    place += taken
    goesOn = taken == 8
  }

  /// 10^0 to 10^8.
  private static let tens: [UInt64] = [
    1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
  ]
}
