package import GRUCore

/// The weights of Keras' `Embedding`, `GRU` or `SimpleRNN`, and `Dense` layers, under the names
/// `embedding.embeddings`, `layers.0.kernel`, `layers.0.recurrent_kernel`, `layers.0.bias`, ...,
/// `output.kernel`, `output.bias`: those of one layer are, in this order, what its `set_weights`
/// takes and its `get_weights` gives. `initial_state` [L, H] is there where a model learned it.
///
/// Keras multiplies from the left, so that matrices are [inputs, outputs], stacks the gates z, r,
/// h, and keeps the previous hidden vector by weight z. With `reset_after` a GRU has a bias [2, 3
/// H], without it one of [3 H].
package enum KerasLayout {
  /// - Throws: for another model than a language model.
  package static func tensors(of model: ModelTensors) throws(InterchangeError) -> [NamedTensor] {
    let shape = model.shape
    try requireLanguageModel(shape)
    let hidden = shape.hiddenSize
    let vocabulary = shape.vocabularySize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    var tensors = [
      NamedTensor(
        "embedding.embeddings", [vocabulary, shape.embeddingSize], model["embedding.weight"])
    ]
    func kernel(_ name: String, _ source: String, inputs: Int) {
      let flipped = Rows.flippingUpdateGate(model[source], gates: gates)
      let values = Rows.transposed(flipped, rows: rows, columns: inputs)
      tensors.append(NamedTensor(name, [inputs, rows], values))
    }
    for layer in 0..<shape.layerCount {
      let prefix = "layers.\(layer)"
      kernel(
        "\(prefix).kernel", "\(prefix).input.weight", inputs: shape.inputSize(ofLayer: layer))
      kernel("\(prefix).recurrent_kernel", "\(prefix).recurrent.weight", inputs: hidden)
      if shape.cell == .gruResetAfter {
        let pair = model.biasPair(ofDirection: layer)
        let both = [pair.input, pair.recurrent].flatMap {
          Rows.flippingUpdateGate($0, gates: gates)
        }
        tensors.append(NamedTensor("\(prefix).bias", [2, rows], both))
      } else {
        let bias = Rows.flippingUpdateGate(model["\(prefix).bias"], gates: gates)
        tensors.append(NamedTensor("\(prefix).bias", [rows], bias))
      }
    }
    let output = Rows.transposed(model["output.weight"], rows: vocabulary, columns: hidden)
    tensors.append(NamedTensor("output.kernel", [hidden, vocabulary], output))
    tensors.append(NamedTensor("output.bias", [vocabulary], model["output.bias"]))
    if shape.learnsInitialState {
      tensors.append(
        NamedTensor("initial_state", [shape.layerCount, hidden], model.initialStates))
    }
    return tensors
  }

  package static func model(
    from tensors: [NamedTensor], shape: ModelShape, path: String
  ) throws(InterchangeError) -> ModelTensors {
    var file = TensorFile(tensors, path: path)
    try requireLanguageModel(shape)
    let hidden = shape.hiddenSize
    let vocabulary = shape.vocabularySize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    try checkForm(file, shape: shape)
    var model = ModelTensors(shape: shape, values: [:])
    func weight(_ name: String, inputs: Int) throws(InterchangeError) -> [Float] {
      let kernel = try file.take(name, [inputs, rows])
      return Rows.flippingUpdateGate(
        Rows.transposed(kernel, rows: inputs, columns: rows), gates: gates)
    }
    model["embedding.weight"] = try file.take(
      "embedding.embeddings", [vocabulary, shape.embeddingSize])
    for layer in 0..<shape.layerCount {
      let prefix = "layers.\(layer)"
      model["\(prefix).input.weight"] = try weight(
        "\(prefix).kernel", inputs: shape.inputSize(ofLayer: layer))
      model["\(prefix).recurrent.weight"] = try weight(
        "\(prefix).recurrent_kernel", inputs: hidden)
      if shape.cell == .gruResetAfter {
        let both = Rows.blocks(try file.takeOrZeros("\(prefix).bias", [2, rows]), 2)
          .map { Rows.flippingUpdateGate($0, gates: gates) }
        model.setBiasPair(.init(input: both[0], recurrent: both[1]), ofDirection: layer)
      } else {
        model["\(prefix).bias"] = Rows.flippingUpdateGate(
          try file.takeOrZeros("\(prefix).bias", [rows]), gates: gates)
      }
    }
    let output = try file.take("output.kernel", [hidden, vocabulary])
    model["output.weight"] = Rows.transposed(output, rows: hidden, columns: vocabulary)
    model["output.bias"] = try file.takeOrZeros("output.bias", [vocabulary])
    if let name = try file.initialState(of: shape) {
      model.setInitialStates(try file.take(name, [shape.layerCount, hidden]))
    }
    try file.requireEmpty()
    return model
  }

  private static func requireLanguageModel(_ shape: ModelShape) throws(InterchangeError) {
    guard shape.task == TaskShape(), !shape.isBidirectional else {
      throw InterchangeError(
        "Keras' layers are written and read for language models only, and the model is of another "
          + "task; use --format torch, or onnx to export")
    }
  }

  /// Throws where the bias shows that the file's GRU resets elsewhere than the config's.
  private static func checkForm(
    _ file: TensorFile, shape: ModelShape
  ) throws(InterchangeError) {
    guard shape.cell != .rnn, let bias = file.shape(of: "layers.0.bias") else { return }
    let form = bias.count == 2 ? "after" : "before"
    guard (form == "after") != (shape.cell == .gruResetAfter) else { return }
    throw file.failure(
      "'layers.0.bias' has shape \(bias), which is that of a GRU that resets \(form); add --set "
        + "model.reset=\(form)")
  }
}
