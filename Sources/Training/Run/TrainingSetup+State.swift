import Cells
import Checkpoints
import Corpora
import GRUCore
package import Records

extension TrainingSetup {
  /// What `state.json` says of a run.
  func trainingState(
    of trainer: Trainer, history: RunHistory, fingerprint: String
  ) throws -> TrainingState {
    let batches = trainer.engine.batches
    let averagedSteps = trainer.engine.state.averagedSteps
    var state = TrainingState(
      step: trainer.step, epoch: batches.epoch(ofStep: trainer.step + 1),
      tokens: batches.targetCount(
        ofSteps: trainer.step, perBatch: config.batch.sequences * config.batch.window),
      bestValidationLoss: history.best?.loss, bestValidationStep: history.best?.step,
      config: config.json,
      corpusFingerprint: data.fingerprint,
      validationFingerprint: config.data.valid == nil ? nil : data.validationFingerprint,
      tokenizer: tokenizer, model: ModelDescription(shape),
      optimizer: config.optimizer.name.rawValue, fingerprint: fingerprint)
    state.bestCheckpointLoss = history.bestSaved?.loss
    state.bestCheckpointStep = history.bestSaved?.step
    if case .task(let task) = data { state.dataset = task.description }
    state.validatedStep = history.last?.step ?? 0
    state.validation = config.keyThatNeedsValidation == nil ? nil : history.memory
    state.averagedSteps = averagedSteps > 0 ? averagedSteps : nil
    state.skippedSteps = history.skippedSteps > 0 ? history.skippedSteps : nil
    return state
  }

  /// What a run goes on with besides the tensors of a checkpoint.
  func restored(from state: TrainingState) -> RunDirectory.Restored {
    func validation(_ loss: Double?, _ step: Int?) -> RunHistory.Validation? {
      guard let loss, let step else { return nil }
      return RunHistory.Validation(step: step, loss: loss)
    }
    var history = RunHistory()
    // Losses on another text are not to be compared with those to come.
    if !hasOtherValidationText(than: state) {
      history.best = validation(state.bestValidationLoss, state.bestValidationStep)
      history.bestSaved = validation(state.bestCheckpointLoss, state.bestCheckpointStep)
      history.memory = state.validation ?? ValidationMemory()
    }
    history.memory.decays = state.validation?.decays ?? 0
    history.memory.isAveraging = state.validation?.isAveraging ?? false
    history.skippedSteps = state.skippedSteps ?? 0
    let isDue = config.run.validateEvery > 0 && state.step.isMultiple(of: config.run.validateEvery)
    return RunDirectory.Restored(
      resumption: RunDirectory.Resumption(
        step: state.step, validation: history.memory, averagedSteps: state.averagedSteps ?? 0,
        // Checkpoints of earlier programs do not say.
        isValidationMissing: isDue && state.validatedStep.map { $0 < state.step } ?? false),
      history: history, fingerprint: state.fingerprint, changes: changes(from: state),
      hasOtherValidationText: hasOtherValidationText(than: state))
  }

  private func hasOtherValidationText(than state: TrainingState) -> Bool {
    guard config.data.valid != nil, let fingerprint = data.validationFingerprint else {
      return false
    }
    return state.validationFingerprint != fingerprint
  }

  /// The values that a resumed run may change, although later steps depend on them.
  private func changes(from state: TrainingState) -> [ConfigChange] {
    guard let stored = try? storedConfig(of: state, path: "").json.leaves else { return [] }
    let wanted = config.json.leaves
    let changeable = wanted.keys.filter { key in
      var influential = ["run.steps", "run.on_nonfinite", "run.patience"]
      if config.keyThatNeedsValidation != nil { influential.append("run.validate_every") }
      let isFree =
        Self.freeKeys.contains(key)
        || key.hasPrefix("run.") && !influential.contains(key)
      return !isFree && !key.hasPrefix("data.") && !Self.pinnedKeys.contains(key)
    }
    return changeable.sorted().compactMap { key in
      guard let before = stored[key], let now = wanted[key], before != now else { return nil }
      return ConfigChange(key: key, before: before.line, now: now.line)
    }
  }

