package import GRUCore

extension ModelShape.Cell {
  /// The cell in words.
  package var words: String {
    switch self {
    case .gruResetBefore: "GRU (reset before)"
    case .gruResetAfter: "GRU (reset after)"
    case .rnn: "RNN"
    }
  }
}

extension ModelShape {
  /// The sizes as JSON.
  package var json: OrderedJSON {
    [
      "cell": .string(cell.rawValue), "vocabulary": .integer(vocabularySize),
      "embedding": .integer(embeddingSize), "hidden": .integer(hiddenSize),
      "layers": .integer(layerCount),
    ]
  }

  /// Weights that every token is multiplied with: all matrices but the embedding table.
  package func multipliedWeights(in table: ParameterTable) -> Int {
    table.parameters.reduce(0) { sum, parameter in
      parameter.shape.count == 2 && parameter.name != "embedding.weight"
        ? sum + parameter.count : sum
    }
  }
}
