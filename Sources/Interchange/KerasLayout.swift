import Cells
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
  /// - Throws: for a model that does not read a token and predict the next.
  package static func tensors(of model: ModelTensors) throws(InterchangeError) -> [NamedTensor] {
    let shape = model.shape
    let layer = try layer(of: shape)
    let hidden = shape.hiddenSize
    let vocabulary = shape.vocabularySize
    let rows = layer.rows.count * hidden
    var tensors = [
      NamedTensor(
        "embedding.embeddings", [vocabulary, shape.embeddingSize], model["embedding.weight"])
    ]
    func kernel(_ name: String, _ source: String, inputs: Int) {
      let values = Rows.transposed(
        Rows.toForeign(model[source], layer), rows: rows, columns: inputs)
      tensors.append(NamedTensor(name, [inputs, rows], values))
    }
    for index in 0..<shape.layerCount {
      let prefix = "layers.\(index)"
      kernel(
        "\(prefix).kernel", "\(prefix).input.weight", inputs: shape.inputSize(ofLayer: index))
      kernel("\(prefix).recurrent_kernel", "\(prefix).recurrent.weight", inputs: hidden)
      if !shape.cell.recurrentBiasGates.isEmpty {
        let pair = model.biasPair(ofDirection: index)
        let both = [pair.input, pair.recurrent].flatMap {
          Rows.toForeign($0, layer)
        }
        tensors.append(NamedTensor("\(prefix).bias", [2, rows], both))
      } else {
        let bias = Rows.toForeign(model["\(prefix).bias"], layer)
        tensors.append(NamedTensor("\(prefix).bias", [rows], bias))
      }
    }
    let output = Rows.transposed(model["output.weight"], rows: vocabulary, columns: hidden)
    tensors.append(NamedTensor("output.kernel", [hidden, vocabulary], output))
    tensors.append(NamedTensor("output.bias", [vocabulary], model["output.bias"]))
    if shape.learnsInitialState {
      tensors += shape.cell.stateVectors.map {
        NamedTensor($0.initialName, [shape.layerCount, hidden], model.initialStates($0))
      }
    }
    return tensors
  }

  /// - Parameters:
  ///   - takesHead: whether the output layer is taken; else it is left, and that of the model is 0.
  ///   - unknown: the token that a file may have no rows for; nil for none.
  package static func model(
    from tensors: [NamedTensor], shape: ModelShape, takesHead: Bool = true, unknown: Int? = nil,
    path: String
  ) throws(InterchangeError) -> ModelTensors {
    let (named, layers) = KerasNames.renamed(tensors)
    var file = TensorFile(named, path: path)
    let layer = try layer(of: shape, isBody: !takesHead)
    let hidden = shape.hiddenSize
    let vocabulary = shape.inputVocabularySize
    let rows = layer.rows.count * hidden
    if file.names.contains(where: { $0.hasSuffix("weight_ih_l0") }) {
      throw file.failure("its tensors have the names of PyTorch; add --format torch")
    }
    try checkForm(file, shape: shape)
    var model = ModelTensors(shape: shape, values: [:])
    func weight(_ name: String, inputs: Int) throws(InterchangeError) -> [Float] {
      let kernel = try file.take(name, [inputs, rows])
      return Rows.fromForeign(
        Rows.transposed(kernel, rows: inputs, columns: rows), layer)
    }
    let lacks = file.shape(of: "embedding.embeddings")?.first == vocabulary - 1
    let row = lacks ? unknown.map { UnknownRow(token: $0) } : nil
    let tokens = row == nil ? vocabulary : vocabulary - 1
    try file.requireAllOrNone((0..<shape.layerCount).map { "layers.\($0).bias" })
    model.assumptions = assumptions(of: file, shape: shape)
    if let row { model.assumptions.append(row.words(isPredicted: true)) }
    if layers.count > 1 {
      model.assumptions.append("its layers follow each other as \(Cell.inWords(layers, "and"))")
    }
    let embedding = try file.take("embedding.embeddings", [tokens, shape.embeddingSize])
    model["embedding.weight"] =
      row?.inserted(into: embedding, columns: shape.embeddingSize) ?? embedding
    for index in 0..<shape.layerCount {
      let prefix = "layers.\(index)"
      model["\(prefix).input.weight"] = try weight(
        "\(prefix).kernel", inputs: shape.inputSize(ofLayer: index))
      model["\(prefix).recurrent.weight"] = try weight(
        "\(prefix).recurrent_kernel", inputs: hidden)
      if !shape.cell.recurrentBiasGates.isEmpty {
        let both = Rows.blocks(try file.takeOrZeros("\(prefix).bias", [2, rows]), 2)
          .map { Rows.fromForeign($0, layer) }
        model.setBiasPair(.init(input: both[0], recurrent: both[1]), ofDirection: index)
      } else {
        model["\(prefix).bias"] = Rows.fromForeign(
          try file.takeOrZeros("\(prefix).bias", [rows]), layer)
      }
    }
    if takesHead { try takeHead(&file, into: &model, tokens: tokens, row) }
    for vector in shape.cell.stateVectors {
      guard let name = try file.initialState(vector, of: shape) else { continue }
      model.setInitialStates(try file.take(name, [shape.layerCount, hidden]), of: vector)
    }
    if takesHead { try file.requireEmpty() } else { model.leaveHead(file.names) }
    return model
  }

  private static func takeHead(
    _ file: inout TensorFile, into model: inout ModelTensors, tokens: Int, _ row: UnknownRow?
  ) throws(InterchangeError) {
    let hidden = model.shape.hiddenSize
    let output = Rows.transposed(
      try file.take("output.kernel", [hidden, tokens]), rows: hidden, columns: tokens)
    model["output.weight"] = row?.inserted(into: output, columns: hidden) ?? output
    let bias = try file.takeOrZeros("output.bias", [tokens])
    model["output.bias"] =
      row?.inserted(into: bias, columns: 1, below: UnknownRow.drop) ?? bias
  }

  /// What the file leaves open.
  private static func assumptions(of file: TensorFile, shape: ModelShape) -> [String] {
    let gates = shape.cell == .rnn ? "" : " and their recurrent_activation is sigmoid"
    var assumptions = ["the layers' activation is tanh\(gates)"]
    if file.shape(of: "layers.0.bias") == nil {
      assumptions.append("the layers have no biases: they are 0")
      if let reset = shape.cell.choice.reset {
        assumptions.append(
          "the GRU resets \(reset) the recurrent product, as the config says; only biases could "
            + "prove it")
      }
    }
    if file.shape(of: "output.bias") == nil {
      assumptions.append("the output layer has no bias: it is 0")
    }
    return assumptions
  }

  /// - Throws: for a model that does not read a token and predict the next, and where Keras has no
  ///   layer for the cell.
  ///
  /// - Parameter isBody: whether only what reads tokens counts.
  private static func layer(
    of shape: ModelShape, isBody: Bool = false
  ) throws(InterchangeError) -> ForeignLayer.Layer {
    guard isBody ? shape.task.input == .tokens : shape.task.predictsInputTokens,
      !shape.isBidirectional
    else {
      throw InterchangeError(
        "Keras' layers are written and read for models that read a token and predict the next, and "
          + "this one does not; use --format torch, or onnx to export")
    }
    switch shape.cell.keras {
    case .layer(let layer): return layer
    case .missing(let reason): throw InterchangeError(reason.export)
    }
  }

  /// Throws where the bias shows that the file's GRU resets elsewhere than the config's.
  private static func checkForm(
    _ file: TensorFile, shape: ModelShape
  ) throws(InterchangeError) {
    guard let reset = shape.cell.choice.reset, let bias = file.shape(of: "layers.0.bias") else {
      return
    }
    let form = bias.count == 2 ? "after" : "before"
    guard form != reset else { return }
    throw file.failure(
      "'layers.0.bias' has shape \(bias), which is that of a GRU that resets \(form); add --set "
        + "model.reset=\(form)")
  }
}