  private func storedConfig(of state: TrainingState, path: String) throws -> Config {
    try Config(
      json: Array(state.config.line.utf8),
      file: "\(path): config of the checkpoint")
  }

  /// The keys outside of `run` that decide nothing but speed.
  private static let freeKeys = [
    "exchange.progress", "exchange.bucket_bytes", "exchange.sparse",
  ]

  /// The keys that decide the trajectory so far; the others may change at a resume.
  private static let pinnedKeys = [
    "task", "data.tokenizer", "data.minimum_count", "data.vocabulary_limit", "data.valid_fraction",
    "model.cell", "model.reset", "model.embedding",
    "model.hidden", "model.layers", "model.bidirectional", "model.dropout", "model.dropout_kind",
    "model.embedding_dropout", "model.recurrent_dropout",
    "model.tie_weights", "model.adaptive_softmax", "model.adaptive_factor", "model.layer_norm",
    "model.learned_initial_state", "model.initial_update_bias", "model.precision",
    "batch.sequences", "batch.window", "batch.window_jitter", "batch.shards",
    "batch.accumulate", "exchange.compression", "exchange.compression_groups",
    "exchange.synchronize_every", "exchange.local_groups", "exchange.outer_learning_rate",
    "exchange.outer_momentum", "optimizer.name",
    "optimizer.ema_decay", "run.seed",
  ]

  /// The keys of another task than a language model that are fixed too.
  private var taskKeys: [String] {
    if config.task == .language { return [] }
    return config.json.leaves.keys.sorted().filter { key in
      !["data.train", "data.valid", "data.valid_sequences"].contains(key)
        && (key.hasPrefix("data.") || key.hasPrefix("output."))
    }
  }

  /// Throws unless going on from `state` gives what the run would have given without a stop.
  func checkResumable(from state: TrainingState, path: String) throws {
    var differences: [String] = []
    func compare(_ subject: String, _ stored: String, _ wanted: String) {
      if stored != wanted {
        differences.append("\(subject) is \(stored) in the checkpoint and \(wanted) now")
      }
    }
    compare(
      "numeric contract version", "\(state.contractVersion)", "\(numericContractVersion)")
    let stored = try storedConfig(of: state, path: path).json.leaves
    let wanted = config.json.leaves
    for key in Self.pinnedKeys + taskKeys {
      compare(key, stored[key]?.line ?? "missing", wanted[key]?.line ?? "missing")
    }
    compare(
      "the content of data.train (\(config.data.train), by fingerprint)", state.corpusFingerprint,
      data.fingerprint)
    compare(
      "data.valid", state.validationFingerprint == nil ? "null" : "a file",
      config.data.valid == nil ? "null" : "a file")
    guard differences.isEmpty else {
      throw UsageError(
        "\(path): cannot resume: \(differences.joined(separator: "; ")); task, model, batch, "
          + "text, tokenizer, seed, kind of optimizer, optimizer.ema_decay, exchange.compression "
          + "and local updates are fixed for a run, while run.steps, the schedule, other values of "
          + "optimizer, and what is logged, validated and saved may change. Use the config of the "
          + "run (\(path)/config.json), or start another with --run-directory or --overwrite")
    }
  }
}

extension OrderedJSON {
  /// All values that are no objects, by dotted path.
  package var leaves: [String: OrderedJSON] {
    guard case .object(let members) = self else { return ["": self] }
    var leaves: [String: OrderedJSON] = [:]
    for member in members {
      for (path, value) in member.value.leaves {
        leaves[path.isEmpty ? member.name : "\(member.name).\(path)"] = value
      }
    }
    return leaves
  }
}

extension ModelDescription {
  /// The description of a shape.
  init(_ shape: ModelShape) {
    self.init(
      cell: shape.cell.rawValue, vocabularySize: shape.vocabularySize,
      embeddingSize: shape.embeddingSize, hiddenSize: shape.hiddenSize,
      layerCount: shape.layerCount)
  }
}
