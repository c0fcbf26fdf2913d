import Records

/// Where a run writes, how long it goes and what it does from time to time (0 = never).
package struct RunConfig: Sendable, Equatable {
  /// What a loss or gradient that is not finite leads to: the end of the run, or the step without
  /// its update.
  package enum NonFiniteAction: String, CaseIterable, Sendable { case stop, skip }

  package var directory: String
  package var steps: Int
  package var seed: Int
  package var logEvery: Int
  package var validateEvery: Int
  package var checkpointEvery: Int
  package var keepCheckpoints: Int
  /// The least seconds after which a step that does not advance ends the job.
  package var watchdogSeconds: Int
  package var onNonFinite: NonFiniteAction
  /// How often ranks compare their parameters.
  package var verifyEvery: Int
  /// How often one rank computes another one's gradients again.
  package var recomputeEvery: Int
  /// Whether records are written as TensorBoard events too.
  package var tensorboard: Bool
  /// Tokens to draw from the model after each validation.
  package var sampleLength: Int
  /// Validations in a row without a lower loss after which a run ends.
  package var patience: Int

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    directory = try reader.string("directory", default: "runs/lm")
    // Checkpoint directories name the step by 8 digits.
    steps = try reader.integer("steps", default: 2000, in: 1...99_999_999)
    seed = try reader.integer("seed", default: 1, in: 0...Int.max)
    logEvery = try reader.integer("log_every", default: 10, in: 0...Int.max)
    validateEvery = try reader.integer("validate_every", default: 200, in: 0...Int.max)
    checkpointEvery = try reader.integer("checkpoint_every", default: 200, in: 0...Int.max)
    keepCheckpoints = try reader.integer("keep_checkpoints", default: 3, in: 1...Int.max)
    watchdogSeconds = try reader.integer("watchdog_seconds", default: 30, in: 0...86_400)
    onNonFinite = try reader.choice("on_nonfinite", default: .stop)
    verifyEvery = try reader.integer("verify_every", default: 10, in: 0...Int.max)
    recomputeEvery = try reader.integer("recompute_every", default: 0, in: 0...Int.max)
    patience = try reader.integer("patience", default: 0, in: 0...Int.max)
    tensorboard = try reader.boolean("tensorboard", default: false)
    sampleLength = try reader.integer("sample_length", default: 0, in: 0...100_000)
    try reader.finish()
  }

  var json: OrderedJSON {
    [
      "directory": .string(directory), "steps": .integer(steps), "seed": .integer(seed),
      "log_every": .integer(logEvery), "validate_every": .integer(validateEvery),
      "checkpoint_every": .integer(checkpointEvery),
      "keep_checkpoints": .integer(keepCheckpoints),
      "watchdog_seconds": .integer(watchdogSeconds),
      "on_nonfinite": .string(onNonFinite.rawValue), "verify_every": .integer(verifyEvery),
      "recompute_every": .integer(recomputeEvery), "patience": .integer(patience),
      "tensorboard": .bool(tensorboard), "sample_length": .integer(sampleLength),
    ]
  }
}
