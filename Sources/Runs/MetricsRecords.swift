package import Engine
import GRUCore
package import Records

/// What one line of the log says about training.
package struct TrainRecord {
  package var step: Int
  /// Counted from 0.
  package var epoch: Int
  /// Targets trained on since the start of the run.
  package var tokens: Int
  package var loss: Double
  package var learningRate: Double
  package var gradientNorm: Double
  package var interval: StepInterval
  package var fingerprint: String
  /// Steps so far that made no update.
  package var skippedSteps = 0
  /// Which rank the others waited for; nil for a single one.
  package var pace: RankPace?

  package var json: OrderedJSON {
    var record: OrderedJSON = [
      "kind": "train", "step": .integer(step), "epoch": .integer(epoch),
      "tokens": .integer(tokens), "loss": .number(loss), "learning_rate": .number(learningRate),
      "gradient_norm": .number(gradientNorm),
      "tokens_per_second": .number(interval.tokensPerSecond.rounded()),
      "step_seconds": .number(interval.mean(interval.duration)),
      "exchange_seconds": .number(interval.mean(interval.exposedExchangeDuration)),
      "hidden_exchange_seconds": .number(interval.mean(interval.hiddenExchangeDuration)),
      "exchange_bytes": .integer(interval.sentBytes / max(1, interval.steps)),
      "data_seconds": .number(interval.mean(interval.dataDuration)),
      "fingerprint": .string(fingerprint),
    ]
    if let mean = interval.meanLoss {
      record = record.merging(["mean_loss": .number(mean)])
    }
    if let pace { record = record.merging(pace.json) }
    return skippedSteps == 0 ? record : record.merging(["skipped_steps": .integer(skippedSteps)])
  }
}

/// The steps since the last logged one.
package struct StepInterval: Sendable {
  package private(set) var steps = 0
  package private(set) var tokens = 0
  package private(set) var duration = Duration.zero
  package private(set) var exposedExchangeDuration = Duration.zero
  package private(set) var hiddenExchangeDuration = Duration.zero
  package private(set) var dataDuration = Duration.zero
  package private(set) var sentBytes = 0
  private var lossSum = 0.0

  /// The mean loss of the targets; nil where they are of one update.
  package private(set) var meanLoss: Double?
  private var updates = 0

  package mutating func add(_ outcome: StepOutcome) {
    lossSum += outcome.loss * Double(outcome.tokens)
    updates += 1
    steps += outcome.steps
    tokens += outcome.tokens
    duration += outcome.duration
    exposedExchangeDuration += outcome.exposedExchangeDuration
    hiddenExchangeDuration += outcome.hiddenExchangeDuration
    dataDuration += outcome.dataDuration
    sentBytes += outcome.sentBytes
    meanLoss = updates > 1 && tokens > 0 ? lossSum / Double(tokens) : nil
  }

  /// What this rank did itself: time in the exchange is mostly time that the slowest rank takes.
  package var computeDuration: Duration { duration - exposedExchangeDuration }

  package var tokensPerSecond: Double { Double(tokens) / max(duration.seconds, 1e-9) }

  /// Seconds per step, to the microsecond.
  func mean(_ total: Duration) -> Double {
    (total.seconds / Double(max(1, steps)) * 1e6).rounded() / 1e6
  }
}
