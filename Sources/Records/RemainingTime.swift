#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How long a run still takes, by what a step has taken on average: of all time since the first
/// one, and in longer runs of about the last ten minutes, those longest ago counting the least.
///
/// Time between steps counts too, as that of validations and checkpoints. What the last steps took
/// would say another thing every time where steps are short.
package struct RemainingTime: Sendable {
  /// Steps, and the seconds that they took with all that came between them, weighted.
  private var steps = 0.0
  private var seconds = 0.0
  private var last: ContinuousClock.Instant?
  private var elapsed = 0.0

  /// Seconds in which what was seen loses all but 1/e of its weight.
  private static let span = 600.0

  package init() {}

  /// Takes note of the end of some steps.
  ///
  /// - Parameter duration: that of these steps alone, which is all that is known of the first ones.
  package mutating func note(
    steps count: Int, lasting duration: Duration, at now: ContinuousClock.Instant = .now
  ) {
    defer { last = now }
    guard let last else {
      (steps, seconds) = (Double(count), duration.seconds)
      return
    }
    let passed = max(0, (now - last).seconds)
    elapsed += passed
    // Where little is known, all of it counts.
    let weight = elapsed > Self.span ? exp(-passed / Self.span) : 1
    steps = steps * weight + Double(count)
    seconds = seconds * weight + passed
  }

  /// What so many steps more will take, in seconds; nil before the first one.
  package func seconds(for count: Int) -> Double? {
    steps > 0 ? Double(count) * seconds / steps : nil
  }
}
