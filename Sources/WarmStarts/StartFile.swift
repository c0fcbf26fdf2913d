import Checkpoints
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Interchange
import Kernels
import Records
import Scoring
import Tasks

/// A model file of another library, or an export of ours, that a run starts from.
struct StartFile {
  let path: String
  let knowledge: ImportedKnowledge
  private let tensors: [NamedTensor]
  /// What `--vocabulary` says of its tokens, and what the file said instead.
  private let vocabulary: VocabularyFile?
  private let contradiction: String?

  init(_ request: StartRequest, for config: Config) throws {
    path = request.path
    do {
      tensors = try NamedTensor.read(path)
      var knowledge = ImportedKnowledge(
        metadata: try NamedTensor.metadata(of: path), tensors: tensors, path: path)
      let vocabulary = try VocabularyFile(request.vocabulary, for: config)
      contradiction = vocabulary.flatMap {
        knowledge.tokenizer?.difference(
          own: "'\(request.path)'", from: $0.tokenizer, of: "--vocabulary")
      }
      if let vocabulary { knowledge.tokenizer = vocabulary.tokenizer }
      (self.knowledge, self.vocabulary) = (knowledge, vocabulary)
    } catch let error as CheckpointError {
      if let words = ForeignFile(path)?.words(path: path) { throw UsageError("--from: \(words)") }
      throw UsageError("--from: \(error); expected a run, a checkpoint or a safetensors file")
    } catch let error as InterchangeError {
      throw UsageError("--from: \(error)")
    }
  }

  /// Whether Keras' layers have given the tensors their names.
  var isOfKeras: Bool { tensors.contains { $0.name.hasSuffix("recurrent_kernel") } }

  /// Finds the config's model in the file.
  ///
  /// - Parameter takesHead: whether the output layer is the file's.
  /// - Returns: the model, and what the file leaves open.
  func model(
    for target: ModelTarget, takesHead: Bool
  ) throws -> (model: SourceModel, assumptions: [String]) {
    try requireSameColumns(as: target)
    let tokenizer = knowledge.tokenizer ?? target.tokenizer
    let own = self.shape(for: target, takesHead: takesHead, tokens: tokenizer?.vocabularySize)
    // As the file numbers them.
    let shape =
      vocabulary.map { self.shape(for: target, takesHead: takesHead, tokens: $0.lineCount) }
      ?? own
    var found: ModelTensors
    do {
      let unknown =
        target.tokenizer == nil || vocabulary != nil ? nil : tokenizer?.unknown.map { Int($0) }
      try ModelTensors.requireOneOutputMatrix(shape)
      if isOfKeras {
        found = try KerasLayout.model(
          from: tensors, shape: shape, takesHead: takesHead, unknown: unknown, path: path)
      } else {
        let frame = takesHead ? target.frame : nil
        let scales = try frame?.scales(of: shape, config: target.config, path: path)
        found = try TorchLayout.model(
          from: tensors, shape: shape, takesHead: takesHead, scales: scales ?? DataScales(),
          unknown: unknown, path: path)
      }
      if let vocabulary { found = found.withTokens(vocabulary.rows, shape: own) }
      try found.requirePlaces(path: path)
    } catch let error as InterchangeError {
      throw UsageError(
        "--from \(error)"
          + (takesHead && knowledge.task == nil
            ? "; where the model is one of another task, add --new-head" : ""))
    }
    let model = SourceModel(
      path: path, shape: own, tokenizer: target.tokenizer == nil ? nil : tokenizer,
      frame: target.frame)
    unsafe found.write(to: model.arena.pointer, table: model.table)
    let assumed =
      knowledge.assumptions(for: target, takesHead: takesHead) + (vocabulary?.assumptions ?? [])
      + (contradiction.map { ["--vocabulary, although \($0)"] } ?? [])
    return (model, assumed + (knowledge.isOurs ? [] : found.assumptions))
  }

  /// Throws where the file says that other columns go in.
  private func requireSameColumns(as target: ModelTarget) throws(UsageError) {
    guard let frame = target.frame, let own = knowledge.columns, own != frame.columns else {
      return
    }
    throw UsageError(
      "--from \(path): it reads the columns \(DataFileError.list(own)), and "
        + "\(target.config.data.train) gives \(DataFileError.list(frame.columns)); "
        + "set data.columns")
  }

  /// The config's model with so many tokens.
  private func shape(for target: ModelTarget, takesHead: Bool, tokens: Int?) -> ModelShape {
    var shape = target.shape
    if !takesHead {
      (shape.adaptiveSoftmax, shape.sampledSoftmax, shape.tiesWeights) = (nil, nil, false)
    }
    guard target.tokenizer != nil, let size = tokens else { return shape }
    if shape.task.predictsInputTokens {
      shape.vocabularySize = size
    } else {
      shape.task.inputVocabularySize = size
    }
    return shape
  }
}
