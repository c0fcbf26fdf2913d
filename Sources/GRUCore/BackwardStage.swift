/// The stages of a backward pass, each of which completes the gradients of some tensors: the output
/// layer, then the layers from the top, each direction first the gates and then the candidate, and
/// the embedding before the weights of layer 0, whose exchange has the least time left to hide in.
package enum BackwardStage: Equatable, Sendable {
  case output
  /// BPTT of all directions of a layer with the first of them, unless an embedding came first, and
  /// the gradients of the rows of z and r; of all rows in an RNN.
  case gates(direction: Int)
  /// The gradients of the candidate's rows and of the biases.
  case candidate(direction: Int)
  /// BPTT of layer 0, and the gradient of the embedding.
  case embedding

  /// All stages of a model in order.
  package static func stages(of shape: ModelShape) -> [BackwardStage] {
    var stages = [BackwardStage.output]
    for layer in (0..<shape.layerCount).reversed() {
      if layer == 0, shape.task.input == .tokens { stages.append(.embedding) }
      for direction in shape.directions(ofLayer: layer) {
        stages.append(.gates(direction: direction))
        if shape.cell != .rnn { stages.append(.candidate(direction: direction)) }
      }
    }
    return stages
  }

  /// A run of the arena, the stage that completes its gradients, and the layer whose forward pass
  /// is the first to read its parameters (`layerCount` for the output layer).
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
    for direction in 0..<shape.layerDirectionCount {
      let layer = shape.layer(ofDirection: direction)
      let first = table.firstIndex(ofDirection: direction)
      let input = table.parameters[first]
      let recurrent = table.parameters[first + 1]
      let gates = number(.gates(direction: direction))
      let last = table.parameters[first + table.tensorsPerDirection - 1]
      guard shape.cell != .rnn else {
        ends.append((last.range.upperBound, gates, layer))
        continue
      }
      let candidate = number(.candidate(direction: direction))
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
