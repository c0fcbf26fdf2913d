package import Tasks

/// The sizes and cell of the model.
package struct ModelConfig: ConfigSection {
  package enum CellName: String, CaseIterable, Sendable {
    case gru, rnn, lstm, mingru

    /// Whether its gates see the state, through weights that can be dropped.
    package var hasRecurrentWeights: Bool { self != .mingru }
  }
  package enum DropoutKind: String, CaseIterable, Sendable { case element, locked }
  package enum Reset: String, CaseIterable, Sendable { case before, after }
  /// The numbers that matrix products multiply.
  package enum Precision: String, CaseIterable, Sendable { case fp32, bf16 }

  package var cell = CellName.gru
  /// Where a GRU applies its reset gate; without meaning for another cell.
  package var reset = Reset.before
  package var embedding = 128
  package var hidden = 512
  package var layers = 2
  /// Whether layers go through every sequence in both directions.
  package var bidirectional = false
  package var dropout = 0.0
  /// What one random choice drops: an element at one time step, or at all of a window.
  package var dropoutKind = DropoutKind.element
  /// The probabilities that a token's embedding, and a recurrent weight, is dropped for a step.
  package var embeddingDropout = 0.0
  package var recurrentDropout = 0.0
  package var tieWeights = false
  /// The first token of each cluster of an adaptive softmax; none for one output matrix.
  package var adaptiveSoftmax: [Int] = []
  /// How many times narrower the vectors of a cluster are than those of the one before.
  package var adaptiveFactor = 4
  /// Whether what every gate sums up is normalised.
  package var layerNorm = false
  /// Whether the state that streams and sequences start from is trained.
  package var learnedInitialState = false
  /// What the bias of a GRU's or minGRU's update gate, or an LSTM's forget gate, starts from;
  /// without meaning for an RNN.
  package var initialUpdateBias = 0.0
  package var precision = Precision.fp32
  /// Names of tensors that are not trained, or what these begin with; nil trains all.
  package var freeze: [String]?

  package init() {}

  package static let keys: [ConfigKey<ModelConfig>] = recurrenceKeys + outputKeys + freezeKeys

  private static let recurrenceKeys: [ConfigKey<ModelConfig>] = [
    ConfigKey("cell", \.cell, .choice(), "The recurrence: GRU, plain tanh RNN, LSTM, or minGRU."),
    ConfigKey(
      "reset", \.reset, .choice(),
      "Where a GRU applies its reset gate: before the recurrent product, or after it like PyTorch "
        + "and cuDNN."),
    ConfigKey(
      "embedding", \.embedding, .integer(1...65_536),
      "Size of the vector that stands for a token."),
    ConfigKey("hidden", \.hidden, .integer(1...65_536), "Size of a layer's hidden vector."),
    ConfigKey("layers", \.layers, .integer(1...64), "Recurrent layers."),
    ConfigKey(
      "bidirectional", \.bidirectional, .boolean,
      "Whether every layer also goes through sequences from their end; for tasks `classification` "
        + "and `adding`."),
    ConfigKey(
      "dropout", \.dropout, .number(.probability),
      "The share of elements that training drops from the inputs of every layer and of the output "
        + "layer."),
    ConfigKey(
      "dropout_kind", \.dropoutKind, .choice(),
      "What one random choice drops: an element at one time step, or at all of a window."),
    ConfigKey(
      "embedding_dropout", \.embeddingDropout, .number(.probability),
      "The probability that all occurrences of a token lose their embedding in a step of training."
    ),
    ConfigKey(
      "recurrent_dropout", \.recurrentDropout, .number(.probability),
      "The probability that a recurrent weight is dropped in a step of training (DropConnect)."),
  ]

  private static let outputKeys: [ConfigKey<ModelConfig>] = [
    ConfigKey(
      "tie_weights", \.tieWeights, .boolean,
      "Whether the output layer uses the embedding table; `embedding` must equal `hidden`."),
    ConfigKey(
      "adaptive_softmax", \.adaptiveSoftmax, .ascendingIntegers(1...Int(Int32.max)),
      "The first token of each cluster of rare tokens, for large vocabularies of words or byte "
        + "pairs; null for one output matrix."),
    ConfigKey(
      "adaptive_factor", \.adaptiveFactor, .integer(1...65_536),
      "How many times narrower the vectors are from which a cluster scores its tokens than those "
        + "of the one before, the first than `hidden`."),
    ConfigKey(
      "layer_norm", \.layerNorm, .boolean,
      "Whether what each gate sums up is normalised, with a gain and a bias of its own (layer "
        + "normalisation)."),
    ConfigKey(
      "learned_initial_state", \.learnedInitialState, .boolean,
      "Whether the state that streams and sequences start from is trained, and not 0."),
    ConfigKey(
      "initial_update_bias", \.initialUpdateBias, .number(.from(-20, to: 20)),
      "What the bias of the update gate of a GRU or minGRU starts from (below 0, states are kept "
        + "for longer at first), or that of an LSTM's forget gate (above 0)."),
    ConfigKey(
      "precision", \.precision, .choice(),
      "The numbers that matrix products multiply; sums stay fp32. bf16 has a trajectory of its "
        + "own, the same on every machine, and is faster where there is AVX512-BF16."),
  ]

  private static let freezeKeys: [ConfigKey<ModelConfig>] = [
    ConfigKey(
      "freeze", \.freeze, .optionalTexts(emptyIsNull: true), resume: .changesTrajectory,
      "What is not trained and keeps its bits: `embedding`, `layers.0`, ..., `output`, or names of "
        + "tensors or their beginnings; see [fine-tuning.md](fine-tuning.md#what-trains)."),
  ]

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    if !cell.hasRecurrentWeights, recurrentDropout > 0 {
      throw place.failure(
        "recurrent_dropout",
        "drops recurrent weights, and model.cell \"\(cell.rawValue)\" has none",
        hint: "set recurrent_dropout to 0, and dropout for what layers read")
    }
    if tieWeights, embedding != hidden {
      throw place.failure(
        "tie_weights",
        "the output layer takes vectors of model.hidden, which is \(hidden), and so cannot be an "
          + "embedding of \(embedding)",
        hint: "set model.embedding to \(hidden), or tie_weights to false")
    }
    if tieWeights, !adaptiveSoftmax.isEmpty {
      throw place.failure(
        "adaptive_softmax",
        "scores rare tokens from narrower vectors than their embeddings, so that the output layer "
          + "cannot be the embedding table as with tie_weights",
        hint: "set tie_weights to false, or adaptive_softmax to null")
    }
    guard tieWeights, let freeze, freeze.contains("output"), !freeze.contains("embedding") else {
      return
    }
    throw place.failure(
      "freeze", "has \"output\", whose weights are the embedding with tie_weights",
      hint: "add \"embedding\", or name \"output.bias\"")
  }
}
