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

  package var json: OrderedJSON {
    let record: OrderedJSON = [
      "kind": "train", "step": .integer(step), "epoch": .integer(epoch),
      "tokens": .integer(tokens), "loss": .number(loss), "learning_rate": .number(learningRate),
      "gradient_norm": .number(gradientNorm),
      "tokens_per_second": .number(interval.tokensPerSecond.rounded()),
      "step_seconds": .number(interval.mean(interval.duration)),
      "exchange_seconds": .number(interval.mean(interval.exchangeDuration)),
      "data_seconds": .number(interval.mean(interval.dataDuration)),
      "fingerprint": .string(fingerprint),
    ]
    return skippedSteps == 0 ? record : record.merging(["skipped_steps": .integer(skippedSteps)])
  }
}

/// The steps since the last logged one.
package struct StepInterval: Sendable {
  package private(set) var steps = 0
  package private(set) var tokens = 0
  package private(set) var duration = Duration.zero
  package private(set) var exchangeDuration = Duration.zero
  package private(set) var dataDuration = Duration.zero

  package mutating func add(_ outcome: Trainer.Outcome) {
    steps += 1
    tokens += outcome.tokens
    duration += outcome.duration
    exchangeDuration += outcome.exchangeDuration
    dataDuration += outcome.dataDuration
  }

  package var tokensPerSecond: Double { Double(tokens) / max(duration.seconds, 1e-9) }

  /// Seconds per step, to the microsecond.
  func mean(_ total: Duration) -> Double {
    (total.seconds / Double(max(1, steps)) * 1e6).rounded() / 1e6
  }
}

extension Evaluator.Score {
  /// The record of a validation after `step`.
  package func json(step: Int) -> OrderedJSON {
    [
      "kind": "valid", "step": .integer(step), "loss": .number(loss),
      "perplexity": .number(perplexity), "bits_per_byte": .number(bitsPerByte),
    ]
  }

  package var words: String {
    "loss \(Format.fixed(loss, 4))  perplexity \(Format.fixed(perplexity, 2))  "
      + "\(Format.fixed(bitsPerByte, 4)) bits/byte  (\(Format.grouped(tokens)) tokens)"
  }
}
