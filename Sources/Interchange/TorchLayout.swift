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
    model.assumptions = assumptions(of: file, prefix: prefix, shape: shape)
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
    of file: TensorFile, prefix: String, shape: ModelShape
  ) -> [String] {
    var assumptions: [String] = []
    if shape.cell == .rnn {
      assumptions.append("the layers' nonlinearity is tanh, not relu")
    }
    if file.shape(of: "\(prefix)bias_ih_l0") == nil {
      assumptions.append("the layers have no biases: they are 0")
    }
    return assumptions
  }

  /// Takes the embedding alone, with a row for `unknown` where it has none.
  private static func takeEmbedding(
    _ file: inout TensorFile, into model: inout ModelTensors, unknown: Int?
  ) throws(InterchangeError) {
    let shape = model.shape
    guard shape.task.readsTokens else { return }
    let rows = shape.inputVocabularySize
    let sizes = [rows, rows - 1].map { [$0, shape.embeddingSize] }
    guard let name = file.only(.embedding, of: file.matrices, shapes: sizes),
      let found = file.shape(of: name), found == sizes[0] || unknown != nil && found == sizes[1]
    else {
      throw file.failure(
        "expected an embedding \(sizes[0]) beside the recurrent layers; \(file.contents)")
    }
    let row = found == sizes[1] ? unknown.map { UnknownRow(token: $0) } : nil
    if let row { model.assumptions.append(row.words) }
    let values = try file.take(name, found)
    model["embedding.weight"] =
      row?.inserted(into: values, columns: shape.embeddingSize) ?? values
  }

  /// Takes embedding and output layer, with a row for `unknown` where both have none.
  private static func takeEnds(
    _ file: inout TensorFile, into model: inout ModelTensors, unknown: Int?
  ) throws(InterchangeError) {
    let shape = model.shape
    let lackable = shape.task.readsTokens ? unknown : nil
    let ends = try embeddingAndOutput(file, shape: shape, mayLack: lackable != nil)
    let (inputs, outputs) = (shape.inputVocabularySize, shape.vocabularySize)
    let found = ends.embedding.flatMap { file.shape(of: $0)?.first }
    let row = found == inputs - 1 ? lackable.map { UnknownRow(token: $0) } : nil
    let outputRow = shape.task.predictsInputTokens ? row : nil
    if let row { model.assumptions.append(row.words) }
    func take(
      _ name: String, _ rows: Int, _ columns: [Int], _ row: UnknownRow?, below drop: Float = 0
    ) throws(InterchangeError) -> [Float] {
      let values = try file.take(name, [row == nil ? rows : rows - 1] + columns)
      return row?.inserted(into: values, columns: columns.first ?? 1, below: drop) ?? values
    }
    if let name = ends.embedding {
      model["embedding.weight"] = try take(name, inputs, [shape.embeddingSize], row)
    }
    model["output.weight"] =
      ends.output == ends.embedding
      ? model["embedding.weight"]
      : try take(ends.output, outputs, [shape.featureSize], outputRow)
    let bias = outputBias(file, outputs: outputRow == nil ? outputs : outputs - 1)
    if let bias {
      model["output.bias"] = try take(bias, outputs, [], outputRow, below: UnknownRow.drop)
    } else {
      model.assumptions.append("the output layer has no bias: it is 0")
      let zeros = [Float](repeating: 0, count: outputs - (outputRow == nil ? 0 : 1))
      model["output.bias"] =
        outputRow?.inserted(into: zeros, columns: 1, below: UnknownRow.drop) ?? zeros
    }
  }

  /// What stands before "weight_ih_l0" in the only recurrent module.
  private static func recurrentPrefix(_ file: TensorFile) throws(InterchangeError) -> String {
    let suffix = "weight_ih_l0"
    let found = file.names.filter { $0.hasSuffix(suffix) }
    guard found.count == 1 else {
      throw file.failure(
        "expected one tensor named '...\(suffix)', of "
          + Cell.inWords(Cell.torchCells.map { "torch.nn.\($0.layer.name)" })
          + ", found \(found.count); \(file.contents)")
    }
    return String(found[0].dropLast(suffix.count))
  }

  /// Throws where the recurrent module is another one than the config's, saying what to set.
  private static func checkSizes(
    _ file: TensorFile, prefix: String, shape: ModelShape
  ) throws(InterchangeError) {
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

  /// The name of the output layer's bias among what is left.
  private static func outputBias(_ file: TensorFile, outputs: Int) -> String? {
    let biases = file.names.filter { file.shape(of: $0) == [outputs] }
    return biases.count == 1 ? biases[0] : file.only(.output, of: biases, shapes: [])
  }

  /// The name of the output layer's matrix of a model of real inputs.
  private static func onlyOutput(
    _ file: TensorFile, shape: ModelShape
  ) throws(InterchangeError) -> String {
    let matrices = file.matrices
    let wanted = [shape.vocabularySize, shape.featureSize]
    let name =
      matrices.count == 1 ? matrices[0] : file.only(.output, of: matrices, shapes: [wanted])
    guard let name, let found = file.shape(of: name) else {
      throw file.failure(
        "expected one matrix \(wanted) beside the recurrent layers, that of the output layer; "
          + file.contents)
    }
    guard found[0] == shape.vocabularySize else {
      throw file.failure(
        "'\(name)' has \(found[0]) outputs, and the config's task and data ask for "
          + "\(shape.vocabularySize); take the data that the model was made for")
    }
    return name
  }

  /// The names of the embedding and the output weight among what is left: by whole words of their
  /// names, then by their shapes. Tied weights are one tensor of either name.
  private static func embeddingAndOutput(
    _ file: TensorFile, shape: ModelShape, mayLack: Bool
  ) throws(InterchangeError) -> (embedding: String?, output: String) {
    if !shape.task.readsTokens { return (nil, try onlyOutput(file, shape: shape)) }
    let (inputs, outputs) = (shape.inputVocabularySize, shape.vocabularySize)
    func shapes(_ rows: Int, _ columns: Int) -> [[Int]] {
      [[rows, columns]] + (mayLack ? [[rows - 1, columns]] : [])
    }
    let matrices = file.matrices
    let mayTie = shape.embeddingSize == shape.featureSize
    let embedding =
      mayTie && matrices.count == 1
      ? matrices[0]
      : file.only(.embedding, of: matrices, shapes: shapes(inputs, shape.embeddingSize))
    let others = matrices.filter { $0 != embedding }
    let output =
      file.only(.output, of: others, shapes: shapes(outputs, shape.featureSize))
      ?? (mayTie ? embedding : nil)
    guard let embedding, let output else {
      throw file.failure(
        "expected an embedding \([inputs, shape.embeddingSize]) and an output layer "
          + "\([outputs, shape.featureSize]) beside the recurrent layers, and neither names (such "
          + "as \"embedding\", \"encoder\", \"output\" or \"decoder\") nor shapes say which is "
          + "which; \(file.contents)")
    }
    if let found = file.shape(of: embedding), found[0] != inputs,
      !(mayLack && found[0] == inputs - 1)
    {
      throw file.failure(
        "'\(embedding)' has \(found[0]) tokens, and the config's tokenizer has \(inputs); use the "
          + "text and tokenizer that the model was made for")
    }
    return (embedding, output)
  }
}
