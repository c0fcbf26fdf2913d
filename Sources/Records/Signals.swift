import Foundation
import Synchronization

/// Signals that this process has got since it began to listen.
///
/// SIGINT, SIGTERM and, to a run, SIGUSR2 ask to stop; SIGUSR1 asks for a checkpoint. Open MPI's
/// `mpirun` and Slurm's `srun` pass both user signals on to all ranks.
package enum Signals {
  private static let interruptCount = Atomic<Int>(0)
  private static let terminationCount = Atomic<Int>(0)
  private static let saveCount = Atomic<Int>(0)

  /// Whether the work is to stop in good order.
  package static var isStopRequested: Bool {
    interrupts + terminationCount.load(ordering: .relaxed) > 0
  }

  /// How often SIGINT has come so far.
  package static var interrupts: Int { interruptCount.load(ordering: .relaxed) }

  /// How often a checkpoint was asked for so far.
  package static var saveRequests: Int { saveCount.load(ordering: .relaxed) }

  /// Listens for a run: it stops after the current step with a checkpoint, and a second SIGINT
  /// ends it at once.
  package static func listenAsRun() {
    // Launchers may send the others more than once, and mean the same.
    listen(interruptFlags: SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND)))
    set(SIGUSR2, { _ in Signals.terminationCount.add(1, ordering: .relaxed) }, flags: SA_RESTART)
    unblock([SIGUSR2])
    // The first use makes the words; a signal handler must not.
    _ = lostMemory
    // Told by system calls alone: nothing else is safe here, and going on is impossible.
    set(
      SIGBUS,
      { _ in
        let words = Signals.lostMemory
        unsafe write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
        _exit(ExitStatus.failed)
      }, flags: 0)
  }

  /// Listens for a supervisor, which passes signals on to its job; the end of the terminal's session
  /// is not the end of the job.
  package static func listenAsSupervisor() {
    listen(interruptFlags: SA_RESTART)
    signal(SIGHUP, SIG_IGN)
  }

  /// What a SIGBUS says: large corpora are files mapped into memory.
  private static let lostMemory: StaticString = """
    gru-dist: memory could not be read (SIGBUS): a text of the config was shortened while the run \
    read it, or the disk or memory is faulty; put the text back and go on by --resume

    """

  private static func listen(interruptFlags: Int32) {
    // The first use sets the counters up; a signal handler must not.
    interruptCount.store(0, ordering: .relaxed)
    terminationCount.store(0, ordering: .relaxed)
    saveCount.store(0, ordering: .relaxed)
    set(
      SIGINT, { _ in Signals.interruptCount.add(1, ordering: .relaxed) }, flags: interruptFlags)
    set(SIGTERM, { _ in Signals.terminationCount.add(1, ordering: .relaxed) }, flags: SA_RESTART)
    set(SIGUSR1, { _ in Signals.saveCount.add(1, ordering: .relaxed) }, flags: SA_RESTART)
    unblock([SIGINT, SIGTERM, SIGUSR1])
  }

  /// The process that started this one may have had them blocked.
  private static func unblock(_ signals: [Int32]) {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in signals { unsafe sigaddset(&set, signal) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  private static func set(
    _ number: Int32, _ handler: @escaping @convention(c) (Int32) -> Void, flags: Int32
  ) {
    var action = sigaction()
    #if os(Linux)
      unsafe action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    action.sa_flags = flags
    unsafe sigaction(number, &action, nil)
  }
}
