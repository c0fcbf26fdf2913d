/// Floats as bf16 for the way between ranks: rounded to nearest, ties to even. One operation of
/// each element at a time, so that the bits do not depend on a vector's width. Memory is used as
/// raw bytes: words lie where floats did.
enum BF16Words {
  private typealias Floats = SIMD16<Float>
  private typealias Bits = SIMD16<UInt32>

  /// packed = bf16(x + e), and what that leaves out: rest = x + e − packed. `e` may be `rest`.
  ///
  /// Preconditions: `count` is a multiple of 16.
  static func packSum(
    _ x: UnsafePointer<Float>, _ e: UnsafePointer<Float>, rest: UnsafeMutablePointer<Float>,
    into packed: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    for i in stride(from: 0, to: count, by: 16) {
      let value = unsafe load(x + i) + load(e + i)
      let words = rounded(value)
      unsafe store(words, packed + i)
      unsafe store(value - widened(words), rest + i)
    }
  }

  /// packed = bf16(x − y).
  ///
  /// Preconditions: `count` is a multiple of 16.
  static func packDifference(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    into packed: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    for i in stride(from: 0, to: count, by: 16) {
      unsafe store(rounded(load(x + i) - load(y + i)), packed + i)
    }
  }

  static func unpack(
    _ packed: UnsafePointer<UInt16>, into x: UnsafeMutablePointer<Float>, count: Int
  ) {
    var i = 0
    while i + 16 <= count {
      unsafe store(widened(loadWords(packed + i)), x + i)
      i += 16
    }
    while i < count {
      let word = unsafe UnsafeRawPointer(packed + i).loadUnaligned(as: UInt16.self)
      unsafe x[i] = Float(bitPattern: UInt32(word) << 16)
      i += 1
    }
  }

  /// x = x + packed.
  ///
  /// Preconditions: `count` is a multiple of 16.
  static func add(
    _ packed: UnsafePointer<UInt16>, to x: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in stride(from: 0, to: count, by: 16) {
      unsafe store(load(x + i) + widened(loadWords(packed + i)), x + i)
    }
  }

  @inline(__always) private static func rounded(_ value: Floats) -> SIMD16<UInt16> {
    let bits = unsafe unsafeBitCast(value, to: Bits.self)
    let isOdd = (bits &>> 16) & 1
    let nearest = bits &+ (isOdd &+ 0x7FFF)
    // Rounding must not carry a NaN over to a number.
    let isNaN = (bits & 0x7FFF_FFFF) .> Bits(repeating: 0x7F80_0000)
    let words = nearest.replacing(with: bits | 0x0040_0000, where: isNaN)
    return SIMD16<UInt16>(truncatingIfNeeded: words &>> 16)
  }

  @inline(__always) private static func widened(_ words: SIMD16<UInt16>) -> Floats {
    unsafe unsafeBitCast(Bits(truncatingIfNeeded: words) &<< 16, to: Floats.self)
  }

  @inline(__always) private static func load(_ x: UnsafePointer<Float>) -> Floats {
    unsafe UnsafeRawPointer(x).loadUnaligned(as: Floats.self)
  }

  @inline(__always) private static func loadWords(_ x: UnsafePointer<UInt16>) -> SIMD16<UInt16> {
    unsafe UnsafeRawPointer(x).loadUnaligned(as: SIMD16<UInt16>.self)
  }

  @inline(__always) private static func store(_ value: Floats, _ x: UnsafeMutablePointer<Float>) {
    unsafe UnsafeMutableRawPointer(x).storeBytes(of: value, as: Floats.self)
  }

  @inline(__always) private static func store(
    _ words: SIMD16<UInt16>, _ x: UnsafeMutablePointer<UInt16>
  ) {
    unsafe UnsafeMutableRawPointer(x).storeBytes(of: words, as: SIMD16<UInt16>.self)
  }
}
