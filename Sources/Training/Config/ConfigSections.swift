import Cells
package import Corpora
package import GRUCore
package import Kernels
import Records

/// What to train and validate on.
package struct DataConfig: Sendable, Equatable {
  package var train: String
  /// A text of its own to validate on; nil takes the end of `train`.
  package var valid: String?
  package var validFraction: Double
  package var tokenizer: Tokenizer.Kind
  /// Words that occur less often in `train` are unknown, byte pairs that do are not merged.
  package var minimumCount: Int
  /// Most tokens of a vocabulary of words or byte pairs; 0 for no limit of words, and 4,096 of
  /// byte pairs.
  package var vocabularyLimit: Int
  /// What only other tasks than a language model read.
  package var task = TaskDataConfig()

  init(_ reader: consuming ConfigReader, task name: TaskName) throws(ConfigError) {
    if name.isGenerated {
      task = try TaskDataConfig(&reader, task: name)
      (train, valid, validFraction) = ("", nil, 0)
      (tokenizer, minimumCount, vocabularyLimit) = (.byte, 1, 0)
      try reader.finish()
      return
    }
    train = try reader.string("train", default: nil)
    valid = try reader.optionalString("valid")
    validFraction = try reader.number(
      "valid_fraction", default: 0.1, expected: "a number from 0 to 0.9"
    ) { 0...0.9 ~= $0 }
    if name != .language {
      task = try TaskDataConfig(&reader, task: name)
      (tokenizer, minimumCount, vocabularyLimit) = (.byte, 1, 0)
      try reader.finish()
      return
    }
    tokenizer = try reader.choice("tokenizer", default: .byte, aliases: ["char": .character])
    minimumCount = try reader.integer("minimum_count", default: 1, in: 1...Int.max)
    vocabularyLimit = try reader.integer("vocabulary_limit", default: 0, in: 0...Int(Int32.max))
    try reader.finish()
    if let problem = learning.problem { throw reader.failure("vocabulary_limit", problem) }
  }

  /// How the tokenizer is learned from `train`.
  package var learning: Tokenizer.Learning {
    Tokenizer.Learning(tokenizer, minimumCount: minimumCount, vocabularyLimit: vocabularyLimit)
  }

  /// Whether there is something to validate on.
  func hasValidation(_ name: TaskName) -> Bool {
    name.isGenerated ? task.validSequences > 0 : valid != nil || validFraction > 0
  }

  func json(_ name: TaskName) -> OrderedJSON {
    name == .language ? languageJSON : task.json(name, self)
  }

  private var languageJSON: OrderedJSON {
    [
      "train": .string(train), "valid": valid.map { .string($0) } ?? .null,
      "valid_fraction": .number(validFraction), "tokenizer": .string(tokenizer.rawValue),
      "minimum_count": .integer(minimumCount), "vocabulary_limit": .integer(vocabularyLimit),
    ]
  }
}

