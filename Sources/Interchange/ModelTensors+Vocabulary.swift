package import GRUCore

/// Models whose tokens another program has numbered.
extension ModelTensors {
  /// The same model with its tokens in another order.
  ///
  /// A token that the model does not have gets the mean of the other rows, as `UnknownRow` says.
  ///
  /// - Parameters:
  ///   - rows: the row of each token; -1 for one that the model does not have.
  ///   - shape: of the result.
  package func withTokens(_ rows: [Int32], shape: ModelShape) -> ModelTensors {
    var result = self
    result.shape = shape
    let outputs = shape.task.predictsInputTokens ? ["output.weight", "output.bias"] : []
    for name in ["embedding.weight"] + outputs {
      guard let tensor = values[name] else { continue }
      let drop = name == "output.bias" ? UnknownRow.drop : 0
      let width = tensor.count / max(1, self.shape.inputVocabularySize)
      let mean = UnknownRow(token: 0).inserted(into: tensor, columns: width, below: drop)
        .prefix(width)
      result[name] = rows.flatMap { row in
        row < 0 ? mean : tensor[Int(row) * width..<(Int(row) + 1) * width].prefix(width)
      }
    }
    return result
  }
}
