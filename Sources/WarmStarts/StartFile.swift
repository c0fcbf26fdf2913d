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

  init(path: String) throws {
    self.path = path
    do {
      tensors = try NamedTensor.read(path)
      knowledge = ImportedKnowledge(
        metadata: try NamedTensor.metadata(of: path), tensors: tensors, path: path)
    } catch let error as CheckpointError {
      if let words = ForeignFile(path)?.words(path: path) { throw UsageError("--from: \(words)") }
      throw UsageError("--from: \(error); expected a run, a checkpoint or a safetensors file")
    } catch let error as InterchangeError {
      throw UsageError("--from: \(error)")
    }
  }

  /// Whether Keras' layers have given the tensors their names.
  private var isOfKeras: Bool { tensors.contains { $0.name.hasSuffix("recurrent_kernel") } }

  /// Finds the config's model in the file.
  ///
  /// - Parameter takesHead: whether the output layer is the file's.
  /// - Returns: the model, and what the file leaves open.
  func model(
    for target: ModelTarget, takesHead: Bool
  ) throws -> (model: SourceModel, assumptions: [String]) {
    try requireSameColumns(as: target)
    let shape = shape(for: target, takesHead: takesHead)
    let tokenizer = knowledge.tokenizer ?? target.tokenizer
    let found: ModelTensors
    do {
      let unknown = target.tokenizer == nil ? nil : tokenizer?.unknown.map { Int($0) }
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
      try found.requirePlaces(path: path)
    } catch let error as InterchangeError {
      throw UsageError("--from \(error)")
    }
    let model = SourceModel(
      path: path, shape: shape, tokenizer: target.tokenizer == nil ? nil : tokenizer,
      frame: target.frame)
    unsafe found.write(to: model.arena.pointer, table: model.table)
    let assumed = knowledge.assumptions(for: target)
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

  /// The config's model with the vocabulary of the file.
  private func shape(for target: ModelTarget, takesHead: Bool) -> ModelShape {
    var shape = target.shape
    if !takesHead {
      (shape.adaptiveSoftmax, shape.sampledSoftmax, shape.tiesWeights) = (nil, nil, false)
    }
    guard let known = target.tokenizer else { return shape }
    let size = (knowledge.tokenizer ?? known).vocabularySize
    if shape.task.predictsInputTokens {
      shape.vocabularySize = size
    } else {
      shape.task.inputVocabularySize = size
    }
    return shape
  }
}
