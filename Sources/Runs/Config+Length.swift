import Batches
import Configuration
import Corpora
import Datasets
import Engine
import Records

extension Config {
  /// The config with the steps that its passes over the data come to.
  ///
  /// - Parameter place: what errors call the config.
  func settled(by data: TrainingData, place: String) throws(ConfigError) -> Config {
    guard let epochs = run.epochs else { return self }
    let batches =
      switch data {
      case .text(let split):
        StreamPlan(
          tokenRange: split.training.range, sequences: batch.sequences, window: batch.window,
          contract: contract
        ).windowsPerEpoch
      case .sequences(let data): data.training.batchCount
      }
    let updates = (epochs * Double(batches) / Double(batch.accumulate)).rounded(.up)
    guard updates <= Self.mostSteps else {
      throw ConfigError(
        place: place, key: "run.epochs",
        problem: "\(epochs) passes over \(Format.count(batches, "batch", plural: "batches")) are "
          + "\(Format.fixed(updates, 0)) steps, expected at most \(Int(Self.mostSteps))",
        hint: "lower it")
    }
    var settled = self
    settled.run.steps = max(1, Int(updates))
    return settled
  }

  /// As many as run.steps may be.
  private static let mostSteps = 99_999_999.0
}
