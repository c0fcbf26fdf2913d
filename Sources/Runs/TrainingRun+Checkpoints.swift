import Checkpoints
import Collectives
import Configuration
package import Dispatch
import Engine
import Hooks
import Kernels
import Records
import Traces

/// When a run takes checkpoints, and what it says of them.
extension TrainingRun {
  /// Takes a checkpoint of the last step, unless there is one.
  ///
  /// - Parameter isNeeded: waits for the checkpoint before, however long that takes; otherwise a
  ///   slow disk may have it left out.
  func save(isNeeded: Bool) throws {
    guard lastSavedStep != trainer.step else { return }
    lastSaveTime = .now
    try trainer.synchronize()
    trainer.progress.begin(.checkpoint)
    trainer.engine.timer.enter(.checkpoint)
    defer {
      trainer.engine.timer.enter(.other)
      trainer.progress.begin(.reporting)
    }
    guard let capture = try saver.capture(isNeeded: isNeeded) else {
      return warn(
        "checkpoint_skipped", atStep: trainer.step,
        "the checkpoint before it is not written yet; the disk is too slow for "
          + "run.checkpoint_every = \(run.checkpointEvery)"
          + (run.checkpointSeconds > 0
            ? " and run.checkpoint_seconds = \(run.checkpointSeconds)" : ""))
    }
    var request: CheckpointSaver.Request?
    try communicator.coordinate { request = try self.request(for: capture) }
    try saver.write(capture, request)
    lastSavedStep = trainer.step
  }

  /// What makes a checkpoint besides the tensors; on rank 0.
  private func request(for capture: CheckpointSaver.Capture) throws -> CheckpointSaver.Request {
    // What became of the one before decides which steps are kept.
    report(saver.takeOutcomes())
    let validation = history.last?.step == trainer.step ? history.last : nil
    history.pending = validation
    var history = history
    history.noteCheckpoint(of: validation)
    return CheckpointSaver.Request(
      step: trainer.step, fingerprint: capture.fingerprint, validation: validation,
      state: try setup.trainingState(
        of: trainer, history: history, fingerprint: capture.fingerprint),
      keeping: run.keepCheckpoints,
      // Commands may still be copying theirs.
      protecting: Set([history.bestSaved?.step].compactMap { $0 }).union(hooks?.stepsInUse ?? []))
  }

  /// Takes a checkpoint of the last step and waits until it is on the disk.
  ///
  /// - Throws: on every rank alike, where it cannot be written.
  func saveFinally() throws {
    try trainer.synchronize()
    trainer.progress.begin(.checkpoint)
    defer { trainer.progress.begin(.reporting) }
    report(try saver.finish())
    try communicator.coordinate { if let fault { throw RunDirectoryError(fault) } }
    // What could not be written before is worth another attempt.
    if try communicator.share(failedStep == trainer.step ? [1] : [0]) == [1] { lastSavedStep = nil }
    try save(isNeeded: true)
    let outcomes = try saver.finish()
    report(outcomes)
    try communicator.coordinate {
      for outcome in outcomes where outcome.step == trainer.step {
        if let failure = outcome.failure {
          if outcome.isPoisoned { throw RunDirectoryError(failure) }
          throw RunDirectoryError(
            "the checkpoint of step \(outcome.step) could not be written: \(failure)")
        }
      }
    }
  }

  /// Writes down what came of checkpoints; on rank 0, which alone has outcomes.
  func report(_ outcomes: [CheckpointSaver.Outcome]) {
    for outcome in outcomes {
      trace?.addWriting(outcome.written)
      for warning in outcome.warnings {
        warn("checkpoint_warning", atStep: outcome.step, warning)
      }
      if history.pending?.step == outcome.step { history.pending = nil }
      if let failure = outcome.failure {
        if outcome.isPoisoned {
          // It ends the run, which says why.
          fault = failure
          write([event("checkpoint_refused", atStep: outcome.step, ["reason": .string(failure)])])
        } else {
          failedStep = outcome.step
          warn("checkpoint_failed", atStep: outcome.step, failure)
        }
        continue
      }
      history.noteCheckpoint(of: outcome.validation)
      let seconds = { (time: Duration) in OrderedJSON.number((time.seconds * 1e6).rounded() / 1e6) }
      write([
        [
          "kind": "checkpoint", "step": .integer(outcome.step),
          "name": .string(CheckpointStore.name(ofStep: outcome.step)),
          "fingerprint": .string(outcome.fingerprint),
          "stall_seconds": seconds(outcome.stall), "write_seconds": seconds(outcome.writing),
        ]
      ])
      postCheckpoint(outcome)
    }
  }

  /// How long a checkpoint that may be left out waits for the one before it.
  package var checkpointPatience: DispatchTimeInterval {
    get { saver.patience }
    set { saver.patience = newValue }
  }

  /// Whether so much time has gone by since the last checkpoint that there is to be another; on
  /// rank 0, whose clock counts.
  var isSaveOverdue: Bool {
    guard run.checkpointSeconds > 0, communicator.rank == 0 else { return false }
    return (ContinuousClock.now - lastSaveTime).seconds >= Double(run.checkpointSeconds)
  }

  /// Replaces the checkpoint that the run goes on from by one that knows of the validation made up
  /// for since.
  func saveAgain() throws {
    told.insert("checkpoint")
    lastSavedStep = nil
    try saveFinally()
  }

  /// Tells a person and the metrics of something that does not end the run; on rank 0.
  func warn(_ name: String, atStep step: Int, _ reason: String) {
    guard communicator.rank == 0 else { return }
    progress.finishLine()
    Console.complain("gru-dist: warning: step \(step): \(reason)")
    write([event(name, atStep: step, ["reason": .string(reason)])])
  }
}
