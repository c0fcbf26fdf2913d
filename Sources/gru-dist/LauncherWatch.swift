import Dispatch
import Foundation
import Records
import Synchronization

/// A thread that ends this process when its launcher is gone, from before it joins its job on: MPI
/// may wait for a launcher, or for other ranks, without end.
final class LauncherWatch: Sendable {
  private struct State {
    /// Rank and host, once they are known.
    var place = "a rank that joins its job"
    var isJoining = true
    /// Whether this process ends with the one that started it.
    var follows = LaunchedProcess.isStartedByLauncher
  }

  private let state = Mutex(State())
  private let ended = DispatchSemaphore(value: 0)

  private static let interval = 0.25
  /// How long joining may take when some process is gone that is not known as a launcher, such as a
  /// shell.
  private static let joiningSeconds = 60.0

  /// Begins to watch.
  init() { Thread.detachNewThread { self.watch() } }

  /// To be called when the process has joined its job, and knows its place there.
  ///
  /// One of several ranks ends with the process that started it. A single one may have been started
  /// by a shell that somebody leaves, so that it ends with a launcher only.
  func join(rank: Int, worldSize: Int, host: String) {
    state.withLock {
      $0.place = "rank \(rank) on \(host)"
      $0.isJoining = false
      $0.follows = worldSize > 1 || LaunchedProcess.isStartedByLauncher
    }
  }

  /// Watches no longer: the rank is done.
  func end() { ended.signal() }

  private func watch() {
    var orphanSeconds = 0.0
    while ended.wait(timeout: .now() + Self.interval) == .timedOut {
      let state = state.withLock { $0 }
      if !state.isJoining, !state.follows { return }
      guard getppid() != LaunchedProcess.parent else { continue }
      orphanSeconds += Self.interval
      let isLate = state.isJoining && orphanSeconds > Self.joiningSeconds
      guard state.follows || isLate else { continue }
      Console.complain(
        "gru-dist: \(state.place): the process that started it (\(LaunchedProcess.parent)) is "
          + "gone; ending")
      _exit(ExitStatus.failed)
    }
  }
}
