/// One named tensor within a flat arena.
package struct Parameter: Sendable, Equatable {
  package let name: String
  /// Row-major shape; rows are outputs.
  package let shape: [Int]
  /// First element within the arena; a multiple of 16.
  package let offset: Int

  package var count: Int { shape.reduce(1, *) }
  package var range: Range<Int> { offset..<offset + count }

  /// The part of the model that the tensor belongs to: "embedding", "layers.0", "output".
  package var group: String {
    let words = name.split(separator: ".", maxSplits: 2)
    return words[0] == "layers" ? "layers.\(words[1])" : String(words[0])
  }

  /// Whether the tensor is the one of that name, or one of those whose names begin so: "layers.0"
  /// names all tensors of that layer.
  package func isNamed(by prefix: String) -> Bool {
    name == prefix || name.hasPrefix(prefix + ".")
  }
}

/// Where each tensor lies in the flat arenas that hold parameters, gradients and moments alike.
///
/// Tensors start at multiples of 16 floats; the gaps between them are zero for ever.
package struct ParameterTable: Sendable, Equatable {
  package let parameters: [Parameter]
  /// Length of an arena in floats, gaps included; a multiple of 16.
  package let elementCount: Int
  private let outputWeightIndex: Int
  private let outputBiasIndex: Int
  /// Where the tensors of each direction of a layer are.
  private let directions: [DirectionTensors]

  /// Number of trained values, gaps left out.
  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  package init(shape: ModelShape) {
    var parameters: [Parameter] = []
    var offset = 0
    @discardableResult func add(_ name: String, _ shape: [Int]) -> Parameter {
      let parameter = Parameter(name: name, shape: shape, offset: offset)
      parameters.append(parameter)
      offset += (parameter.count + 15) & ~15
      return parameter
    }
    if shape.task.readsTokens {
      add("embedding.weight", [shape.inputVocabularySize, shape.embeddingSize])
    }
    directions = (0..<shape.layerDirectionCount).map { direction in
      DirectionTensors(shape: shape, direction: direction, add: add)
    }
    outputWeightIndex = shape.tiesWeights ? 0 : parameters.count
    if shape.tiesWeights {
      precondition(
        shape.embeddingSize == shape.featureSize,
        "embeddingSize \(shape.embeddingSize) != \(shape.featureSize)")
    } else {
      add("output.weight", [shape.headSize, shape.featureSize])
    }
    outputBiasIndex = parameters.count
    add("output.bias", [shape.headSize])
    for (index, cluster) in shape.tailClusters.enumerated() {
      let prefix = "output.tails.\(index)"
      add("\(prefix).projection.weight", [cluster.projectionSize, shape.featureSize])
      add("\(prefix).weight", [cluster.tokens.count, cluster.projectionSize])
      add("\(prefix).bias", [cluster.tokens.count])
    }
    self.parameters = parameters
    elementCount = offset
  }

  /// The table [V, E] of a model that reads tokens.
  package var embeddingWeight: Parameter { parameters[0] }

  /// The rows that score tokens [V, D H]: the embedding table itself where weights are tied. Those
  /// of the head where the softmax is adaptive.
  package var outputWeight: Parameter { parameters[outputWeightIndex] }

  /// Where the tensors of a direction of a layer are.
  package func tensors(ofDirection direction: Int) -> DirectionTensors { directions[direction] }

  package var outputBias: Parameter { parameters[outputBiasIndex] }

  /// The projection [D, H], weight [N, D] and bias [N] of a cluster of an adaptive softmax.
  package func tail(_ cluster: Int) -> (projection: Parameter, weight: Parameter, bias: Parameter) {
    let first = outputBiasIndex + 1 + 3 * cluster
    return (parameters[first], parameters[first + 1], parameters[first + 2])
  }

  /// The tensor of that name; the name must exist.
  package subscript(name: String) -> Parameter {
    guard let found = parameters.first(where: { $0.name == name }) else {
      preconditionFailure("no parameter \(name)")
    }
    return found
  }
}
