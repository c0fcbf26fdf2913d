import Foundation
import Synchronization

/// What signals have asked this process for.
///
/// SIGINT, SIGTERM and SIGUSR2 ask to stop after the current step with a checkpoint; SIGUSR1 asks
/// for a checkpoint now. Open MPI's `mpirun` and Slurm's `srun` pass both user signals on to all
/// ranks. A second SIGINT ends at once.
package enum RunSignals {
  private static let stops = Atomic<Bool>(false)
  private static let saves = Atomic<Int>(0)

  package static var isStopRequested: Bool { stops.load(ordering: .relaxed) }

  /// How often a checkpoint was asked for so far.
  package static var saveCount: Int { saves.load(ordering: .relaxed) }

  /// Starts listening, also where the process that started this one had the signals blocked.
  package static func install() {
    // The first use sets the flags up; a signal handler must not.
    stops.store(false, ordering: .relaxed)
    saves.store(0, ordering: .relaxed)
    _ = lostMemory
    let stop: @convention(c) (Int32) -> Void = { _ in
      RunSignals.stops.store(true, ordering: .relaxed)
    }
    // Launchers may send the others more than once, and mean the same.
    set(SIGINT, stop, flags: SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND)))
    set(SIGTERM, stop, flags: SA_RESTART)
    set(SIGUSR2, stop, flags: SA_RESTART)
    set(SIGUSR1, { _ in RunSignals.saves.add(1, ordering: .relaxed) }, flags: SA_RESTART)
    // Told by system calls alone: nothing else is safe here, and going on is impossible.
    set(
      SIGBUS,
      { _ in
        let words = RunSignals.lostMemory
        write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
        _exit(ExitStatus.failed)
      }, flags: 0)
    var awaited = sigset_t()
    sigemptyset(&awaited)
    for signal in [SIGINT, SIGTERM, SIGUSR1, SIGUSR2] { sigaddset(&awaited, signal) }
    pthread_sigmask(SIG_UNBLOCK, &awaited, nil)
  }

  /// What a SIGBUS says: large corpora are files mapped into memory.
  private static let lostMemory: StaticString = """
    gru-dist: memory could not be read (SIGBUS): a text of the config was shortened while the run \
    read it, or the disk or memory is faulty; put the text back and go on by --resume

    """

  private static func set(
    _ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void, flags: Int32
  ) {
    var action = sigaction()
    #if os(Linux)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    action.sa_flags = flags
    sigaction(number, &action, nil)
  }
}
