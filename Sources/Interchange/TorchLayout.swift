import Cells
package import GRUCore

/// The tensors of `nn.Embedding`, `nn.GRU`, `nn.RNN` or `nn.LSTM`, and `nn.Linear`, as a state dict
/// names them. A model of real inputs has no embedding, and where its task scales them
/// (`DataScales`) 64-bit vectors `input_mean` and `input_deviation`; one that forecasts has
/// `target_mean` and `target_deviation` too.
///
/// PyTorch has two biases a layer; its GRU stacks the gates r, z, n, and resets after the recurrent
/// product: n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h' = (1 − z) ⊙ n + z ⊙ h.
package enum TorchLayout {
  /// The state dict of a module with members `embedding`, `rnn` and `output`, and for a model that
  /// learned the state it starts from a parameter `initial_state` [D L, 1, H].
  ///
  /// - Throws: for a GRU that resets before.
  package static func tensors(of model: ModelTensors) throws(InterchangeError) -> [NamedTensor] {
    let shape = model.shape
    let layer = try layer(of: shape)
    let hidden = shape.hiddenSize
    let rows = layer.rows.count * hidden
    // First, so that they stand at multiples of their size.
    var tensors = model.scales.vectors.map { name, values in
      NamedTensor(name, [values.count], doubles: values)
    }
    if shape.task.readsTokens {
      tensors.append(
        NamedTensor(
          "embedding.weight", [shape.inputVocabularySize, shape.embeddingSize],
          model["embedding.weight"]))
    }
    for direction in 0..<shape.layerDirectionCount {
      let prefix = shape.prefix(ofDirection: direction)
      let inputs = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
      let biases = model.biasPair(ofDirection: direction)
      let ours: [(String, [Int], [Float])] = [
        ("weight_ih", [rows, inputs], model["\(prefix).input.weight"]),
        ("weight_hh", [rows, hidden], model["\(prefix).recurrent.weight"]),
        ("bias_ih", [rows], biases.input), ("bias_hh", [rows], biases.recurrent),
      ]
      tensors += ours.map { name, size, values in
        NamedTensor(
          "rnn.\(name)\(suffix(direction, shape))", size, Rows.toForeign(values, layer))
      }
    }
    tensors.append(
      NamedTensor(
        "output.weight", [shape.vocabularySize, shape.featureSize], model["output.weight"]))
    tensors.append(NamedTensor("output.bias", [shape.vocabularySize], model["output.bias"]))
    if shape.learnsInitialState {
      tensors += shape.cell.stateVectors.map { vector in
        NamedTensor(
          vector.initialName, [shape.layerDirectionCount, 1, hidden],
          model.initialStates(vector))
      }
    }
    return tensors
  }

  /// - Throws: where PyTorch has no layer for the cell, saying what else there is.
  private static func layer(of shape: ModelShape) throws(InterchangeError) -> ForeignLayer.Layer {
    switch shape.cell.torch {
    case .layer(let layer): return layer
    case .missing(let reason):
      let formats =
        (shape.cell.onnx.layer == nil ? [] : ["onnx"])
        + (shape.task.predictsInputTokens && shape.cell.keras.layer != nil ? ["keras"] : [])
      let ways =
        (formats.isEmpty ? [] : ["export it with --format \(Cell.inWords(formats))"])
        + (reason.change.map { ["train with \($0)"] } ?? [])
      throw InterchangeError(
        reason.export + (ways.isEmpty ? "" : "; " + ways.joined(separator: ", or ")))
    }
  }

  /// What PyTorch's names of a direction's tensors end with.
  private static func suffix(_ direction: Int, _ shape: ModelShape) -> String {
    "_l\(shape.layer(ofDirection: direction))" + (shape.isReversed(direction) ? "_reverse" : "")
  }

  /// Finds a model of the given shape in a state dict, whatever its module calls its members. Where
  /// the file says how inputs and targets are scaled, that must be `scales`.
  ///
  /// - Parameters:
  ///   - takesHead: whether the output layer is taken; else it is left, and that of the model is 0.
  ///   - unknown: the token that a file may have no rows for; nil for none.
  package static func model(
    from tensors: [NamedTensor], shape: ModelShape, takesHead: Bool = true,
    scales: DataScales = DataScales(), unknown: Int? = nil, path: String
  ) throws(InterchangeError) -> ModelTensors {
    var file = TensorFile(tensors, path: path)
    if !takesHead { file.dropScales() }
    let prefix = try recurrentPrefix(file)
    let layer: ForeignLayer.Layer
    switch shape.cell.torch {
    case .layer(let found): layer = found
    case .missing(let reason):
      throw file.failure(
        reason.importing + (reason.change.map { "; add --set \($0)" } ?? ""))
    }
    try checkSizes(file, prefix: prefix, shape: shape)
    let hidden = shape.hiddenSize
    let rows = layer.rows.count * hidden
    var model = ModelTensors(shape: shape, values: [:])
    model.scales = scales
    for (name, values) in scales.vectors {
      try file.takeEqual(
        name, values,
        meaning: "it is of other training data, or other columns of them, than the config's, or of "
          + "a model of version 1 of the numeric contract (run.contract_version=1)")
    }
    if scales.inputs == nil, let name = file.name(endingIn: "input_mean") {
      throw file.failure(
        "'\(name)' is of a model that normalises its inputs, and the config takes them as they "
          + "are; set data.normalize=true")
    }
    model.assumptions = assumptions(of: file, prefix: prefix, shape: shape, takesHead: takesHead)
    try file.requireAllOrNone(
      (0..<shape.layerDirectionCount).flatMap { direction in
        ["ih", "hh"].map { "\(prefix)bias_\($0)\(suffix(direction, shape))" }
      })
    for direction in 0..<shape.layerDirectionCount {
      let inputs = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
      let suffix = suffix(direction, shape)
      let ours = shape.prefix(ofDirection: direction)
      model["\(ours).input.weight"] = Rows.fromForeign(
        try file.take("\(prefix)weight_ih\(suffix)", [rows, inputs]), layer)
      model["\(ours).recurrent.weight"] = Rows.fromForeign(
        try file.take("\(prefix)weight_hh\(suffix)", [rows, hidden]), layer)
      let input = try file.takeOrZeros("\(prefix)bias_ih\(suffix)", [rows])
      let recurrent = try file.takeOrZeros("\(prefix)bias_hh\(suffix)", [rows])
      let pair = ModelTensors.BiasPair(
        input: Rows.fromForeign(input, layer),
        recurrent: Rows.fromForeign(recurrent, layer))
      model.setBiasPair(pair, ofDirection: direction)
    }
    for vector in shape.cell.stateVectors {
      guard let name = try file.initialState(vector, of: shape) else { continue }
      model.setInitialStates(
        try file.take(name, [shape.layerDirectionCount, 1, hidden]), of: vector)
    }
    if takesHead {
      try takeEnds(&file, into: &model, unknown: unknown)
      try file.requireEmpty()
    } else {
      try takeEmbedding(&file, into: &model, unknown: unknown)
      model.leaveHead(file.names)
    }
    return model
  }

  /// What the file leaves open.
  private static func assumptions(
    of file: TensorFile, prefix: String, shape: ModelShape, takesHead: Bool
  ) -> [String] {
    var assumptions: [String] = []
    if shape.cell == .rnn {
      assumptions.append("the layers' nonlinearity is tanh, not relu")
    }
    if file.shape(of: "\(prefix)bias_ih_l0") == nil {
      assumptions.append("the layers have no biases: they are 0")
    }
    switch shape.task.readout {
    case .every: break
    case _ where !takesHead: break
    case .last:
      assumptions.append(
        "the output layer reads the state after the last step"
          + (shape.isBidirectional ? " of each direction" : "") + ", as output.readout says")
    case .mean:
      assumptions.append("the output layer reads the mean of all states, as output.readout says")
    }
    return assumptions
  }

  /// What stands before "weight_ih_l0" in the only recurrent module.
  private static func recurrentPrefix(_ file: TensorFile) throws(InterchangeError) -> String {
    let suffix = "weight_ih_l0"
    let found = file.names.filter { $0.hasSuffix(suffix) }
    guard found.count == 1 else {
      let single = file.names.first { $0.hasSuffix("weight_ih") }
      let hint = single.map {
        "; '\($0)' is of a single step (GRUCell and its kin), whose tensors have the same meaning: "
          + "rename each by a final _l0"
      }
      let others = ", and one module with several layers is all that can be taken"
      let isKeras = file.names.contains { $0.hasSuffix("recurrent_kernel") }
      if isKeras { throw file.failure("its tensors have the names of Keras; add --format keras") }
      throw file.failure(
        "expected one tensor named '...\(suffix)', of "
          + Cell.inWords(Cell.torchCells.map { "torch.nn.\($0.layer.name)" })
          + ", found \(found.count)" + (found.isEmpty ? hint ?? "" : others)
          + "; \(file.contents)")
    }
    return String(found[0].dropLast(suffix.count))
  }

  /// Throws where the recurrent module is another one than the config's, saying what to set.
  private static func checkSizes(
    _ file: TensorFile, prefix: String, shape: ModelShape
  ) throws(InterchangeError) {
    if file.shape(of: "\(prefix)weight_hr_l0") != nil {
      throw file.failure(
        "'\(prefix)weight_hr_l0' projects the hidden vector (proj_size), which no cell of gru-dist "
          + "does; train the LSTM without it")
    }
    guard let recurrent = file.shape(of: "\(prefix)weight_hh_l0"), recurrent.count == 2,
      recurrent[1] > 0, let input = file.shape(of: "\(prefix)weight_ih_l0"), input.count == 2
    else {
      throw file.failure("'\(prefix)weight_ih_l0' has no '\(prefix)weight_hh_l0' beside it")
    }
    let reverse = file.names.first { $0.hasSuffix("_reverse") }
    if let reverse, shape.task.readout == .every, shape.task.looksAhead {
      throw file.failure(
        "'\(reverse)' is of a bidirectional layer, which a model that predicts what comes next "
          + "cannot have")
    }
    let layers = file.names.filter {
      $0.hasPrefix("\(prefix)weight_hh_l") && !$0.hasSuffix("_reverse")
    }.count
    let gates = recurrent[0] / recurrent[1]
    let found = Cell.torchCells.first { $0.layer.rows.count == gates }
    guard let found, recurrent[0] == gates * recurrent[1] else {
      let known = Cell.torchCells.map { layer, _ in
        "[\(layer.rows.count == 1 ? "" : "\(layer.rows.count) ")H, H] of \(layer.article) "
          + layer.name
      }
      throw file.failure(
        "'\(prefix)weight_hh_l0' has shape \(recurrent), expected \(Cell.inWords(known))")
    }
    let readsTokens = shape.task.readsTokens
    let embedding =
      "\(readsTokens ? input[1] - shape.valueSize : shape.embeddingSize)"
    let wanted: [(key: String, config: String, file: String)] = [
      ("cell", shape.cell.choice.cell, found.cell.choice.cell),
      ("hidden", "\(shape.hiddenSize)", "\(recurrent[1])"),
      ("embedding", "\(shape.embeddingSize)", embedding),
      ("layers", "\(shape.layerCount)", "\(layers)"),
      ("bidirectional", "\(shape.isBidirectional)", "\(reverse != nil)"),
    ]
    let changes = wanted.filter { $0.config != $0.file }
    guard changes.isEmpty else {
      let differences = changes.map {
        "model.\($0.key) is \($0.config) and the file has \($0.file)"
      }
      throw file.failure(
        "\(differences.joined(separator: ", ")); add "
          + changes.map { "--set model.\($0.key)=\($0.file)" }.joined(separator: " "))
    }
    guard readsTokens || input[1] == shape.embeddingSize else {
      throw file.failure(
        "'\(prefix)weight_ih_l0' reads \(input[1]) columns, and the config's data have "
          + "\(shape.embeddingSize); take the data that the model was made for, or set "
          + "data.columns")
    }
  }
}
