import Checkpoints
import Collectives
import Configuration
import Engine
import Records
import Tasks

/// How a run ends.
extension TrainingRun {
  var config: Config { setup.config }
  var run: RunConfig { setup.config.run }

  /// Says what the run ended with. One that was refused, or had nothing to do, leaves the files of
  /// the run before as they were.
  ///
  /// - Returns: the status.
  @discardableResult
  func leave(exitStatus: Int32, after error: (any Error)? = nil) -> Int32 {
    if error != nil || exitStatus == ExitStatus.done { postEnd(error) }
    finishHooks()
    if hasBegun {
      watchdog.finish(exitStatus: exitStatus)
    } else {
      watchdog.withdraw(exitStatus: exitStatus)
      directory.withdraw()
    }
    return exitStatus
  }

  /// The best checkpoint and the newest; on rank 0.
  private var keptCheckpoints: KeptCheckpoints {
    let last = history.last?.step == lastSavedStep ? history.last : nil
    return KeptCheckpoints(
      measure: history.measure.name, best: history.bestSaved, newest: lastSavedStep,
      newestValue: last?.value,
      file: setup.file?.pass.name ?? history.filePasses.last?.name)
  }

  /// Whether a step is to be the last for now.
  func isStopRequested(atStep step: Int) -> Bool {
    if let stopAfter = options.stopAfter, step >= stopAfter { return true }
    return Signals.isStopRequested
  }

  /// Ends a run that was asked to stop, after its checkpoint.
  func stop() throws -> Int32 {
    try finishTrace()
    progress.say(
      "stopped at step \(trainer.step) of \(setup.lastStep), after a checkpoint; "
        + "go on with --resume" + (options.file.map { " --file \($0)" } ?? ""))
    write([event("stopped", atStep: trainer.step, keptCheckpoints.json)])
    try requireRecords()
    return ExitStatus.stopped
  }

  /// Ends a run that has nothing more to do.
  func finish() throws -> Int32 {
    try finishTrace()
    trainer.progress.begin(.finishing)
    if isStalled {
      let count = history.memory.stalled
      progress.say("\(Format.count(count, "validation")) in a row brought \(history.noBetter)")
      write([event("stalled", atStep: trainer.step, ["validations": .integer(count)])])
    }
    progress.say(
      "done: \(Format.count(trainer.step, "step")); in \(run.directory)/checkpoints: "
        + keptCheckpoints.words)
    write([event("done", atStep: trainer.step, keptCheckpoints.json)])
    try requireRecords()
    return ExitStatus.done
  }

  /// Skips the step, or saves the state before it and ends the run.
  func take(_ error: NonFiniteError) throws {
    let isSkipped = run.onNonFinite == .skip && skippedInARow < Self.mostSkipped
    if isSkipped {
      skippedInARow += 1
      history.skippedSteps += 1
    }
    write([
      event(
        isSkipped ? "nonfinite_skipped" : "nonfinite", atStep: error.step,
        [
          "loss": .number(error.loss), "gradient_norm": .number(error.norm),
          "reason": .string(error.finding), "skipped_steps": .integer(history.skippedSteps),
        ])
    ])
    if isSkipped {
      if communicator.rank == 0 {
        Console.complain("gru-dist: \(error.finding); the step makes no update")
      }
      return trainer.skipStep()
    }
    if trainer.step > 0, trainer.takesFailedStepsBack { try saveFinally() }
    throw error
  }

  /// Steps in a row that may be skipped: more of them will not end by themselves.
  private static let mostSkipped = 100
}

/// What a run leaves to those who use its model.
private struct KeptCheckpoints {
  let measure: String
  let best: RunHistory.Validation?
  let newest: Int?
  /// Of the measure, where the newest was validated.
  let newestValue: Double?
  /// What the best was measured on, where that is no validation.
  let file: String?

  /// "best step 600 (loss 1.2345), newest step 800 (loss 1.2501)".
  var words: String {
    func place(_ step: Int, _ value: Double?, on file: String? = nil) -> String {
      let place = file.map { " on \($0)" } ?? ""
      return "step \(step)" + (value.map { " (\(measure) \(Format.small($0))\(place))" } ?? "")
    }
    let newest = newest.map { place($0, newestValue) } ?? "none"
    guard let best else { return "newest \(newest)" }
    let value = place(best.step, best.value, on: file)
    if best.step == self.newest { return "best and newest \(value)" }
    return "best \(value), newest \(newest)"
  }

  var json: OrderedJSON {
    var members: [OrderedJSON.Member] = []
    func add(_ name: String, _ step: Int, _ value: Double?) {
      members.append(.init("\(name)_step", .integer(step)))
      members.append(
        .init("\(name)_checkpoint", .string(CheckpointStore.name(ofStep: step))))
      if let value { members.append(.init("\(name)_value", .number(value))) }
    }
    if let best {
      members.append(.init("best_by", .string(measure)))
      add("best", best.step, best.value)
      if let file { members.append(.init("best_file", .string(file))) }
    }
    if let newest { add("newest", newest, newestValue) }
    return .object(members)
  }
}
