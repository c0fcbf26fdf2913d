import Records

/// How a job ended, as far as anybody knows.
package enum JobEnd: Sendable, Equatable, CustomStringConvertible {
  case exited(Int32)
  /// The launcher was killed by a signal.
  case signalled(Int32)
  /// It gave no heartbeat for too long and was killed.
  case silent
  /// It is gone, and was not this process's child, so that there is no exit status.
  case vanished
  /// The supervisor was asked twice to stop, and killed it.
  case killed
  /// The launcher's status says that the job is done, or was refused, and neither is so.
  case unfinished(launcherStatus: Int32)

  package var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signalled(let signal): "signal \(signal)"
    case .silent: "no heartbeat"
    case .vanished: "vanished"
    case .killed: "killed on request"
    case .unfinished(let status): "exit status \(status) of the launcher, with steps missing"
    }
  }
}

/// Decides what follows the end of a job, and after how long.
package struct RestartPolicy: Sendable, Equatable {
  package enum Decision: Sendable, Equatable {
    case done, stopped, badConfig, giveUp, killed
    case restart(delay: Double)
  }

  package let maxFailures: Int
  /// Seconds.
  package let firstDelay: Double
  package let longestDelay: Double
  /// Failures since the last one that followed a new checkpoint.
  package var failures = 0

  package init(maxFailures: Int, firstDelay: Double, longestDelay: Double) {
    self.maxFailures = maxFailures
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
  }

  /// - Parameters:
  ///   - hasProgressed: whether the job left a newer checkpoint than there was before. Steps alone
  ///     are no progress: they are lost, and would be made for ever.
  ///   - isStopping: whether the supervisor was asked to stop.
  package mutating func decide(
    _ end: JobEnd, hasProgressed: Bool, isStopping: Bool
  ) -> Decision {
    switch end {
    case .killed: return .killed
    case .exited(ExitStatus.done):
      failures = 0
      return .done
    case .exited(ExitStatus.badUsage): return .badConfig
    default: break
    }
    if isStopping { return .stopped }
    // Somebody stopped the job in good order, but not through the supervisor: that is no failure.
    if end == .exited(ExitStatus.stopped), hasProgressed {
      failures = 0
      return .restart(delay: firstDelay)
    }
    failures = hasProgressed ? 1 : failures + 1
    if failures > maxFailures { return .giveUp }
    var delay = firstDelay
    for _ in 1..<failures where delay < longestDelay { delay *= 2 }
    return .restart(delay: min(delay, longestDelay))
  }
}
