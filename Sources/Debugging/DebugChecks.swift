import Collectives
package import Engine
import GRUCore
import Kernels
package import Records

/// The checks of a debug run, which is a single process and so holds all gradients.
package final class DebugChecks {
  private let trainer: Trainer
  private let seed: Int
  private let timeline = Timeline()
  /// Steps that the profile has counted since its last record.
  private var profiledSteps = 0
  private lazy var limits = ProfileReport.Limits(
    gflops: trainer.replica.kernels.measurePeak(seconds: 0.1),
    gigabytesPerSecond: trainer.replica.kernels.measureBandwidth())

  package init(trainer: Trainer, seed: Int) {
    precondition(trainer.communicator.worldSize == 1, "debug checks need a single rank")
    precondition(trainer.replica.use == .apart, "a step has overwritten what debug checks look at")
    self.trainer = trainer
    self.seed = seed
    trainer.record(in: timeline)
  }

  /// What follows is a step, whose parts are timed.
  package func beginStep() {
    timeline.resume()
    profiledSteps += 1
  }

  /// Where the time of the steps since the last call went, on the first thread, as a record of the
  /// metrics.
  package func profileRecord() -> OrderedJSON {
    let report = ProfileReport(timeline.profile, steps: profiledSteps, limits: limits)
    defer {
      timeline.reset()
      profiledSteps = 0
    }
    return [
      "kind": "profile", "step": .integer(trainer.step), "steps": .integer(profiledSteps),
      "phases": report.json,
    ]
  }

  /// Compares gradients with central differences on a slice of the next batch.
  package func checkGradients() throws -> GradientTable {
    GradientCheck(replica: trainer.replica, source: trainer.engine.batches.source, seed: seed)
      .table(step: trainer.step + 1)
  }

  /// Looks for a value that is not finite after a step, in what was computed, in the gradients and
  /// in the updated parameters.
  package func checkValues() throws {
    if let site = trainer.engine.firstNonFinite() {
      throw NonFiniteFinding(step: trainer.step, place: site.words)
    }
    try unsafe trainer.engine.requireFinite(trainer.engine.gradient, of: "gradient of ")
    try trainer.engine.requireFiniteParameters()
  }

  /// The statistics of every tensor after a step, as records of the metrics.
  ///
  /// - Parameter tokens: of the step, by which its gradients are divided.
  package func tensorRecords(tokens: Int) -> [OrderedJSON] {
    let divisor = Double(tokens)
    return trainer.replica.table.parameters.map { parameter in
      let values = unsafe TensorStatistics(
        trainer.replica.parameters.pointer + parameter.offset, count: parameter.count)
      let gradients = unsafe TensorStatistics(
        trainer.engine.gradient + parameter.offset, count: parameter.count, divisor: divisor)
      return [
        "kind": "tensor", "step": .integer(trainer.step), "tensor": .string(parameter.name),
        "values": values.json, "gradients": gradients.json,
      ]
    }
  }
}
