import GRUCore

/// Embedding and output layer, whatever a module calls them.
extension TorchLayout {
  /// Takes the embedding alone, with a row for `unknown` where it has none.
  static func takeEmbedding(
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
    if let row { model.assumptions.append(row.words(isPredicted: false)) }
    let values = try file.take(name, found)
    model["embedding.weight"] =
      row?.inserted(into: values, columns: shape.embeddingSize) ?? values
  }

  /// Takes embedding and output layer, with a row for `unknown` where both have none.
  static func takeEnds(
    _ file: inout TensorFile, into model: inout ModelTensors, unknown: Int?
  ) throws(InterchangeError) {
    let shape = model.shape
    let lackable = shape.task.readsTokens ? unknown : nil
    let ends = try embeddingAndOutput(file, shape: shape, mayLack: lackable != nil)
    let (inputs, outputs) = (shape.inputVocabularySize, shape.vocabularySize)
    let found = ends.embedding.flatMap { file.shape(of: $0)?.first }
    let row = found == inputs - 1 ? lackable.map { UnknownRow(token: $0) } : nil
    let outputRow = shape.task.predictsInputTokens ? row : nil
    if let row {
      let isPredicted = outputRow != nil
      model.assumptions.append(row.words(isPredicted: isPredicted))
    }
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
    if shape.task.predictsInputTokens, let (read, told) = rowCounts(file, embedding, output),
      read != told
    {
      throw file.failure(
        "'\(embedding)' has \(read) tokens and '\(output)' \(told), and a model of one vocabulary "
          + "reads and predicts the same")
    }
    return (embedding, output)
  }

  private static func rowCounts(
    _ file: TensorFile, _ first: String, _ second: String
  ) -> (Int, Int)? {
    guard let first = file.shape(of: first)?.first, let second = file.shape(of: second)?.first
    else { return nil }
    return (first, second)
  }
}
