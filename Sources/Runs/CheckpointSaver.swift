import Checkpoints
import Collectives
import Dispatch
import Engine
import Records
import Timeline

/// Takes checkpoints while training goes on: the steps wait for a copy only, and a thread of rank 0
/// digests, writes and commits it.
///
/// There is one copy, so that a checkpoint cannot overtake an earlier one: the next waits until the
/// last is written, or, where the disk does not keep up, is left out. One that must not be missing,
/// such as that of the best validation, waits as long as that takes.
final class CheckpointSaver {
  /// How a checkpoint went, on rank 0.
  struct Outcome {
    var step: Int
    var fingerprint: String
    /// The validation of that step.
    var validation: RunHistory.Validation?
    /// How long the steps waited.
    var stall: Duration
    /// How long the thread took to digest, write and commit.
    var writing = Duration.zero
    /// The same on the clock of timelines.
    var written: Range<UInt64> = 0..<0
    /// Nil where it was committed.
    var failure: String?
    /// Whether the state is no state to go on from.
    var isPoisoned = false
    /// What went wrong without harm to the checkpoint.
    var warnings: [String] = []
  }

  /// What makes a checkpoint besides the tensors.
  struct Request {
    var step: Int
    var fingerprint: String
    var validation: RunHistory.Validation?
    var state: TrainingState
    var keeping: Int
    /// Steps whose checkpoints are kept besides the newest ones.
    var protecting: Set<Int>
  }

  /// A write on its thread; its memory lives as long as the thread runs.
  private final class Writing {
    private let ended = DispatchSemaphore(value: 0)
    private var outcome: Outcome
    private var thread: SystemThread?

    init(_ outcome: Outcome, perform: @escaping (inout Outcome) -> Void) {
      self.outcome = outcome
      let body = { [self] in
        perform(&self.outcome)
        ended.signal()
      }
      thread = SystemThread(body)
      // A system that has no thread to give lets training wait.
      if thread == nil { body() }
    }

    /// The outcome, once the thread has ended; nil when that takes longer than `time`.
    func outcome(within time: DispatchTimeInterval) -> Outcome? {
      guard ended.wait(timeout: .now() + time) == .success else { return nil }
      thread?.join()
      return outcome
    }
  }

  private let trainer: Trainer
  private let directory: RunDirectory
  private let communicator: any Communicator
  let snapshot: CheckpointSnapshot
  /// The copy whose parts are still coming in; on rank 0.
  private var incoming: (request: Request, stall: Duration)?
  private var writing: Writing?
  private var outcomes: [Outcome] = []

  /// How long a checkpoint waits for the one before it.
  var patience = DispatchTimeInterval.seconds(10)

  init(trainer: Trainer, directory: RunDirectory) {
    self.trainer = trainer
    self.directory = directory
    communicator = trainer.communicator
    snapshot = CheckpointSnapshot(of: trainer.memory)
  }

  /// A copy of the state that is to become a checkpoint.
  struct Capture {
    var fingerprint: String
    fileprivate var started: ContinuousClock.Instant
  }

  /// Copies the state after the last step; every rank calls it, and `write` after it.
  ///
  /// - Parameter isNeeded: waits as long as the checkpoint before takes; otherwise at most
  ///   `patience`.
  /// - Returns: nil where that has taken longer.
  /// - Throws: `CorruptionError` on every rank where the ranks' parameters differ.
  func capture(isNeeded: Bool) throws -> Capture? {
    let started = ContinuousClock.now
    var verdict: [UInt8] = []
    if communicator.rank == 0 {
      try startWriting(waiting: true)
      verdict = [collect(within: isNeeded ? .never : patience) ? 1 : 0]
    }
    guard try communicator.share(verdict) == [1] else { return nil }
    try snapshot.finishTransfers()
    return Capture(fingerprint: try snapshot.capture(), started: started)
  }

  /// Has a copy written, once all of it has come to rank 0; every rank calls it.
  ///
  /// - Parameter request: rank 0's; nil elsewhere.
  func write(_ capture: Capture, _ request: Request?) throws(CollectiveError) {
    try snapshot.startTransfers()
    // Between rounds of local updates nobody would let the transfers go on.
    if !trainer.hasShortSteps { try snapshot.finishTransfers() }
    if let request { incoming = (request, ContinuousClock.now - capture.started) }
    try startWriting(waiting: false)
  }

  /// What came of checkpoints since the last call, on rank 0; lets the one under way progress. Does
  /// not wait. Every rank calls it between steps.
  func poll() throws(CollectiveError) -> [Outcome] {
    try startWriting(waiting: false)
    _ = collect(within: .nanoseconds(0))
    return takeOutcomes()
  }

  /// The outcomes known by now that nobody has taken yet, on rank 0.
  func takeOutcomes() -> [Outcome] {
    defer { outcomes = [] }
    return outcomes
  }

  /// As `poll`, when nothing is under way any more; every rank calls it at the end.
  func finish() throws(CollectiveError) -> [Outcome] {
    try snapshot.finishTransfers()
    try startWriting(waiting: true)
    _ = collect(within: .never)
    return takeOutcomes()
  }

  /// Waits for a write under way, after an error; what is still coming in is given up.
  func abandon() { _ = collect(within: .never) }

  /// Takes the outcome of the write under way; returns whether there is none any more.
  private func collect(within time: DispatchTimeInterval) -> Bool {
    guard let writing else { return true }
    guard let outcome = writing.outcome(within: time) else { return false }
    outcomes.append(outcome)
    self.writing = nil
    return true
  }

  /// Starts the write once all parts are there.
  private func startWriting(waiting: Bool) throws(CollectiveError) {
    if waiting { try snapshot.finishTransfers() }
    guard try snapshot.advance(), let (request, stall) = incoming else { return }
    incoming = nil
    let snapshot = snapshot
    let directory = directory
    writing = Writing(
      Outcome(
        step: request.step, fingerprint: request.fingerprint, validation: request.validation,
        stall: stall)
    ) { outcome in
      let started = ContinuousClock.now
      let start = nanoseconds()
      directory.commit(snapshot, request, &outcome)
      outcome.writing = ContinuousClock.now - started
      outcome.written = start..<nanoseconds()
    }
  }
}
