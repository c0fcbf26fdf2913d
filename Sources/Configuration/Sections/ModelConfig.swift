import Records

/// The sizes and cell of the model.
package struct ModelConfig: Sendable, Equatable {
  package enum CellName: String, CaseIterable, Sendable { case gru, rnn }
  package enum DropoutKind: String, CaseIterable, Sendable { case element, locked }
  package enum Reset: String, CaseIterable, Sendable { case before, after }
  /// The numbers that matrix products multiply.
  package enum Precision: String, CaseIterable, Sendable { case fp32, bf16 }

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
}
