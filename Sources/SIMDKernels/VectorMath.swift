public import CPlatform

/// Sixteen virtual lanes: the unit of all elementwise work, at any real vector width. The compiler
/// splits it into as many registers as the instruction set needs; the bits are the same.
public typealias Lanes = SIMD16<Float>

@_transparent
public func loadLanes(_ p: UnsafePointer<Float>) -> Lanes {
  UnsafeRawPointer(p).loadUnaligned(as: Lanes.self)
}

@_transparent
public func storeLanes(_ value: Lanes, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: value, as: Lanes.self)
}

@_transparent
public func lanes(_ value: Float) -> Lanes { Lanes(repeating: value) }

/// a · b + c, rounded once.
@_transparent
public func multiplyAdd(_ a: Lanes, _ b: Lanes, _ c: Lanes) -> Lanes {
  platform_multiply_add(a, b, c)
}

/// Lane by lane x where `a` is below `b`, else y; a NaN is below nothing.
@_transparent
public func select(_ a: Lanes, isBelow b: Lanes, _ x: Lanes, _ y: Lanes) -> Lanes {
  platform_select_less(a, b, x, y)
}

/// Correctly rounded square roots.
@_transparent
public func squareRoots(_ x: Lanes) -> Lanes { platform_square_roots(x) }

/// The fixed tree over sixteen lanes: lane i + lane i+8, then i+4, i+2, i+1.
@_transparent
public func treeSum(_ x: Lanes) -> Float {
  let eight = x.lowHalf + x.highHalf
  let four = eight.lowHalf + eight.highHalf
  let two = four.lowHalf + four.highHalf
  return two[0] + two[1]
}

/// The largest lane; a NaN lane may or may not be seen.
@_transparent
public func largest(_ x: Lanes) -> Float {
  let eight = x.lowHalf.replacing(with: x.highHalf, where: x.highHalf .> x.lowHalf)
  let four = eight.lowHalf.replacing(with: eight.highHalf, where: eight.highHalf .> eight.lowHalf)
  let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
  return two[1] > two[0] ? two[1] : two[0]
}

/// |x| lane by lane.
@_transparent
public func magnitude(_ x: Lanes) -> Lanes {
  let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0x7fff_ffff)
  return unsafeBitCast(bits, to: Lanes.self)
}

/// e^x within 1 ulp; 0 below −104, +inf above 88.72; NaN stays NaN.
///
/// x = n ln 2 + r with n an integer and |r| at most ln 2 / 2; e^r = 1 + r (1 + r P(r)), P a minimax
/// polynomial of degree 4 (derived by Tests/References/minimax.py); 2^n is applied in two exact
/// steps so that subnormal results round once.
@_transparent
public func exponential(_ x: Lanes) -> Lanes {
  // Comparisons are written so that NaN falls through unchanged.
  var clamped = select(x, isBelow: lanes(-106), lanes(-106), x)
  clamped = select(lanes(89), isBelow: clamped, lanes(89), clamped)
  // Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits.
  let magic = lanes(12_582_912)
  let shifted = multiplyAdd(clamped, lanes(1.442_695_041), magic)
  let n = shifted - magic
  var r = multiplyAdd(n, lanes(-0.693_145_752), clamped)
  r = multiplyAdd(n, lanes(-1.428_606_77e-6), r)
  var p = multiplyAdd(r, lanes(0.001_381_455_8), lanes(0.008_368_736))
  p = multiplyAdd(r, p, lanes(0.041_668_39))
  p = multiplyAdd(r, p, lanes(0.166_665_21))
  p = multiplyAdd(r, p, lanes(0.499_999_94))
  p = multiplyAdd(r, p, lanes(1))
  let value = multiplyAdd(r, p, lanes(1))
  let integer =
    unsafeBitCast(shifted, to: SIMD16<Int32>.self) &- SIMD16<Int32>(repeating: 0x4b40_0000)
  let half = integer &>> SIMD16<Int32>(repeating: 1)
  let rest = integer &- half
  let bias = SIMD16<Int32>(repeating: 127)
  let shift = SIMD16<Int32>(repeating: 23)
  let scale0 = unsafeBitCast((half &+ bias) &<< shift, to: Lanes.self)
  let scale1 = unsafeBitCast((rest &+ bias) &<< shift, to: Lanes.self)
  return value * scale0 * scale1
}

/// 1 / (1 + e^−x) within 2 ulp, from e = e^−|x| so that neither end loses digits.
///
/// The quotient of the rounded d = 1 + e is corrected by what the rounding of d and the division
/// left, so that besides e only the last step rounds.
@_transparent
public func sigmoid(_ x: Lanes) -> Lanes {
  let e = exponential(-magnitude(x))
  let numerator = select(x, isBelow: lanes(0), e, lanes(1))
  let denominator = lanes(1) + e
  let lost = e - (denominator - lanes(1))
  let reciprocal = lanes(1) / denominator
  let quotient = numerator * reciprocal
  var rest = multiplyAdd(-quotient, denominator, numerator)
  rest = multiplyAdd(-quotient, lost, rest)
  return multiplyAdd(rest, reciprocal, quotient)
}

/// tanh x within 2 ulp, odd to the bit: with a = |x|, a + a³ P(a²) below 0.625, else
/// 1 − 2 / (e^2a + 1), under the sign of x. P is minimax too (Tests/References/minimax.py).
@_transparent
public func hyperbolicTangent(_ x: Lanes) -> Lanes {
  let size = magnitude(x)
  let u = size * size
  var p = multiplyAdd(u, lanes(-0.005_591_007_4), lanes(0.020_538_81))
  p = multiplyAdd(u, p, lanes(-0.053_709_656))
  p = multiplyAdd(u, p, lanes(0.133_310_93))
  p = multiplyAdd(u, p, lanes(-0.333_332_7))
  let small = multiplyAdd(size * u, p, size)
  let e = exponential(size + size)
  let large = lanes(1) - lanes(2) / (e + lanes(1))
  let value = select(size, isBelow: lanes(0.625), small, large)
  let sign = unsafeBitCast(x, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0x8000_0000)
  return unsafeBitCast(unsafeBitCast(value, to: SIMD16<UInt32>.self) | sign, to: Lanes.self)
}

/// exp, sigmoid or tanh (0, 1, 2) of `count` floats, a multiple of 16.
@inlinable @inline(__always)
public func elementaryArray(
  _ which: Int, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
) {
  var i = 0
  while i + 16 <= count {
    let value = loadLanes(x + i)
    switch which {
    case 0: storeLanes(exponential(value), y + i)
    case 1: storeLanes(sigmoid(value), y + i)
    default: storeLanes(hyperbolicTangent(value), y + i)
    }
    i += 16
  }
}
