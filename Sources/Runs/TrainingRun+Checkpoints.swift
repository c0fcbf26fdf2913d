import Checkpoints
import Collectives
import Configuration
import Engine
import Kernels
import Records

/// When a run takes checkpoints, and what it says of them.
extension TrainingRun {
  /// Takes a checkpoint of the last step, unless there is one.
  func save(isFinal: Bool) throws {
    guard lastSavedStep != trainer.step else { return }
    try trainer.synchronize()
    trainer.progress.begin(.checkpoint)
    defer { trainer.progress.begin(.reporting) }
    guard let capture = try saver.capture(isFinal: isFinal) else {
      return warn(
        "checkpoint_skipped", atStep: trainer.step,
        "the checkpoint before it is not written yet; the disk is too slow for "
          + "run.checkpoint_every = \(run.checkpointEvery)")
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
    var history = history
    let validation = history.last?.step == trainer.step ? history.last : nil
    history.noteCheckpoint(of: validation)
    return CheckpointSaver.Request(
      step: trainer.step, fingerprint: capture.fingerprint, validation: validation,
      state: try setup.trainingState(
        of: trainer, history: history, fingerprint: capture.fingerprint),
      keeping: run.keepCheckpoints, protecting: Set([history.bestSaved?.step].compactMap { $0 }))
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
    try save(isFinal: true)
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
      for warning in outcome.warnings {
        warn("checkpoint_warning", atStep: outcome.step, warning)
      }
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
    }
  }

  /// Tells a person and the metrics of something that does not end the run; on rank 0.
  func warn(_ name: String, atStep step: Int, _ reason: String) {
    guard communicator.rank == 0 else { return }
    progress.finishLine()
    Console.complain("gru-dist: warning: step \(step): \(reason)")
    write([event(name, atStep: step, ["reason": .string(reason)])])
  }
}
