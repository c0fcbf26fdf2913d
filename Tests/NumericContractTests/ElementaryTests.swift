import Foundation
import NumericContract
import Testing

/// The double-precision functions of schedules and initialisation against the C library's, which
/// are themselves within 1 ulp.
@Suite struct ElementaryTests {
  private func relativeError(_ found: Double, _ expected: Double) -> Double {
    (found - expected).magnitude / expected.magnitude / Double.ulpOfOne
  }

  @Test func logarithmIsWithinFourRoundings() {
    var random = SeededRandom(1)
    for _ in 0..<20_000 {
      // All exponents alike, subnormal numbers among them.
      let x = Double(bitPattern: UInt64.random(in: 1..<0x7ff0_0000_0000_0000, using: &random))
      #expect(relativeError(Elementary.log(x), Foundation.log(x)) <= 4, "\(x)")
      let near = Double.random(in: 0.5...2, using: &random)
      #expect(relativeError(Elementary.log(near), Foundation.log(near)) <= 4, "\(near)")
    }
    #expect(Elementary.log(1) == 0)
  }

  @Test func exponentialIsWithinFourRoundings() {
    var random = SeededRandom(2)
    for _ in 0..<20_000 {
      for bound in [1.0, 20, 699] {
        let x = Double.random(in: -bound...bound, using: &random)
        #expect(relativeError(Elementary.exp(x), Foundation.exp(x)) <= 4, "\(x)")
      }
    }
    #expect(Elementary.exp(0) == 1)
  }

  @Test func cosineAndSineAreWithinFourRoundingsOfOne() {
    var random = SeededRandom(3)
    for _ in 0..<20_000 {
      for bound in [0.8, 4, 1e4] {
        let x = Double.random(in: -bound...bound, using: &random)
        let cosine = (Elementary.cos(x) - Foundation.cos(x)).magnitude
        let sine = (Elementary.sin(x) - Foundation.sin(x)).magnitude
        #expect(cosine <= 4 * Double.ulpOfOne, "\(x)")
        #expect(sine <= 4 * Double.ulpOfOne, "\(x)")
      }
    }
    #expect(Elementary.cos(0) == 1)
    #expect(Elementary.cos(.pi) == -1)
    #expect(Elementary.sin(0) == 0)
  }

  @Test func powersMultiply() {
    #expect(Elementary.power(3, 0) == 1)
    #expect(Elementary.power(-2, 11) == -2048)
    #expect(Elementary.power(1.5, 5) == 7.593_75)
    // As a bias correction uses it: every squaring doubles the relative error, and adds a rounding.
    for step in [1, 10, 100, 1000, 10_000] {
      let expected = Foundation.pow(0.999, Double(step))
      #expect(relativeError(Elementary.power(0.999, step), expected) <= Double(4 + step), "\(step)")
    }
  }
}

/// One seed gives one run of test values everywhere.
private struct SeededRandom: RandomNumberGenerator {
  private let seed: UInt64
  private var step: UInt64 = 0

  init(_ seed: UInt64) { self.seed = seed }

  mutating func next() -> UInt64 {
    step += 1
    return Philox.mix(seed, step)
  }
}
