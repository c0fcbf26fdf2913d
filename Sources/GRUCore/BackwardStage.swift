import Cells

/// The stages of a backward pass, each of which completes the gradients of some tensors: the output
/// layer, then the layers from the top, each direction in the stages that its cell describes, and
/// the embedding before the weights of layer 0, whose exchange has the least time left to hide in.
package enum BackwardStage: Equatable, Sendable {
  case output
  /// The gradients of the weight rows of one of the cell's stages; with the last of them those of
  /// biases. The first stage of a layer begins with BPTT of all its directions, unless an embedding
  /// came first.
  case weights(direction: Int, stage: Int)
  /// BPTT of layer 0, and the gradient of the embedding.
  case embedding

  /// All stages of a model in order.
  package static func stages(of shape: ModelShape) -> [BackwardStage] {
    var stages = [BackwardStage.output]
    for layer in (0..<shape.layerCount).reversed() {
      if layer == 0, shape.task.readsTokens { stages.append(.embedding) }
      for direction in shape.directions(ofLayer: layer) {
        stages += shape.cell.stages.indices.map { .weights(direction: direction, stage: $0) }
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
    func number(_ stage: BackwardStage) -> Int {
      guard let number = stages.firstIndex(of: stage) else { preconditionFailure("no \(stage)") }
      return number
    }
    var ends: [End] = []
    if shape.task.readsTokens {
      ends.append((table.embeddingWeight.range.upperBound, number(.embedding), 0))
    }
    for direction in 0..<shape.layerDirectionCount {
      ends += Self.ends(
        ofDirection: direction, shape: shape, tensors: table.tensors(ofDirection: direction),
        firstStage: number(.weights(direction: direction, stage: 0)))
    }
    ends.append((table.elementCount, number(.output), shape.layerCount))
    var start = 0
    return ends.map { end in
      defer { start = end.end }
      return Segment(elements: start..<end.end, stage: end.stage, reader: end.reader)
    }
  }

  /// Where a segment ends, with its stage and reader.
  private typealias End = (end: Int, stage: Int, reader: Int)

  /// The segments of one direction: the rows of each stage in either matrix; what comes after them
  /// is completed by the last stage.
  private static func ends(
    ofDirection direction: Int, shape: ModelShape, tensors: DirectionTensors, firstStage: Int
  ) -> [End] {
    let cell = shape.cell
    let hidden = shape.hiddenSize
    let layer = shape.layer(ofDirection: direction)
    var ends: [End] = []
    for (stage, rows) in cell.stages.enumerated() {
      guard let gates = rows.inputGates else { continue }
      let row = gates.upperBound * hidden
      ends.append(
        (tensors.inputWeight + row * shape.inputSize(ofLayer: layer), firstStage + stage, layer))
    }
    for (stage, rows) in cell.stages.enumerated() {
      guard let gates = rows.recurrentGates, let weight = tensors.recurrentWeight else { continue }
      ends.append((weight + gates.upperBound * hidden * hidden, firstStage + stage, layer))
    }
    ends.append((tensors.end, firstStage + cell.stages.count - 1, layer))
    // Neighbours of one stage are one segment.
    return ends.indices.compactMap { index in
      index + 1 < ends.count && ends[index + 1].stage == ends[index].stage ? nil : ends[index]
    }
  }
}
