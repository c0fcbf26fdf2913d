import Records
import Supervision
import Testing

@Suite struct RestartPolicyTests {
  private static let policy = RestartPolicy(maxFailures: 3, firstDelay: 0.5, longestDelay: 1.5)

  @Test func delaysDoubleUpToALimitThenItGivesUp() {
    var policy = Self.policy
    let decisions = (0..<4).map { _ in
      policy.decide(.signalled(9), hasProgressed: false, isStopping: false)
    }
    #expect(
      decisions == [
        .restart(delay: 0.5), .restart(delay: 1), .restart(delay: 1.5), .giveUp,
      ])
  }

  @Test func newCheckpointResetsTheFailureCount() {
    var policy = Self.policy
    for _ in 0..<20 {
      for _ in 0..<2 {
        _ = policy.decide(.exited(1), hasProgressed: false, isStopping: false)
      }
      #expect(
        policy.decide(.silent, hasProgressed: true, isStopping: false) == .restart(delay: 0.5))
      #expect(policy.failures == 1)
    }
  }

  @Test func finishedRunAndBadConfigAreFinal() {
    var policy = Self.policy
    #expect(policy.decide(.exited(0), hasProgressed: true, isStopping: false) == .done)
    #expect(policy.decide(.exited(0), hasProgressed: true, isStopping: true) == .done)
    #expect(policy.decide(.exited(2), hasProgressed: false, isStopping: false) == .badConfig)
    #expect(policy.decide(.killed, hasProgressed: true, isStopping: true) == .killed)
  }

  @Test func aStopCountsOnlyWhenItWasAskedFor() {
    var policy = Self.policy
    let stopped = JobEnd.exited(ExitStatus.stopped)
    #expect(policy.decide(stopped, hasProgressed: true, isStopping: true) == .stopped)
    #expect(
      policy.decide(stopped, hasProgressed: true, isStopping: false) == .restart(delay: 0.5))
    #expect(policy.failures == 0)
    // A job that stops at once, again and again, must not be started for ever.
    for _ in 0..<3 { _ = policy.decide(stopped, hasProgressed: false, isStopping: false) }
    #expect(policy.decide(stopped, hasProgressed: false, isStopping: false) == .giveUp)
  }

  @Test func anyEndOfAStoppingJobEndsTheDaemon() {
    var policy = Self.policy
    for end in [JobEnd.exited(1), .signalled(15), .silent, .vanished] {
      #expect(policy.decide(end, hasProgressed: false, isStopping: true) == .stopped, "\(end)")
    }
  }

  @Test func noFailuresAllowedMeansOneAttempt() {
    var policy = RestartPolicy(maxFailures: 0, firstDelay: 1, longestDelay: 1)
    #expect(policy.decide(.exited(1), hasProgressed: false, isStopping: false) == .giveUp)
  }
}
