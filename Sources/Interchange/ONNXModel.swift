import GRUCore

/// A language model as an ONNX graph (opset 17): `tokens` [T, B] and `initial_state` [L, B, H] go
/// in, `logits` [T, B, V] and `final_state` [L, B, H] come out, for any T and B. Where the model
/// learned the state it starts from, that is what a missing `initial_state` stands for.
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
      throw InterchangeError(
        "the model has \(count) parameters, \(4 * count) bytes, and an ONNX file holds at most "
          + "2 GB; use --format \(model.shape.cell == .gruResetBefore ? "keras" : "torch")")
    }
    var file = ProtobufWriter()
    file.integer(1, irVersion)
    file.string(2, "gru-dist")
    file.string(3, producerVersion)
    file.message(7) { graph(model, &$0) }
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

  private enum ElementKind: Int {
    case float = 1
    case int64 = 7
  }

  private static func graph(_ model: ModelTensors, _ graph: inout ProtobufWriter) {
    let shape = model.shape
    let layers = 0..<shape.layerCount
    node(&graph, "Gather", ["embedding.weight", "tokens"], ["embedded"])
    var input = "embedded"
    var initial = "initial_state"
    if shape.learnsInitialState {
      // One row of the initializer for all sequences; a state [L, B, H] that is given stays as it
      // is.
      node(&graph, "Shape", ["tokens"], ["tokens.shape"])
      node(&graph, "Slice", ["tokens.shape", "axis.1", "axis.2", "axis.0"], ["tokens.batch"])
      node(&graph, "Concat", ["layer.count", "tokens.batch", "hidden.size"], ["state.shape"]) {
        attribute(&$0, "axis", 0)
      }
      initial = "initial_state.expanded"
      node(&graph, "Expand", ["initial_state", "state.shape"], [initial])
    }
    for layer in layers {
      let state = "initial_state.\(layer)"
      node(&graph, "Slice", [initial, "from.\(layer)", "to.\(layer)", "axis.0"], [state])
      let sources = ["W", "R", "B"].map { "layers.\(layer).\($0)" }
      node(
        &graph, shape.cell == .rnn ? "RNN" : "GRU", [input] + sources + ["", state],
        ["hidden.\(layer).directions", "final_state.\(layer)"]
      ) { node in
        attribute(&node, "hidden_size", shape.hiddenSize)
        if shape.cell != .rnn {
          attribute(&node, "linear_before_reset", shape.cell == .gruResetAfter ? 1 : 0)
        }
      }
      input = "hidden.\(layer)"
      node(&graph, "Squeeze", ["hidden.\(layer).directions", "axis.1"], [input])
    }
    node(&graph, "MatMul", [input, "output.weight"], ["scores"])
    node(&graph, "Add", ["scores", "output.bias"], ["logits"])
    node(&graph, "Concat", layers.map { "final_state.\($0)" }, ["final_state"]) { node in
      attribute(&node, "axis", 0)
    }
    graph.string(2, "gru-dist language model")
    initializers(model, &graph)
    let layerCount = shape.layerCount
    value(&graph, 11, "tokens", .int64, [.open("T"), .open("B")])
    value(
      &graph, 11, "initial_state", .float,
      [
        .fixed(layerCount), .open(shape.learnsInitialState ? "1 or B" : "B"),
        .fixed(shape.hiddenSize),
      ])
    value(
      &graph, 12, "logits", .float, [.open("T"), .open("B"), .fixed(shape.vocabularySize)])
    value(
      &graph, 12, "final_state", .float, [.fixed(layerCount), .open("B"), .fixed(shape.hiddenSize)])
  }

  private static func initializers(_ model: ModelTensors, _ graph: inout ProtobufWriter) {
    let shape = model.shape
    let hidden = shape.hiddenSize
    let vocabulary = shape.vocabularySize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    tensor(
      &graph, "embedding.weight", [vocabulary, shape.embeddingSize], model["embedding.weight"])
    for layer in 0..<shape.layerCount {
      let prefix = "layers.\(layer)"
      let flipped = { Rows.flippingUpdateGate($0, gates: gates) }
      tensor(
        &graph, "\(prefix).W", [1, rows, shape.inputSize(ofLayer: layer)],
        flipped(model["\(prefix).input.weight"]))
      tensor(
        &graph, "\(prefix).R", [1, rows, hidden], flipped(model["\(prefix).recurrent.weight"]))
      let pair = model.biasPair(ofLayer: layer)
      tensor(&graph, "\(prefix).B", [1, 2 * rows], flipped(pair.input) + flipped(pair.recurrent))
      integers(&graph, "from.\(layer)", [layer])
      integers(&graph, "to.\(layer)", [layer + 1])
    }
    let output = Rows.transposed(model["output.weight"], rows: vocabulary, columns: hidden)
    tensor(&graph, "output.weight", [hidden, vocabulary], output)
    tensor(&graph, "output.bias", [vocabulary], model["output.bias"])
    integers(&graph, "axis.0", [0])
    integers(&graph, "axis.1", [1])
    if shape.learnsInitialState {
      tensor(&graph, "initial_state", [shape.layerCount, 1, hidden], model.initialStates)
      integers(&graph, "axis.2", [2])
      integers(&graph, "layer.count", [shape.layerCount])
      integers(&graph, "hidden.size", [hidden])
    }
  }

  private static func node(
    _ graph: inout ProtobufWriter, _ operation: String, _ inputs: [String], _ outputs: [String],
    attributes: (inout ProtobufWriter) -> Void = { _ in }
  ) {
    graph.message(1) { node in
      for input in inputs { node.string(1, input) }
      for output in outputs { node.string(2, output) }
      node.string(3, "\(operation) \(outputs[0])")
      node.string(4, operation)
      attributes(&node)
    }
  }

  private static func attribute(_ node: inout ProtobufWriter, _ name: String, _ value: Int) {
    node.message(5) { attribute in
      attribute.string(1, name)
      attribute.integer(3, value)
      attribute.integer(20, 2)
    }
  }

  private static func tensor(
    _ graph: inout ProtobufWriter, _ name: String, _ shape: [Int], _ values: [Float]
  ) {
    precondition(
      values.count == shape.reduce(1, *), "\(name): \(values.count) values, shape \(shape)")
    graph.message(5) { tensor in
      tensor.packedIntegers(1, shape)
      tensor.integer(2, ElementKind.float.rawValue)
      tensor.string(8, name)
      tensor.floatBytes(9, values)
    }
  }

  private static func integers(_ graph: inout ProtobufWriter, _ name: String, _ values: [Int]) {
    graph.message(5) { tensor in
      tensor.packedIntegers(1, [values.count])
      tensor.integer(2, ElementKind.int64.rawValue)
      tensor.string(8, name)
      tensor.integerBytes(9, values)
    }
  }

  private enum Dimension {
    case fixed(Int)
    case open(String)
  }

  /// An input (field 11) or output (field 12) of the graph.
  private static func value(
    _ graph: inout ProtobufWriter, _ field: Int, _ name: String, _ kind: ElementKind,
    _ dimensions: [Dimension]
  ) {
    graph.message(field) { value in
      value.string(1, name)
      value.message(2) { type in
        type.message(1) { tensor in
          tensor.integer(1, kind.rawValue)
          tensor.message(2) { shape in
            for dimension in dimensions {
              shape.message(1) {
                switch dimension {
                case .fixed(let count): $0.integer(1, count)
                case .open(let name): $0.string(2, name)
                }
              }
            }
          }
        }
      }
    }
  }
}
