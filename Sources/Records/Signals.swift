import Foundation
import Synchronization

/// Signals that this process has got since it began to listen.
///
/// SIGINT, SIGTERM and, to a run, SIGUSR2 ask to stop; SIGUSR1 asks for a checkpoint. Open MPI's
/// `mpirun` and Slurm's `srun` pass both user signals on to all ranks. So do the ends that a
/// session or a system announces (`endings`) ask to stop, unless whoever started the process
/// ignored them.
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

  /// The end of the terminal's session, of the processor time that is allowed, of an alarm that
  /// somebody set before this program began, and of the power.
  private static let endings: [Int32] = {
    #if os(Linux)
      [SIGHUP, SIGXCPU, SIGALRM, SIGPWR]
    #else
      [SIGHUP, SIGXCPU, SIGALRM]
    #endif
  }()

  /// Listens for a run: it stops after the current step with a checkpoint, and a second SIGINT
  /// ends it at once. To be called before the run joins its job, which takes a while.
  package static func listenAsRun() {
    // Launchers may send the others more than once, and mean the same.
    listen(interruptFlags: SA_RESTART | Int32(bitPattern: UInt32(SA_RESETHAND)))
    set(SIGUSR2, { _ in Signals.terminationCount.add(1, ordering: .relaxed) }, flags: SA_RESTART)
    unblock([SIGUSR2])
    listenForEndings(endings)
    // A file that may not grow is an error of its write, like a full disk.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Says in words that memory which is a file could not be read. To be called after the run has
  /// joined its job, because MPI libraries have a handler of their own.
  package static func explainLostMemory() {
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

  /// Listens for a supervisor, which passes signals on to its job; the end of the terminal's
  /// session is not the end of the job.
  package static func listenAsSupervisor() {
    listen(interruptFlags: SA_RESTART)
    signal(SIGHUP, SIG_IGN)
    listenForEndings(endings.filter { $0 != SIGHUP })
  }

  /// Takes announced ends for requests to stop; `nohup` and its like have them ignored.
  private static func listenForEndings(_ signals: [Int32]) {
    for number in signals where !isIgnored(number) {
      set(number, { _ in Signals.terminationCount.add(1, ordering: .relaxed) }, flags: SA_RESTART)
      unblock([number])
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    #if os(Linux)
      let handler = unsafe action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// What a SIGBUS says: large corpora are files mapped into memory.
  private static let lostMemory: StaticString = """
    gru-dist: memory could not be read or written (SIGBUS). Possible causes: a text of the config \
    was shortened while the run read it (put it back); its disk or file server failed, or the \
    memory is faulty (see dmesg); /dev/shm is too small for what the ranks of a host exchange (see \
    df /dev/shm; in a container give it more, as by docker's --shm-size=1g, or have Open MPI do \
    without by OMPI_MCA_btl=self,tcp). Then go on by --resume.

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
