import Kernels
import NumericContract

/// A Gaussian or Student's t around 0 with scale 1, as a forecast says it: how much lies within a
/// distance, how wide an interval is, and the continuous ranked probability score (CRPS). In double
/// precision by own functions, so that every machine has the same bits.
enum PredictiveDistribution {
  /// From so many degrees of freedom on Student's t counts as a Gaussian.
  private static let manyFreedoms = 1e5
  private static let rootOfPi = 1.772_453_850_905_516
  private static let rootOfTwoPi = 2.506_628_274_631_000_5

  private static func exp(_ x: Double) -> Double { x < -690 ? 0 : Elementary.exp(x) }

  // MARK: Gaussian

  private static func normalDensity(_ z: Double) -> Double { exp(-0.5 * z * z) / rootOfTwoPi }

  /// P(|Z| <= z): 2 φ(z) (z + z³/3 + z⁵/15 + ...), whose terms are all positive.
  static func normalMass(within z: Double) -> Double {
    if z.isNaN { return z }
    if z > 8.5 { return 1 }
    var (sum, term, odd) = (z, z, 3.0)
    while term > sum * 1e-17, odd < 400 {
      term *= z * z / odd
      sum += term
      odd += 2
    }
    return min(1, 2 * normalDensity(z) * sum)
  }

  /// CRPS of a Gaussian at distance z of what came (Gneiting et al., 2005).
  static func normalScore(_ z: Double) -> Double {
    let z = abs(z)
    guard z.isFinite else { return .nan }
    return z * normalMass(within: z) + 2 * normalDensity(z) - 1 / rootOfPi
  }

  // MARK: Student's t

  /// P(|T| <= t) of so many degrees of freedom: 1 - I_x(ν/2, 1/2) at x = ν / (ν + t²).
  static func studentMass(within t: Double, freedom: Double) -> Double {
    if t.isNaN || freedom.isNaN { return .nan }
    if freedom > manyFreedoms { return normalMass(within: t) }
    if t == 0 { return 0 }
    let (a, b) = (0.5 * freedom, 0.5)
    let whole = freedom + t * t
    guard whole.isFinite else { return 1 }
    let (x, rest) = (freedom / whole, t * t / whole)
    let front = exp(
      logGamma(a + b) - logGamma(a) - logGamma(b) + a * naturalLogarithm(x)
        + (rest > 0 ? b * naturalLogarithm(rest) : -700))
    return x < (a + 1) / (a + b + 2)
      ? 1 - front * fraction(a, b, x) / a : front * fraction(b, a, rest) / b
  }

  /// The continued fraction of the incomplete beta function, by Lentz's method.
  private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
    func safe(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
    var c = 1.0
    var d = 1 / safe(1 - (a + b) * x / (a + 1))
    var result = d
    var m = 1.0
    while m < 1000 {
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / safe(1 + even * d)
      c = safe(1 + even / c)
      result *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / safe(1 + odd * d)
      c = safe(1 + odd / c)
      result *= d * c
      if abs(d * c - 1) < 1e-15 { break }
      m += 1
    }
    return result
  }

  /// CRPS of Student's t at distance z of what came (Jordan, Krüger and Lerch, 2019), of more than
  /// one degree of freedom.
  static func studentScore(_ z: Double, freedom: Double) -> Double {
    guard z.isFinite, !freedom.isNaN else { return .nan }
    if freedom > manyFreedoms { return normalScore(z) }
    let z = abs(z)
    let root = freedom.squareRoot()
    // Γ((ν + 1)/2) / Γ(ν/2), and B(1/2, ν - 1/2) / B(1/2, ν/2)².
    let ratio = exp(logGamma(0.5 * freedom + 0.5) - logGamma(0.5 * freedom))
    let spread = exp(logGamma(freedom - 0.5) - logGamma(freedom)) * ratio * ratio / rootOfPi
    let density =
      ratio / (root * rootOfPi)
      * exp(-0.5 * (freedom + 1) * naturalLogarithm(1 + z * z / freedom))
    return z * studentMass(within: z, freedom: freedom)
      + 2 * density * (freedom + z * z) / (freedom - 1) - 2 * root / (freedom - 1) * spread
  }
}

/// How far from its middle the central interval of a level reaches, in scales of a distribution.
struct IntervalReach: Sendable {
  let level: Double
  /// Of Student's t by 1/ν, from 0 (a Gaussian) to 1/2.
  private let reaches: [Double]

  private static let nodes = 64

  /// - Parameter level: above 0 and below 1.
  init(level: Double) {
    precondition(level > 0, "level \(level)")
    precondition(level < 1, "level \(level)")
    self.level = level
    reaches = (0...Self.nodes).map { node in
      let freedom = node == 0 ? Double.infinity : Double(2 * Self.nodes) / Double(node)
      func mass(_ reach: Double) -> Double {
        PredictiveDistribution.studentMass(within: reach, freedom: freedom)
      }
      var (low, high) = (0.0, 1.0)
      while mass(high) < level, high < 1e9 { high *= 2 }
      for _ in 0..<60 {
        let middle = 0.5 * (low + high)
        if mass(middle) < level { low = middle } else { high = middle }
      }
      return 0.5 * (low + high)
    }
  }

  var ofNormal: Double { reaches[0] }

  /// Of Student's t with at least two degrees of freedom: by a cubic through four neighbours.
  func ofStudent(freedom: Double) -> Double {
    if freedom.isNaN { return .nan }
    let place = min(Double(Self.nodes), Double(2 * Self.nodes) / freedom)
    let first = min(max(0, Int(place) - 1), Self.nodes - 3)
    let x = place - Double(first)
    let y = reaches[first...first + 3]
    let base = y.startIndex
    return y[base] * (x - 1) * (x - 2) * (x - 3) / -6
      + y[base + 1] * x * (x - 2) * (x - 3) / 2 + y[base + 2] * x * (x - 1) * (x - 3) / -2
      + y[base + 3] * x * (x - 1) * (x - 2) / 6
  }
}
