import Checkpoints
import Configuration
import Engine
import Records

/// How a run ends.
extension TrainingRun {
  /// Says what the run ended with. One that was refused, or had nothing to do, leaves the files of
  /// the run before as they were.
  func leave(exitStatus: Int32) {
    if hasBegun {
      watchdog.finish(exitStatus: exitStatus)
    } else {
      watchdog.withdraw(exitStatus: exitStatus)
      directory.withdraw()
    }
  }

  /// Ends a run that was asked to stop, after its checkpoint.
  func stop() throws -> Int32 {
    progress.say(
      "stopped at step \(trainer.step) of \(run.steps), after a checkpoint; "
        + "go on with --resume")
    write([event("stopped", atStep: trainer.step)])
    try requireRecords()
    return ExitStatus.stopped
  }

  /// Ends a run that has nothing more to do.
  func finish() throws -> Int32 {
    trainer.progress.begin(.finishing)
    if isStalled {
      let count = history.memory.stalled
      progress.say("\(Format.count(count, "validation")) in a row brought no lower loss")
      write([event("stalled", atStep: trainer.step, ["validations": .integer(count)])])
    }
    progress.say(
      "done: \(Format.count(trainer.step, "step")), "
        + "newest checkpoint in \(run.directory)/checkpoints")
    write([event("done", atStep: trainer.step)])
    try requireRecords()
    return ExitStatus.done
  }
}
