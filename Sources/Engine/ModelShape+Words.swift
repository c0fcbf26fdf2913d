import Cells
package import Checkpoints
package import GRUCore
package import Records

extension ModelShape {
  /// The sizes as JSON.
  package var json: OrderedJSON {
    let sizes: OrderedJSON = [
      "cell": .string(cell.rawValue), "vocabulary": .integer(vocabularySize),
      "embedding": .integer(embeddingSize), "hidden": .integer(hiddenSize),
      "layers": .integer(layerCount),
    ]
    guard let adaptiveSoftmax else { return sizes }
    return sizes.merging([
      "adaptive_softmax": .array(adaptiveSoftmax.cutoffs.map { .integer($0) }),
      "adaptive_factor": .integer(adaptiveSoftmax.factor),
    ])
  }

  /// Weights that every token is multiplied with: all matrices but the embedding table, unless
  /// it also scores tokens, and the clusters of an adaptive softmax.
  package func multipliedWeights(in table: ParameterTable) -> Int {
    table.parameters.reduce(0) { sum, parameter in
      parameter.shape.count == 2 && (tiesWeights || parameter.name != "embedding.weight")
        && !parameter.name.hasPrefix("output.tails.") ? sum + parameter.count : sum
    }
  }
}

extension ModelDescription {
  /// The description of a shape.
  package init(_ shape: ModelShape) {
    self.init(
      cell: shape.cell.rawValue, vocabularySize: shape.vocabularySize,
      embeddingSize: shape.embeddingSize, valuesBesideTokens: shape.valuesBesideTokens,
      hiddenSize: shape.hiddenSize, layerCount: shape.layerCount)
  }
}