/// The sizes and cell of the model.
package struct ModelConfig: Sendable, Equatable {
  package enum CellName: String, CaseIterable, Sendable { case gru, rnn }
  package enum DropoutKind: String, CaseIterable, Sendable { case element, locked }
  package enum Reset: String, CaseIterable, Sendable { case before, after }

  package var cell: CellName
  /// Where a GRU applies its reset gate; without meaning for an RNN.
  package var reset: Reset
  package var embedding: Int
  package var hidden: Int
  package var layers: Int
  package var dropout: Double
  /// What one random choice drops: an element at one time step, or at all of a window.
  package var dropoutKind: DropoutKind
  /// The probabilities that a token's embedding, and a recurrent weight, is dropped for a step.
  package var embeddingDropout: Double
  package var recurrentDropout: Double
  package var tieWeights: Bool
  /// Whether layers go through every sequence in both directions.
  package var bidirectional: Bool
  /// The first token of each cluster of an adaptive softmax; none for one output matrix.
  package var adaptiveSoftmax: [Int]
  /// How many times narrower the vectors of a cluster are than those of the one before.
  package var adaptiveFactor: Int
  /// Whether what every gate sums up is normalised.
  package var layerNorm: Bool
  /// Whether the state that streams and sequences start from is trained.
  package var learnedInitialState: Bool
  /// What the bias of a GRU's update gate starts from; without meaning for an RNN.
  package var initialUpdateBias: Double
  /// The numbers that matrix products multiply.
  package var precision: Precision

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    cell = try reader.choice("cell", default: .gru)
    reset = try reader.choice("reset", default: .before)
    embedding = try reader.integer("embedding", default: 128, in: 1...65_536)
    hidden = try reader.integer("hidden", default: 512, in: 1...65_536)
    layers = try reader.integer("layers", default: 2, in: 1...64)
    bidirectional = try reader.boolean("bidirectional", default: false)
    func probability(_ key: String, of reader: inout ConfigReader) throws(ConfigError) -> Double {
      try reader.number(
        key, default: 0, expected: "a number from 0 up to, but not, 1"
      ) { 0..<1 ~= $0 }
    }
    dropout = try probability("dropout", of: &reader)
    embeddingDropout = try probability("embedding_dropout", of: &reader)
    recurrentDropout = try probability("recurrent_dropout", of: &reader)
    tieWeights = try reader.boolean("tie_weights", default: false)
    adaptiveSoftmax = try reader.ascendingIntegers("adaptive_softmax", in: 1...Int(Int32.max))
    adaptiveFactor = try reader.integer("adaptive_factor", default: 4, in: 1...65_536)
    layerNorm = try reader.boolean("layer_norm", default: false)
    learnedInitialState = try reader.boolean("learned_initial_state", default: false)
    initialUpdateBias = try reader.number(
      "initial_update_bias", default: 0, expected: "a number from -20 to 20"
    ) { -20...20 ~= $0 }
    precision = try reader.choice("precision", default: .fp32)
    dropoutKind = try reader.choice("dropout_kind", default: .element)
    try reader.finish()
    if tieWeights, embedding != hidden {
      throw reader.failure(
        "tie_weights",
        "the output layer takes vectors of model.hidden, which is \(hidden), and so cannot be an "
          + "embedding of \(embedding)",
        hint: "set model.embedding to \(hidden), or tie_weights to false")
    }
    if tieWeights, !adaptiveSoftmax.isEmpty {
      throw reader.failure(
        "adaptive_softmax",
        "scores rare tokens from narrower vectors than their embeddings, so that the output layer "
          + "cannot be the embedding table as with tie_weights",
        hint: "set tie_weights to false, or adaptive_softmax to null")
    }
  }

  var json: OrderedJSON {
    [
      "cell": .string(cell.rawValue), "reset": .string(reset.rawValue),
      "embedding": .integer(embedding), "hidden": .integer(hidden), "layers": .integer(layers),
      "bidirectional": .bool(bidirectional),
      "dropout": .number(dropout), "dropout_kind": .string(dropoutKind.rawValue),
      "embedding_dropout": .number(embeddingDropout),
      "recurrent_dropout": .number(recurrentDropout), "tie_weights": .bool(tieWeights),
      "adaptive_softmax": adaptiveSoftmax.isEmpty
        ? .null : .array(adaptiveSoftmax.map { .integer($0) }),
      "adaptive_factor": .integer(adaptiveFactor),
      "layer_norm": .bool(layerNorm), "learned_initial_state": .bool(learnedInitialState),
      "initial_update_bias": .number(initialUpdateBias),
      "precision": .string(precision.rawValue),
    ]
  }

  /// The model's shape once the vocabulary is known.
  package func shape(vocabularySize: Int, seed: Int = 0) -> ModelShape {
    guard let cell = Cell(cell: cell.rawValue, reset: reset.rawValue) else {
      preconditionFailure("no cell \(cell.rawValue) of the form \(reset.rawValue)")
    }
    var shape = ModelShape(
      cell: cell, vocabularySize: vocabularySize, embeddingSize: embedding, hiddenSize: hidden,
      layerCount: layers)
    shape.isBidirectional = bidirectional
    shape.tiesWeights = tieWeights
    if !adaptiveSoftmax.isEmpty {
      shape.adaptiveSoftmax = AdaptiveSoftmax(cutoffs: adaptiveSoftmax, factor: adaptiveFactor)
    }
    shape.normalizesGates = layerNorm
    shape.learnsInitialState = learnedInitialState
    shape.initialUpdateBias = Float(initialUpdateBias)
    shape.regularization.dropout = dropout
    shape.regularization.isLocked = dropoutKind == .locked
    shape.regularization.embeddingDropout = embeddingDropout
    shape.regularization.recurrentDropout = recurrentDropout
    shape.regularization.seed = UInt64(seed)
    return shape
  }
}

/// The global batch: B sequences of T time steps, cut into shards.
package struct BatchConfig: Sendable, Equatable {
  package var sequences: Int
  package var window: Int
  /// The most that the windows of a text differ from `window`.
  package var windowJitter: Int
  package var shards: Int
  /// Windows whose gradients one update sums.
  package var accumulate: Int

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    sequences = try reader.integer("sequences", default: 64, in: 1...65_536)
    window = try reader.integer("window", default: 64, in: 1...65_536)
    windowJitter = try reader.integer("window_jitter", default: 0, in: 0...65_535)
    shards = try reader.integer("shards", default: 8, in: 1...65_536)
    accumulate = try reader.integer("accumulate", default: 1, in: 1...65_536)
    try reader.finish()
    guard windowJitter < window else {
      throw reader.failure(
        "window_jitter",
        "expected less than batch.window, which is \(window), found \(windowJitter)")
    }
  }

  /// Time steps of all sequences that an update sums, but for jitter.
  package var tokensPerStep: Int { sequences * window * accumulate }

  /// Most time steps of a batch.
  package var longestWindow: Int { window + windowJitter }

  var json: OrderedJSON {
    [
      "sequences": .integer(sequences), "window": .integer(window),
      "window_jitter": .integer(windowJitter), "shards": .integer(shards),
      "accumulate": .integer(accumulate),
    ]
  }
}

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
