package import GRUCore

/// The tensors of `nn.Embedding`, `nn.GRU` or `nn.RNN`, and `nn.Linear`, as a state dict names
/// them.
///
/// PyTorch stacks the gates r, z, n, has two biases a layer, and resets after the recurrent
/// product: n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn)), h' = (1 − z) ⊙ n + z ⊙ h.
package enum TorchLayout {
  /// The state dict of a module with members `embedding`, `rnn` and `output`, and for a model that
  /// learned the state it starts from a parameter `initial_state` [L, 1, H].
  ///
  /// - Throws: for a GRU that resets before.
  package static func tensors(of model: ModelTensors) throws(InterchangeError) -> [NamedTensor] {
    let shape = model.shape
    guard shape.cell != .gruResetBefore else {
      throw InterchangeError(
        "torch.nn.GRU resets after the recurrent product and this model resets before it (config "
          + "model.reset is \"before\"), so PyTorch has no layer for it; export it with --format "
          + "onnx or keras, or train with model.reset=after")
    }
    let hidden = shape.hiddenSize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    var tensors = [
      NamedTensor(
        "embedding.weight", [shape.vocabularySize, shape.embeddingSize], model["embedding.weight"])
    ]
    for layer in 0..<shape.layerCount {
      let inputs = shape.inputSize(ofLayer: layer)
      let biases = model.biasPair(ofLayer: layer)
      let ours: [(String, [Int], [Float])] = [
        ("weight_ih", [rows, inputs], model["layers.\(layer).input.weight"]),
        ("weight_hh", [rows, hidden], model["layers.\(layer).recurrent.weight"]),
        ("bias_ih", [rows], biases.input), ("bias_hh", [rows], biases.recurrent),
      ]
      tensors += ours.map { name, shape, values in
        NamedTensor("rnn.\(name)_l\(layer)", shape, Rows.toTorch(values, gates: gates))
      }
    }
    tensors.append(
      NamedTensor("output.weight", [shape.vocabularySize, hidden], model["output.weight"]))
    tensors.append(NamedTensor("output.bias", [shape.vocabularySize], model["output.bias"]))
    if shape.learnsInitialState {
      tensors.append(
        NamedTensor("initial_state", [shape.layerCount, 1, hidden], model.initialStates))
    }
    return tensors
  }

  /// Finds a model of the given shape in a state dict, whatever its module calls its members.
  package static func model(
    from tensors: [NamedTensor], shape: ModelShape, path: String
  ) throws(InterchangeError) -> ModelTensors {
    var file = TensorFile(tensors, path: path)
    let prefix = try recurrentPrefix(file)
    guard shape.cell != .gruResetBefore else {
      throw file.failure(
        "torch.nn.GRU resets after the recurrent product, and model.reset is \"before\"; add "
          + "--set model.reset=after")
    }
    try checkSizes(file, prefix: prefix, shape: shape)
    let hidden = shape.hiddenSize
    let gates = shape.cell.gateCount
    let rows = gates * hidden
    var model = ModelTensors(shape: shape, values: [:])
    for layer in 0..<shape.layerCount {
      let inputs = shape.inputSize(ofLayer: layer)
      model["layers.\(layer).input.weight"] = Rows.fromTorch(
        try file.take("\(prefix)weight_ih_l\(layer)", [rows, inputs]), gates: gates)
      model["layers.\(layer).recurrent.weight"] = Rows.fromTorch(
        try file.take("\(prefix)weight_hh_l\(layer)", [rows, hidden]), gates: gates)
      let input = try file.takeOrZeros("\(prefix)bias_ih_l\(layer)", [rows])
      let recurrent = try file.takeOrZeros("\(prefix)bias_hh_l\(layer)", [rows])
      let pair = ModelTensors.BiasPair(
        input: Rows.fromTorch(input, gates: gates),
        recurrent: Rows.fromTorch(recurrent, gates: gates))
      model.setBiasPair(pair, ofLayer: layer)
    }
    if let name = try file.initialState(of: shape) {
      model.setInitialStates(try file.take(name, [shape.layerCount, 1, hidden]))
    }
    let ends = try embeddingAndOutput(file, shape: shape)
    let vocabulary = shape.vocabularySize
    model["embedding.weight"] = try file.take(ends.embedding, [vocabulary, shape.embeddingSize])
    model["output.weight"] =
      ends.output == ends.embedding
      ? model["embedding.weight"] : try file.take(ends.output, [vocabulary, hidden])
    model["output.bias"] =
      try ends.bias.map { name throws(InterchangeError) in
        try file.take(name, [vocabulary])
      } ?? [Float](repeating: 0, count: vocabulary)
    try file.requireEmpty()
    return model
  }

  /// What stands before "weight_ih_l0" in the only recurrent module.
  private static func recurrentPrefix(_ file: TensorFile) throws(InterchangeError) -> String {
    let suffix = "weight_ih_l0"
    let found = file.names.filter { $0.hasSuffix(suffix) }
    guard found.count == 1 else {
      throw file.failure(
        "expected one tensor named '...\(suffix)', of torch.nn.GRU or torch.nn.RNN, found "
          + "\(found.count); \(file.contents)")
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
    if let reverse = file.names.first(where: { $0.hasSuffix("_reverse") }) {
      throw file.failure(
        "'\(reverse)' is of a bidirectional layer, which a language model cannot be")
    }
    let layers = file.names.filter { $0.hasPrefix("\(prefix)weight_hh_l") }.count
    let gates = recurrent[0] / recurrent[1]
    guard gates == 1 || gates == 3, recurrent[0] == gates * recurrent[1] else {
      throw file.failure(
        "'\(prefix)weight_hh_l0' has shape \(recurrent), expected [3 H, H] of a GRU or [H, H] of "
          + "an RNN" + (gates == 4 ? "; an LSTM cannot be imported" : ""))
    }
    let wanted: [(key: String, config: String, file: String)] = [
      ("cell", shape.cell == .rnn ? "rnn" : "gru", gates == 1 ? "rnn" : "gru"),
      ("hidden", "\(shape.hiddenSize)", "\(recurrent[1])"),
      ("embedding", "\(shape.embeddingSize)", "\(input[1])"),
      ("layers", "\(shape.layerCount)", "\(layers)"),
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
  }

  /// The names of the embedding, the output weight and its bias among what is left. Tied weights
  /// are one tensor of either name.
  private static func embeddingAndOutput(
    _ file: TensorFile, shape: ModelShape
  ) throws(InterchangeError) -> (embedding: String, output: String, bias: String?) {
    let matrices = file.names.filter { file.shape(of: $0)?.count == 2 }
    let isTied = matrices.count == 1 && shape.embeddingSize == shape.hiddenSize
    let embeddings =
      isTied
      ? matrices
      : matrices.filter { name in
        ["emb", "encoder", "wte"].contains { name.lowercased().contains($0) }
      }
    let others = matrices.filter { $0 != embeddings.first }
    guard embeddings.count == 1, isTied || others.count == 1 else {
      throw file.failure(
        "expected an embedding (its name has \"emb\", \"encoder\" or \"wte\" in it) and an output "
          + "layer beside the recurrent layers; \(file.contents)")
    }
    if let found = file.shape(of: embeddings[0]), found[0] != shape.vocabularySize {
      throw file.failure(
        "'\(embeddings[0])' has \(found[0]) tokens, and the config's tokenizer has "
          + "\(shape.vocabularySize); use the text and tokenizer that the model was made for")
    }
    let biases = file.names.filter { file.shape(of: $0) == [shape.vocabularySize] }
    return (embeddings[0], others.first ?? embeddings[0], biases.count == 1 ? biases[0] : nil)
  }
}
