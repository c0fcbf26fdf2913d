import Cells
package import GRUCore

/// A model as an ONNX graph (opset 17).
///
/// A model that carries its state from one part of a stream to the next takes `tokens` [T, B] and
/// `initial_state` [L, B, H], and gives `logits` [T, B, V] and `final_state` [L, B, H], for any T
/// and B. Where the model learned the state it starts from, that is what a missing `initial_state`
/// stands for. Models of sequences are in ONNXModel+Tasks.swift.
///
/// ONNX stacks the gates z, r, h like we do, and keeps the previous hidden vector by weight z.
/// `linear_before_reset` is what tells the two forms of the GRU apart: 1 resets after the
/// recurrent product.
///
/// A cell with several state vectors has an input and an output for each of them.
package enum ONNXModel {
  /// The bytes of a model file.
  ///
  /// - Parameters:
  ///   - task: decides what the graph takes and gives.
  ///   - metadata: free text for `metadata_props`.
  /// - Throws: where ONNX has no operator for the cell, or the file would be longer than the format
  ///   allows.
  package static func encoded(
    _ model: ModelTensors, task: TaskDescription, metadata: [(String, String)],
    producerVersion: String
  ) throws(InterchangeError) -> [UInt8] {
    if case .missing(let reason) = model.shape.cell.onnx { throw InterchangeError(reason.export) }
    let count = model.values.values.reduce(0) { $0 + $1.count }
    guard 4 * count < 2_000_000_000 else {
      let canGoToTorch = model.shape.cell.torch.layer != nil
      throw InterchangeError(
        "the model has \(count) parameters, \(4 * count) bytes, and an ONNX file holds at most "
          + "2 GB; use --format \(canGoToTorch ? "torch" : "keras")")
    }
    let graph = task.carriesState ? streamGraph(model, task) : sequenceGraph(model)
    var file = ProtobufWriter()
    file.integer(1, irVersion)
    file.string(2, "gru-dist")
    file.string(3, producerVersion)
    file.message(7) { graph.write(to: &$0) }
    file.message(8) { $0.integer(2, opset) }
    for (key, value) in metadata {
      file.message(14) {
        $0.string(1, key)
        $0.string(2, value)
      }
    }
    return file.bytes
  }

  private static let irVersion = 8
  private static let opset = 17

  private static func streamGraph(
    _ model: ModelTensors, _ task: TaskDescription
  ) -> ONNXGraph {
    let shape = model.shape
    var graph = ONNXGraph(name: "gru-dist \(task.name) model")
    graph.node("Gather", ["embedding.weight", "tokens"], ["embedded"])
    var initial = shape.cell.stateVectors.map(\.initialName)
    if shape.learnsInitialState {
      addBatchSize(of: "tokens", &graph)
      initial = addExpandedStates("tokens", shape, &graph)
    }
    let top = addLayers(model, &graph, input: "embedded", initial: initial, lengths: "")
    addScores(&graph, of: top, "logits")
    addFinalStates(shape, &graph)
    addWeights(model, &graph, slicesState: true)
    graph.integers("axis.0", [0])
    graph.integers("axis.1", [1])
    if shape.learnsInitialState {
      addInitialStates(model, &graph)
      graph.integers("axis.2", [2])
      addStateSizes(shape, &graph)
    }
    graph.input("tokens", .int64, [.open("T"), .open("B")])
    addInitialStateInputs(shape, &graph, batch: shape.learnsInitialState ? "1 or B" : "B")
    graph.output("logits", .float, [.open("T"), .open("B"), .fixed(shape.vocabularySize)])
    addFinalStateOutputs(shape, &graph)
    return graph
  }

  // MARK: - Parts of all graphs

  /// The number of sequences, as `SOURCE.batch`: the second size of an input.
  static func addBatchSize(of source: String, _ graph: inout ONNXGraph) {
    graph.node("Shape", [source], ["\(source).shape"])
    graph.node(
      "Slice", ["\(source).shape", "axis.1", "axis.2", "axis.0"], ["\(source).batch"])
  }

  /// One row of each initial state for all sequences; a state [D L, B, H] that is given stays as it
  /// is.
  static func addExpandedStates(
    _ source: String, _ shape: ModelShape, _ graph: inout ONNXGraph
  ) -> [String] {
    graph.node(
      "Concat", ["layer.count", "\(source).batch", "hidden.size"], ["state.shape"],
      [("axis", .integer(0))])
    return shape.cell.stateVectors.map { vector in
      let expanded = "\(vector.initialName).expanded"
      graph.node("Expand", [vector.initialName, "state.shape"], [expanded])
      return expanded
    }
  }

  /// All layers.
  ///
  /// - Parameters:
  ///   - initial: the values [D L, B, H] that each state vector starts from; nil for 0.
  ///   - lengths: the steps of each sequence [B]; empty where all have as many as the input.
  /// - Returns: what the top one hands on, [T, B, D H].
  static func addLayers(
    _ model: ModelTensors, _ graph: inout ONNXGraph, input: String, initial: [String]?,
    lengths: String
  ) -> String {
    let shape = model.shape
    let vectors = shape.cell.stateVectors
    guard let known = shape.cell.onnx.layer else { preconditionFailure("no layer of ONNX") }
    var input = input
    for layer in 0..<shape.layerCount {
      var states: [String] = []
      for (initial, vector) in zip(initial ?? [], vectors) {
        let state = "\(vector.initialName).\(layer)"
        states.append(state)
        graph.node("Slice", [initial, "from.\(layer)", "to.\(layer)", "axis.0"], [state])
      }
      var attributes: [(String, ONNXGraph.Attribute)] = [
        ("hidden_size", .integer(shape.hiddenSize))
      ]
      attributes += known.attributes.map { ($0.name, .integer($0.value)) }
      if shape.isBidirectional { attributes.append(("direction", .string("bidirectional"))) }
      let sources = ["W", "R", "B"].map { "layers.\(layer).\($0)" }
      let directions = "hidden.\(layer).directions"
      graph.node(
        known.name, [input] + sources + [lengths] + states,
        [directions] + vectors.map { "\($0.finalName).\(layer)" }, attributes)
      input = "hidden.\(layer)"
      if shape.isBidirectional {
        let swapped = "hidden.\(layer).swapped"
        graph.node("Transpose", [directions], [swapped], [("perm", .integers([0, 2, 1, 3]))])
        graph.node("Reshape", [swapped, "flat.states"], [input])
      } else {
        graph.node("Squeeze", [directions, "axis.1"], [input])
      }
    }
    return input
  }

  /// The output layer.
  static func addScores(_ graph: inout ONNXGraph, of input: String, _ output: String) {
    graph.node("MatMul", [input, "output.weight"], ["scores"])
    graph.node("Add", ["scores", "output.bias"], [output])
  }

  static func addFinalStates(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    for vector in shape.cell.stateVectors {
      graph.node(
        "Concat", (0..<shape.layerCount).map { "\(vector.finalName).\($0)" },
        [vector.finalName], [("axis", .integer(0))])
    }
  }

  /// - Parameter batch: the name of the states' second size.
  static func addInitialStateInputs(
    _ shape: ModelShape, _ graph: inout ONNXGraph, batch: String
  ) {
    for vector in shape.cell.stateVectors {
      graph.input(
        vector.initialName, .float,
        [.fixed(shape.layerCount), .open(batch), .fixed(shape.hiddenSize)])
    }
  }

  static func addFinalStateOutputs(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    for vector in shape.cell.stateVectors {
      graph.output(
        vector.finalName, .float,
        [.fixed(shape.layerCount), .open("B"), .fixed(shape.hiddenSize)])
    }
  }

  /// The parameters, and with `slicesState` the places of each layer's among the initial states.
  static func addWeights(_ model: ModelTensors, _ graph: inout ONNXGraph, slicesState: Bool) {
    let shape = model.shape
    let hidden = shape.hiddenSize
    let outputs = shape.vocabularySize
    guard let known = shape.cell.onnx.layer else { preconditionFailure("no layer of ONNX") }
    let rows = known.rows.count * hidden
    let directionCount = shape.directionCount
    if shape.task.readsTokens {
      graph.tensor(
        "embedding.weight", [shape.inputVocabularySize, shape.embeddingSize],
        model["embedding.weight"])
    }
    for layer in 0..<shape.layerCount {
      let directions = shape.directions(ofLayer: layer)
      func weight(_ name: String) -> [Float] {
        directions.flatMap {
          Rows.toForeign(model["\(shape.prefix(ofDirection: $0)).\(name).weight"], known)
        }
      }
      let prefix = "layers.\(layer)"
      graph.tensor(
        "\(prefix).W", [directionCount, rows, shape.inputSize(ofLayer: layer)], weight("input"))
      graph.tensor("\(prefix).R", [directionCount, rows, hidden], weight("recurrent"))
      let biases = directions.flatMap { direction in
        let pair = model.biasPair(ofDirection: direction)
        return Rows.toForeign(pair.input, known) + Rows.toForeign(pair.recurrent, known)
      }
      graph.tensor("\(prefix).B", [directionCount, 2 * rows], biases)
      if slicesState {
        graph.integers("from.\(layer)", [directions.lowerBound])
        graph.integers("to.\(layer)", [directions.upperBound])
      }
    }
    let output = Rows.transposed(
      model["output.weight"], rows: outputs, columns: shape.featureSize)
    graph.tensor("output.weight", [shape.featureSize, outputs], output)
    graph.tensor("output.bias", [outputs], model["output.bias"])
  }

  /// The states [D L, 1, H] that sequences start from: those that were learned, or 0.
  static func addInitialStates(_ model: ModelTensors, _ graph: inout ONNXGraph) {
    let shape = model.shape
    let count = shape.layerDirectionCount * shape.hiddenSize
    for vector in shape.cell.stateVectors {
      graph.tensor(
        vector.initialName, [shape.layerDirectionCount, 1, shape.hiddenSize],
        shape.learnsInitialState
          ? model.initialStates(vector) : [Float](repeating: 0, count: count))
    }
  }

  static func addStateSizes(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    graph.integers("layer.count", [shape.layerDirectionCount])
    graph.integers("hidden.size", [shape.hiddenSize])
  }
}
