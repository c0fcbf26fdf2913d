import Cells
import Checkpoints
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

/// A trained model that another one starts from, with its parameters in memory.
final class SourceModel {
  let path: String
  let shape: ModelShape
  let table: ParameterTable
  /// Nil where it reads no text.
  let tokenizer: Tokenizer?
  let frame: TaskFrame?
  let arena: AlignedBuffer

  init(path: String, shape: ModelShape, tokenizer: Tokenizer?, frame: TaskFrame?) {
    self.path = path
    self.shape = shape
    self.tokenizer = tokenizer
    self.frame = frame
    table = ParameterTable(shape: shape)
    arena = AlignedBuffer(count: table.elementCount)
  }

  /// Reads the parameters that a checkpoint's model is used with: their running mean where the run
  /// kept one.
  convenience init(_ model: LoadedModel) throws {
    self.init(
      path: model.checkpoint.path, shape: model.shape,
      tokenizer: model.task.hasTokenizer ? model.tokenizer : nil, frame: model.frame)
    unsafe try model.readParameters(into: arena.pointer)
  }

  /// Throws unless the layers are those that the config asks for, saying what to set.
  func requireSameLayers(as target: ModelTarget) throws(UsageError) {
    let (own, other) = (shape, target.shape)
    var wanted: [(key: String, source: String, config: String)] = [
      ("cell", own.cell.choice.cell, other.cell.choice.cell),
      ("hidden", "\(own.hiddenSize)", "\(other.hiddenSize)"),
      ("layers", "\(own.layerCount)", "\(other.layerCount)"),
      ("bidirectional", "\(own.isBidirectional)", "\(other.isBidirectional)"),
      ("layer_norm", "\(own.normalizesGates)", "\(other.normalizesGates)"),
    ]
    if let (reset, wish) = both(own.cell.choice.reset, other.cell.choice.reset) {
      wanted.insert(("reset", reset, wish), at: 1)
    }
    if own.task.readsTokens, other.task.readsTokens, target.tokenizer != nil {
      wanted.append(("embedding", "\(own.embeddingSize)", "\(other.embeddingSize)"))
    }
    if own.learnsInitialState {
      wanted.append(("learned_initial_state", "true", "\(other.learnsInitialState)"))
    }
    let changes = wanted.filter { $0.source != $0.config }
    if changes.isEmpty { return }
    let differences = changes.map {
      "model.\($0.key) is \($0.config) and the source has \($0.source)"
    }
    throw UsageError(
      "--from \(path): \(differences.joined(separator: ", ")); add "
        + changes.map { "--set model.\($0.key)=\($0.source)" }.joined(separator: " "))
  }

  private func both(_ a: String?, _ b: String?) -> (String, String)? {
    if let a, let b { (a, b) } else { nil }
  }
}
