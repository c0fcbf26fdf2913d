import Collectives
import Configuration
import Datasets
import Engine
import GRUCore
import Records
import Runs

/// Steps of a config that leave nothing behind: no directory, no checkpoint, no record.
struct TrialRun {
  let setup: TrainingSetup
  let trainer: Trainer

  /// Reads the data and makes the model as a run does. Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - purpose: who asks, for errors: "lr-range".
  ///   - change: made to how steps are made.
  ///   - source: what the steps train on; nil for what a run trains on.
  init(
    _ options: TrainOptions, on communicator: any Communicator, purpose: String,
    source: ((BatchSource) -> BatchSource)? = nil, change: (inout StepSettings) -> Void
  ) throws {
    let setup = try TrainingSetup(options, on: communicator)
    let config = setup.config
    try communicator.agree {
      guard !config.exchange.isLocal else {
        throw UsageError(
          "exchange.synchronize_every is \(config.exchange.synchronizeEvery): \(purpose) trains "
            + "all shards together; add --set exchange.synchronize_every=0")
      }
    }
    let replica = try communicator.agree {
      try Replica(
        shape: setup.shape, kernels: setup.kernels, window: config.batch.longestWindow,
        plan: setup.plan, rank: communicator.rank, slots: setup.data.slots, use: setup.memoryUse)
    }
    var settings = StepSettings(config)
    settings.bucketBytes = try config.exchange.bucketBytes(on: communicator)
    change(&settings)
    let batches = setup.batches
    self.setup = setup
    trainer = try communicator.agree {
      try Trainer(
        replica: replica, communicator: communicator, source: source?(batches) ?? batches,
        settings: settings)
    }
    replica.initialize(seed: config.run.seed)
  }

  /// Performs the next step; nil where a loss or gradient was not finite.
  func performStep() throws -> StepOutcome? {
    do { return try trainer.performStep() } catch is NonFiniteError { return nil }
  }
}
