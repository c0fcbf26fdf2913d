/// Double-precision functions for schedules and initialisation, from add, multiply and divide
/// alone, so that no C library decides a bit of a trajectory. Accurate to a few units in the last
/// place.
package enum Elementary {
  /// Natural logarithm of a positive finite number.
  package static func log(_ x: Double) -> Double {
    precondition(x > 0, "log of \(x)")
    precondition(x.isFinite, "log of \(x)")
    return naturalLogarithm(x)
  }

  /// e^x for |x| below 700, by 2^n times the Taylor series of the rest.
  package static func exp(_ x: Double) -> Double {
    precondition(x > -700, "exp of \(x)")
    precondition(x < 700, "exp of \(x)")
    let n = (x * 1.442_695_040_888_963_4).rounded(.toNearestOrEven)
    let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_587_7e-10
    var sum = 1.0
    var k = 18.0
    while k >= 1 {
      sum = 1 + r * sum / k
      k -= 1
    }
    return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
  }

  /// cos x for |x| up to about 10^4, by reduction to [0, π/4] and the Taylor series.
  package static func cos(_ x: Double) -> Double { cosineOrSine(x, quarter: 0) }

  /// sin x for |x| up to about 10^4.
  package static func sin(_ x: Double) -> Double { cosineOrSine(x, quarter: 3) }

  /// x^n by repeated squaring.
  package static func power(_ x: Double, _ n: Int) -> Double {
    precondition(n >= 0, "exponent \(n) < 0")
    var result = 1.0
    var base = x
    var left = n
    while left > 0 {
      if left & 1 == 1 { result *= base }
      base *= base
      left >>= 1
    }
    return result
  }

  /// cos(x + quarter · π/2).
  private static func cosineOrSine(_ x: Double, quarter: Int) -> Double {
    let n = (x * 0.636_619_772_367_581_3).rounded(.toNearestOrEven)
    let r = (x - n * 1.570_796_326_734_125_6) - n * 6.077_100_506_506_192e-11
    let square = r * r
    switch (Int(n) + quarter) & 3 {
    case 0: return cosineSeries(square)
    case 1: return -r * sineSeries(square)
    case 2: return -cosineSeries(square)
    default: return r * sineSeries(square)
    }
  }

  private static func cosineSeries(_ u: Double) -> Double {
    var sum = 1.0
    var k = 20.0
    while k >= 2 {
      sum = 1 - u * sum / (k * (k - 1))
      k -= 2
    }
    return sum
  }

  private static func sineSeries(_ u: Double) -> Double {
    var sum = 1.0
    var k = 21.0
    while k >= 3 {
      sum = 1 - u * sum / (k * (k - 1))
      k -= 2
    }
    return sum
  }
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
