import Foundation
import Synchronization

/// Whether the process was asked to stop after the current step.
///
/// SIGINT and SIGTERM ask for it, and SIGUSR1, which Open MPI's `mpirun` passes on to its ranks and
/// batch systems can send ahead of a time limit. A second signal of the same kind ends at once.
package enum StopSignal {
  private static let requested = Atomic<Bool>(false)

  package static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Starts listening, also where the process that started this one had the signals blocked.
  package static func install() {
    // The first use sets the flag up; a signal handler must not.
    requested.store(false, ordering: .relaxed)
    for signal in [SIGINT, SIGTERM, SIGUSR1] {
      var action = sigaction()
      let handler: @convention(c) (Int32) -> Void = { _ in
        StopSignal.requested.store(true, ordering: .relaxed)
      }
      #if os(Linux)
        action.__sigaction_handler.sa_handler = handler
      #else
        action.__sigaction_u.__sa_handler = handler
      #endif
      action.sa_flags = SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(signal, &action, nil)
    }
    var awaited = sigset_t()
    sigemptyset(&awaited)
    for signal in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&awaited, signal) }
    pthread_sigmask(SIG_UNBLOCK, &awaited, nil)
  }
}
