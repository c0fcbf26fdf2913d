import Collectives
import Engine
import Records
import Traces

/// The timeline of some steps of a run.
extension TrainingRun {
  /// Decides which steps are traced, once it is known where the run goes on.
  ///
  /// - Throws: on every rank alike, where it does not come to these.
  func settleTrace() throws {
    try trace?.settle(
      afterStep: trainer.step, lastStep: setup.lastStep, usual: trainer.step + 11,
      on: communicator)
  }

  /// Begins or ends to record before the next step, where it is time for that; every rank calls it.
  func turnTrace() throws { tell(of: try trace?.turn(trainer)) }

  /// Writes what is recorded, where that is not done yet; every rank calls it when no step follows.
  func finishTrace() throws { tell(of: try trace?.finish(trainer)) }

  /// Says what came of it; on rank 0. A file that cannot be written does not end the run.
  private func tell(of report: TraceReport?) {
    guard let report else { return }
    if let failure = report.failure { return warn("trace_failed", atStep: trainer.step, failure) }
    report.lines.forEach(progress.say)
  }
}
