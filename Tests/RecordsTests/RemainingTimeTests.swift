import Records
import Testing

@Suite struct RemainingTimeTests {
  private let start = ContinuousClock.now

  @Test func isWhatStepsTakeOnAverage() {
    var time = RemainingTime()
    #expect(time.seconds(for: 10) == nil)
    time.note(steps: 1, lasting: .seconds(2), at: start)
    #expect(time.seconds(for: 10) == 20)
    for step in 1...50 {
      time.note(steps: 1, lasting: .seconds(1), at: start + .seconds(2 * step))
    }
    // Two seconds lie between the ends of steps that take one.
    #expect(time.seconds(for: 10) == 20)
    #expect(time.seconds(for: 0) == 0)
  }

  /// Short steps whose times differ a lot, and validations that take most of the time.
  @Test func doesNotJumpWhereStepsAreShort() throws {
    var time = RemainingTime()
    var now = start
    let total = 400_000
    var worst = (least: Double.infinity, most: 0.0)
    for step in 1...total {
      // 1 ms, every 50th 20 ms; every 1,000th a validation of 3 s.
      let duration = step % 50 == 0 ? 0.02 : 0.001
      now += .seconds(duration + (step % 1000 == 0 ? 3 : 0))
      time.note(steps: 1, lasting: .seconds(duration), at: now)
      guard step > 20_000, step % 37 == 0 else { continue }
      let ratio = try #require(time.seconds(for: 1)) / 0.00438
      worst = (min(worst.least, ratio), max(worst.most, ratio))
    }
    #expect(worst.least > 0.95 && worst.most < 1.05, "\(worst)")
  }

  /// A run that has become slower is known to be so after some time.
  @Test func followsWhatTheRunIsNow() throws {
    var time = RemainingTime()
    var now = start
    for _ in 0..<3600 {
      now += .seconds(1)
      time.note(steps: 1, lasting: .seconds(1), at: now)
    }
    for _ in 0..<600 {
      now += .seconds(3)
      time.note(steps: 1, lasting: .seconds(3), at: now)
    }
    let seconds = try #require(time.seconds(for: 1))
    #expect(seconds > 2.7 && seconds < 3, "\(seconds)")
  }

  @Test func countsRoundsOfSeveralSteps() throws {
    var time = RemainingTime()
    for round in 0..<10 {
      time.note(steps: 4, lasting: .seconds(2), at: start + .seconds(2 * round))
    }
    #expect(time.seconds(for: 6) == 3)
  }
}
