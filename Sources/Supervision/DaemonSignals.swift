import Foundation
import Synchronization

/// Signals that the supervisor has got and not yet passed on.
enum DaemonSignals {
  private static let terminations = Atomic<Int>(0)
  private static let interrupts = Atomic<Int>(0)
  private static let users = Atomic<Int>(0)

  /// What to do now.
  struct Request: Equatable {
    /// How often SIGINT has come so far.
    var interrupts: Int
    /// How often SIGTERM has come so far.
    var terminations: Int
    /// How often SIGUSR1 has come since the last look.
    var users: Int

    var isStop: Bool { interrupts + terminations > 0 }
    var isKill: Bool { interrupts > 1 }
  }

  /// Starts listening, also where the process that started this one had the signals blocked.
  static func install() {
    // The first use sets the counters up; a signal handler must not.
    _ = take()
    set(SIGTERM) { _ in DaemonSignals.terminations.add(1, ordering: .relaxed) }
    set(SIGINT) { _ in DaemonSignals.interrupts.add(1, ordering: .relaxed) }
    set(SIGUSR1) { _ in DaemonSignals.users.add(1, ordering: .relaxed) }
    // The end of the terminal's session is not the end of the job.
    signal(SIGHUP, SIG_IGN)
    var awaited = sigset_t()
    sigemptyset(&awaited)
    for number in [SIGTERM, SIGINT, SIGUSR1] { sigaddset(&awaited, number) }
    pthread_sigmask(SIG_UNBLOCK, &awaited, nil)
  }

  static func take() -> Request {
    Request(
      interrupts: interrupts.load(ordering: .relaxed),
      terminations: terminations.load(ordering: .relaxed),
      users: users.exchange(0, ordering: .relaxed))
  }

  private static func set(_ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    var action = sigaction()
    #if os(Linux)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    action.sa_flags = SA_RESTART
    sigaction(number, &action, nil)
  }
}
