import GRUCore

/// A model as an ONNX graph (opset 17).
///
/// A language model takes `tokens` [T, B] and `initial_state` [L, B, H], and gives `logits`
/// [T, B, V] and `final_state` [L, B, H], for any T and B. Where the model learned the state it
/// starts from, that is what a missing `initial_state` stands for. Models of other tasks are in
/// ONNXModel+Tasks.swift.
///
/// ONNX stacks the gates z, r, h like we do, and keeps the previous hidden vector by weight z.
/// `linear_before_reset` is what tells the two forms of the GRU apart: 1 resets after the
/// recurrent product.
package enum ONNXModel {
  /// The bytes of a model file.
  ///
  /// - Parameter metadata: free text for `metadata_props`.
  /// - Throws: where the file would be longer than the format allows.
  package static func encoded(
    _ model: ModelTensors, metadata: [(String, String)], producerVersion: String
  ) throws(InterchangeError) -> [UInt8] {
    let count = model.values.values.reduce(0) { $0 + $1.count }
    guard 4 * count < 2_000_000_000 else {
      let canGoToTorch = model.shape.cell != .gruResetBefore
      throw InterchangeError(
        "the model has \(count) parameters, \(4 * count) bytes, and an ONNX file holds at most "
          + "2 GB; use --format \(canGoToTorch ? "torch" : "keras")")
    }
    let isLanguageModel = model.shape.task == TaskShape() && !model.shape.isBidirectional
    let graph = isLanguageModel ? languageGraph(model) : taskGraph(model)
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

  private static func languageGraph(_ model: ModelTensors) -> ONNXGraph {
    let shape = model.shape
    var graph = ONNXGraph(name: "gru-dist language model")
    graph.node("Gather", ["embedding.weight", "tokens"], ["embedded"])
    var initial = "initial_state"
    if shape.learnsInitialState {
      addBatchSize(of: "tokens", &graph)
      initial = addExpandedState("tokens", &graph)
    }
    let top = addLayers(model, &graph, input: "embedded", initial: initial, lengths: "")
    addScores(&graph, of: top, "logits")
    addFinalState(shape, &graph)
    addWeights(model, &graph, slicesState: true)
    graph.integers("axis.0", [0])
    graph.integers("axis.1", [1])
    if shape.learnsInitialState {
      addInitialState(model, &graph)
      graph.integers("axis.2", [2])
      addStateSizes(shape, &graph)
    }
    graph.input("tokens", .int64, [.open("T"), .open("B")])
    graph.input(
      "initial_state", .float,
      [
        .fixed(shape.layerCount), .open(shape.learnsInitialState ? "1 or B" : "B"),
        .fixed(shape.hiddenSize),
      ])
    graph.output("logits", .float, [.open("T"), .open("B"), .fixed(shape.vocabularySize)])
    addFinalStateOutput(shape, &graph)
    return graph
  }

  // MARK: - Parts of all graphs

  /// The number of sequences, as `SOURCE.batch`: the second size of an input.
  static func addBatchSize(of source: String, _ graph: inout ONNXGraph) {
    graph.node("Shape", [source], ["\(source).shape"])
    graph.node(
      "Slice", ["\(source).shape", "axis.1", "axis.2", "axis.0"], ["\(source).batch"])
  }

  /// One row of `initial_state` for all sequences; a state [D L, B, H] that is given stays as it
  /// is.
  static func addExpandedState(_ source: String, _ graph: inout ONNXGraph) -> String {
    graph.node(
      "Concat", ["layer.count", "\(source).batch", "hidden.size"], ["state.shape"],
      [("axis", .integer(0))])
    graph.node("Expand", ["initial_state", "state.shape"], ["initial_state.expanded"])
    return "initial_state.expanded"
  }

  /// All layers.
  ///
  /// - Parameters:
  ///   - initial: the states [D L, B, H] that they start from; nil for 0.
  ///   - lengths: the steps of each sequence [B]; empty where all have as many as the input.
  /// - Returns: what the top one hands on, [T, B, D H].
  static func addLayers(
    _ model: ModelTensors, _ graph: inout ONNXGraph, input: String, initial: String?,
    lengths: String
  ) -> String {
    let shape = model.shape
    var input = input
    for layer in 0..<shape.layerCount {
      var state: [String] = []
      if let initial {
        state = ["initial_state.\(layer)"]
        graph.node("Slice", [initial, "from.\(layer)", "to.\(layer)", "axis.0"], state)
      }
      var attributes: [(String, ONNXGraph.Attribute)] = [
        ("hidden_size", .integer(shape.hiddenSize))
      ]
      if shape.cell != .rnn {
        attributes.append(
          ("linear_before_reset", .integer(shape.cell == .gruResetAfter ? 1 : 0)))
      }
      if shape.isBidirectional { attributes.append(("direction", .string("bidirectional"))) }
      let sources = ["W", "R", "B"].map { "layers.\(layer).\($0)" }
      let directions = "hidden.\(layer).directions"
      graph.node(
        shape.cell == .rnn ? "RNN" : "GRU", [input] + sources + [lengths] + state,
        [directions, "final_state.\(layer)"], attributes)
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

  static func addFinalState(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    graph.node(
      "Concat", (0..<shape.layerCount).map { "final_state.\($0)" }, ["final_state"],
      [("axis", .integer(0))])
  }

  static func addFinalStateOutput(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    graph.output(
      "final_state", .float, [.fixed(shape.layerCount), .open("B"), .fixed(shape.hiddenSize)])
  }

  /// The parameters, and with `slicesState` the places of each layer's among the initial states.
  static func addWeights(_ model: ModelTensors, _ graph: inout ONNXGraph, slicesState: Bool) {
    let shape = model.shape
    let hidden = shape.hiddenSize
    let outputs = shape.vocabularySize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    let directions = shape.directionCount
    if shape.task.input == .tokens {
      graph.tensor(
        "embedding.weight", [shape.inputVocabularySize, shape.embeddingSize],
        model["embedding.weight"])
    }
    for layer in 0..<shape.layerCount {
      let directions = shape.directions(ofLayer: layer)
      func weight(_ name: String) -> [Float] {
        directions.flatMap {
          Rows.flippingUpdateGate(
            model["\(shape.prefix(ofDirection: $0)).\(name).weight"], gates: gates)
        }
      }
      let prefix = "layers.\(layer)"
      graph.tensor(
        "\(prefix).W", [directions, rows, shape.inputSize(ofLayer: layer)], weight("input"))
      graph.tensor("\(prefix).R", [directions, rows, hidden], weight("recurrent"))
      let biases = directions.flatMap { direction in
        let pair = model.biasPair(ofDirection: direction)
        return Rows.flippingUpdateGate(pair.input, gates: gates)
          + Rows.flippingUpdateGate(pair.recurrent, gates: gates)
      }
      graph.tensor("\(prefix).B", [directions, 2 * rows], biases)
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
  static func addInitialState(_ model: ModelTensors, _ graph: inout ONNXGraph) {
    let shape = model.shape
    let count = shape.layerDirectionCount * shape.hiddenSize
    graph.tensor(
      "initial_state", [shape.layerDirectionCount, 1, shape.hiddenSize],
      shape.learnsInitialState
        ? model.initialStates : [Float](repeating: 0, count: count))
  }

  static func addStateSizes(_ shape: ModelShape, _ graph: inout ONNXGraph) {
    graph.integers("layer.count", [shape.layerDirectionCount])
    graph.integers("hidden.size", [shape.hiddenSize])
  }
}
