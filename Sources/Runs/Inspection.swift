import Checkpoints
import Configuration
import Corpora
import Debugging
import Engine
import GRUCore
import Kernels
package import Records
import Scoring

/// Verifies and describes a checkpoint, or all checkpoints of a run.
package struct Inspection {
  package var path: String

  package init(path: String) { self.path = path }

  /// - Throws: where no checkpoint is whole.
  package func run(console: Console) throws {
    let model = try LoadedModel(path: path)
    let state = model.state
    let table = ParameterTable(shape: model.shape)
    let parameters = try Self.parameters(of: model)
    let fingerprint = state.fingerprint
    for refusal in model.refusals { console.say("NOT WHOLE  \(refusal)") }
    console.say("checkpoint   \(model.checkpoint.path) (whole, every file as its manifest says)")
    console.say(
      "step         \(state.step), epoch \(state.epoch), \(Format.grouped(state.tokens)) tokens")
    if let loss = state.bestValidationLoss, let step = state.bestValidationStep {
      console.say("best         validation loss \(Format.fixed(loss, 4)) at step \(step)")
    }
    if let step = state.bestCheckpointStep {
      let value = state.bestCheckpointValue ?? state.bestCheckpointLoss
      console.say(
        "kept         best checkpoint: step \(step), \(state.measureName) "
          + (value.map { Format.small($0) } ?? "unknown"))
    }
    console.say(
      "model        \(model.shape.recurrenceInWords), hidden \(model.shape.hiddenSize), "
        + (model.task.readsTokens ? "embedding \(model.shape.embeddingSize), " : "")
        + "\(Format.count(model.shape.layerCount, "layer")), \(model.shape.endsInWords)"
        + (model.task.hasTokenizer ? " (\(state.tokenizer.kind.rawValue))" : "")
        + ", \(Format.grouped(table.parameterCount)) parameters")
    if let source = state.startedFrom?["source"]?.stringValue {
      console.say("start        from \(source)")
    }
    if model.checkpoint.isModelOnly {
      console.say("pruned       to the model alone: the run cannot be resumed")
    }
    console.say("optimizer    \(state.optimizer)")
    let exchange = model.config.exchange
    if exchange.compression != .none {
      console.say(
        "exchange     as \(exchange.compression.rawValue), of \(exchange.compressionGroups) groups "
          + "of shards, each with a residual")
    }
    if exchange.isLocal {
      console.say(
        "updates      \(exchange.localGroups) groups of shards apart, each with its own moments, "
          + "together every \(exchange.synchronizeEvery) steps")
    }
    console.say(
      "fingerprint  \(fingerprint), numeric contract version \(state.contractVersion.rawValue)")
    for file in model.checkpoint.manifest.files {
      console.say("file         \(file.name), \(Format.bytes(file.bytes)), SHA-256 \(file.sha256)")
    }
    for parameter in table.parameters {
      let statistics = unsafe TensorStatistics(
        parameters.pointer + parameter.offset, count: parameter.count)
      console.say(
        "tensor       \(parameter.name) \(parameter.shape)  min \(statistics.least)  "
          + "max \(statistics.greatest)  rms \(Format.fixed(statistics.rootMeanSquare, 5))")
    }
    console.record(record(model, table: table, fingerprint: fingerprint))
    withExtendedLifetime(parameters) {}
  }

  private func record(
    _ model: LoadedModel, table: ParameterTable, fingerprint: String
  ) -> OrderedJSON {
    let state = model.state
    return [
      "kind": "inspection", "checkpoint": .string(model.checkpoint.path),
      "step": .integer(state.step), "epoch": .integer(state.epoch),
      "tokens": .integer(state.tokens),
      "best_validation_loss": state.bestValidationLoss.map { .number($0) } ?? .null,
      "best_validation_step": state.bestValidationStep.map { .integer($0) } ?? .null,
      "best_by": .string(state.measureName),
      "best_checkpoint_step": state.bestCheckpointStep.map { .integer($0) } ?? .null,
      "best_checkpoint_value": (state.bestCheckpointValue ?? state.bestCheckpointLoss).map {
        .number($0)
      } ?? .null,
      "model": model.shape.json, "parameters": .integer(table.parameterCount),
      "optimizer": .string(state.optimizer),
      "compression": .string(model.config.exchange.compression.rawValue),
      "compression_groups": .integer(
        model.config.exchange.compression == .none ? 0 : model.config.exchange.compressionGroups),
      "synchronize_every": .integer(model.config.exchange.synchronizeEvery),
      "local_groups": .integer(
        model.config.exchange.isLocal ? model.config.exchange.localGroups : 0),
      "fingerprint": .string(fingerprint),
      "contract_version": .integer(state.contractVersion.rawValue),
      "is_pruned": .bool(model.checkpoint.isModelOnly),
      "files": .array(
        model.checkpoint.manifest.files.map {
          ["name": .string($0.name), "bytes": .integer($0.bytes), "sha256": .string($0.sha256)]
        }),
      "refused": .array(model.refusals.map { .string($0) }),
    ]
  }

  /// A model's parameters as training left them.
  ///
  /// - Throws: where they are not those that its state has the fingerprint of.
  static func parameters(of model: LoadedModel) throws -> AlignedBuffer {
    let count = ParameterTable(shape: model.shape).elementCount
    let parameters = AlignedBuffer(count: count)
    try unsafe model.readTrainedParameters(into: parameters.pointer)
    let found = unsafe fingerprint(parameters.pointer, count: count)
    guard found == model.state.fingerprint else {
      throw RunDirectoryError(
        "\(model.checkpoint.path): the parameters have fingerprint \(found), "
          + "\(Checkpoint.stateFile) says \(model.state.fingerprint); use another checkpoint")
    }
    return parameters
  }

  private static func fingerprint(
    _ parameters: UnsafePointer<Float>, count: Int
  ) -> String {
    let blocks = (count + canonicalBlock - 1) / canonicalBlock
    var hashes = [UInt64](repeating: 0, count: 2 * blocks)
    return unsafe hashes.withUnsafeMutableBufferPointer { buffer in
      guard let words = buffer.baseAddress else { return "" }
      unsafe Kernels(.portable).hashBlocks(parameters, count: count, into: words)
      return unsafe Fingerprint.digits(
        of: Fingerprint.combine(words, blockCount: blocks, elementCount: count))
    }
  }
}
