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
/// x = n ln 2 + r with n an integer and |r| at most ln 2 / 2; e^r = 1 + r + r² P(r), P a minimax
/// polynomial of degree 4; 2^n is applied in two exact steps so that subnormal results round once.
@_transparent
public func exponential(_ x: Lanes) -> Lanes {
  // Comparisons are written so that NaN falls through unchanged.
  var clamped = x.replacing(with: lanes(-106), where: x .< lanes(-106))
  clamped = clamped.replacing(with: lanes(89), where: clamped .> lanes(89))
  // Adding 1.5 · 2^23 rounds to an integer, which then stands in the low bits.
  let magic = lanes(12_582_912)
  let shifted = magic.addingProduct(clamped, lanes(1.442_695_041))
  let n = shifted - magic
  var r = clamped.addingProduct(n, lanes(-0.693_145_752))
  r = r.addingProduct(n, lanes(-1.428_606_77e-6))
  var p = lanes(0.008_368_736).addingProduct(r, lanes(0.001_381_455_8))
  p = lanes(0.041_668_39).addingProduct(r, p)
  p = lanes(0.166_665_21).addingProduct(r, p)
  p = lanes(0.499_999_94).addingProduct(r, p)
  let value = lanes(1) + r.addingProduct(r * r, p)
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
@_transparent
public func sigmoid(_ x: Lanes) -> Lanes {
  let e = exponential(-magnitude(x))
  let numerator = lanes(1).replacing(with: e, where: x .< lanes(0))
  return numerator / (lanes(1) + e)
}

/// tanh x within 2 ulp: x + x³ P(x²) below 0.625, else ±(1 − 2 / (e^2|x| + 1)).
@_transparent
public func hyperbolicTangent(_ x: Lanes) -> Lanes {
  let size = magnitude(x)
  let u = x * x
  var p = lanes(0.020_538_81).addingProduct(u, lanes(-0.005_591_007_4))
  p = lanes(-0.053_709_656).addingProduct(u, p)
  p = lanes(0.133_310_93).addingProduct(u, p)
  p = lanes(-0.333_332_7).addingProduct(u, p)
  let small = x.addingProduct(x * u, p)
  let e = exponential(size + size)
  let large = lanes(1) - lanes(2) / (e + lanes(1))
  let sign = unsafeBitCast(x, to: SIMD16<UInt32>.self) & SIMD16<UInt32>(repeating: 0x8000_0000)
  let signed = unsafeBitCast(unsafeBitCast(large, to: SIMD16<UInt32>.self) | sign, to: Lanes.self)
  return small.replacing(with: signed, where: size .>= lanes(0.625))
}

/// Natural logarithm in double precision of a positive finite x, from multiply, add and divide:
/// x = m 2^e with m in [√½, √2), log m = 2 artanh((m − 1) / (m + 1)) as its odd series.
@_transparent
public func naturalLogarithm(_ x: Double) -> Double {
  var bits = x.bitPattern
  var exponent = Int((bits >> 52) & 0x7ff) - 1023
  if exponent == -1023 {
    bits = (x * 18_014_398_509_481_984).bitPattern
    exponent = Int((bits >> 52) & 0x7ff) - 1023 - 54
  }
  var m = Double(bitPattern: (bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000)
  if m > 1.414_213_562_373_095 {
    m *= 0.5
    exponent += 1
  }
  let s = (m - 1) / (m + 1)
  let u = s * s
  var p = 1.0 / 23
  p = p * u + 1.0 / 21
  p = p * u + 1.0 / 19
  p = p * u + 1.0 / 17
  p = p * u + 1.0 / 15
  p = p * u + 1.0 / 13
  p = p * u + 1.0 / 11
  p = p * u + 1.0 / 9
  p = p * u + 1.0 / 7
  p = p * u + 1.0 / 5
  p = p * u + 1.0 / 3
  let series = 2 * s + 2 * s * (u * p)
  return Double(exponent) * 0.693_147_180_559_945_3 + series
}
