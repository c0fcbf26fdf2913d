/// The stages of a backward pass, each of which completes the gradients of some tensors: the output
/// layer, then the layers from the top, each first the gates and then the candidate, and the
/// embedding before the weights of layer 0, whose exchange has the least time left to hide in.
package enum BackwardStage: Equatable, Sendable {
  case output
  /// BPTT, unless an embedding came first, and the gradients of the rows of z and r; of all rows in an
  /// RNN.
  case gates(layer: Int)
  /// The gradients of the candidate's rows and of the biases.
  case candidate(layer: Int)
  /// BPTT of layer 0, and the gradient of the embedding.
  case embedding

  /// All stages of a model in order.
  package static func stages(of shape: ModelShape) -> [BackwardStage] {
    var stages = [BackwardStage.output]
    for layer in (0..<shape.layerCount).reversed() {
      if layer == 0, shape.task.input == .tokens { stages.append(.embedding) }
      stages.append(.gates(layer: layer))
      if shape.cell != .rnn { stages.append(.candidate(layer: layer)) }
    }
    return stages
  }

  /// A run of the arena, the stage that completes its gradients, and the layer whose forward pass is
  /// the first to read its parameters (`layerCount` for the output layer).
  package struct Segment: Equatable, Sendable {
    package var elements: Range<Int>
    package var stage: Int
    package var reader: Int
  }

  /// The segments of an arena in order, gaps between tensors included.
  package static func segments(of shape: ModelShape, table: ParameterTable) -> [Segment] {
    let stages = stages(of: shape)
    func number(_ stage: BackwardStage) -> Int { stages.firstIndex(of: stage) ?? 0 }
    var ends: [(end: Int, stage: Int, reader: Int)] = []
    let hidden = shape.hiddenSize
    if shape.task.input == .tokens {
      ends.append((table.parameters[0].range.upperBound, number(.embedding), 0))
    }
    for layer in 0..<shape.layerCount {
      let input = table["layers.\(layer).input.weight"]
      let recurrent = table["layers.\(layer).recurrent.weight"]
      let gates = number(.gates(layer: layer))
      let last = table.parameters[table.firstIndex(ofLayer: layer) + table.tensorsPerLayer - 1]
      guard shape.cell != .rnn else {
        ends.append((last.range.upperBound, gates, layer))
        continue
      }
      let candidate = number(.candidate(layer: layer))
      let gateRows = 2 * hidden
      ends.append((input.offset + gateRows * shape.inputSize(ofLayer: layer), gates, layer))
      ends.append((input.range.upperBound, candidate, layer))
      ends.append((recurrent.offset + gateRows * hidden, gates, layer))
      ends.append((last.range.upperBound, candidate, layer))
    }
    ends.append((table.elementCount, number(.output), shape.layerCount))
    var start = 0
    return ends.map { end in
      defer { start = end.end }
      return Segment(elements: start..<end.end, stage: end.stage, reader: end.reader)
    }
  }
}
