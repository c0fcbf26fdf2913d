import Foundation
import Studies
import Testing

/// What losses over rising learning rates suggest.
@Suite struct RangeCurveTests {
  /// A curve of 100 steps from 1e-7 to 10; returns also after how many steps it ended.
  private func curve(_ loss: (Double) -> Double) -> (RangeCurve, steps: Int) {
    var curve = RangeCurve()
    for step in 1...100 {
      let rate = 1e-7 * pow(1e8, Double(step - 1) / 99)
      if curve.append(.init(step: step, rate: rate, loss: loss(rate))) { return (curve, step) }
    }
    return (curve, 100)
  }

  /// Falls around `center`, the fastest there, and rises above `end`.
  private func valley(_ rate: Double, center: Double, end: Double) -> Double {
    let fallen = 1 / (1 + pow(rate / center, -1.5))
    return 5 - 3 * fallen + pow(rate / end, 3)
  }

  @Test func suggestsWhereTheLossFallsFastestAndATenthOfTheMinimum() throws {
    let (curve, steps) = curve { valley($0, center: 1e-3, end: 0.5) }
    let suggestion = try #require(curve.suggestion)
    #expect(abs(log(suggestion.steepest / 1e-3)) < log(1.5))
    #expect(suggestion.minimum > 0.02 && suggestion.minimum < 0.3)
    #expect(suggestion.minimumTenth == suggestion.minimum / 10)
    #expect(!suggestion.isMinimumLast)
    // It has ended soon after the loss was much above where it began.
    #expect(steps < 100 && curve.points[steps - 1].rate < 5)
  }

  @Test(arguments: [0.0, -3.0, -10.0])
  func divergenceIsFoundOfLossesBelowZeroToo(shift: Double) {
    let (curve, steps) = curve { valley($0, center: 1e-3, end: 0.1) + shift }
    #expect(steps > 60 && steps < 100)
    #expect(curve.suggestion != nil)
  }

  @Test func noiseEndsNothing() throws {
    var state: UInt64 = 1
    let (curve, steps) = curve { rate in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let noise = Double(state >> 40) / Double(1 << 24) - 0.5
      return valley(rate, center: 1e-3, end: 1e9) + 0.4 * noise
    }
    #expect(steps == 100)
    let suggestion = try #require(curve.suggestion)
    #expect(abs(log(suggestion.steepest / 1e-3)) < log(6))
  }

  @Test func fallingToTheEndIsSaidAndRisingSuggestsNothing() throws {
    let (falling, _) = curve { 5 - log(1 + 1e4 * $0) / 10 }
    #expect(try #require(falling.suggestion).isMinimumLast)
    let (rising, _) = curve { 1 + $0 }
    #expect(rising.suggestion == nil)
    let (flat, _) = curve { _ in 2 }
    #expect(flat.suggestion == nil)
    #expect(RangeCurve().suggestion == nil)
  }
}
