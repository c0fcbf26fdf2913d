import Cells
import Checkpoints
import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import NumericContract
import Records

extension TrainingSetup {
  /// What `state.json` says of a run.
  func trainingState(
    of trainer: Trainer, history: RunHistory, fingerprint: String
  ) throws -> TrainingState {
    let batches = trainer.engine.batches
    let averagedSteps = trainer.engine.state.averagedSteps
    var state = TrainingState(
      contractVersion: config.contract, step: trainer.step,
      epoch: batches.epoch(ofStep: trainer.step + 1),
      tokens: batches.targetCount(
        ofSteps: trainer.step, perBatch: config.batch.sequences * config.batch.window),
      config: config.json,
      corpusFingerprint: data.fingerprint,
      validationFingerprint: config.data.valid == nil ? nil : data.validationFingerprint,
      tokenizer: tokenizer, model: ModelDescription(shape),
      optimizer: config.optimizer.name.rawValue, fingerprint: fingerprint)
    history.write(to: &state, keepsMemory: config.keyThatNeedsValidation != nil)
    switch data {
    case .text:
      state.startToken = startToken == tokenizer.lineEnd ? nil : Int(startToken)
    case .sequences(let data): state.dataset = data.frame?.json
    }
    state.averagedSteps = averagedSteps > 0 ? averagedSteps : nil
    if let file { state.filePasses = file.passes.filter { $0.firstStep <= trainer.step } }
    return state
  }

  /// What a run goes on with besides the tensors of a checkpoint.
  func restored(from state: TrainingState) -> RunDirectory.Restored {
    let hasBest = state.bestValidationStep != nil
    var history = RunHistory(
      of: state, measure: config.measure, isComparable: !hasOtherValidationText(than: state))
    if config.optimizer.name != .asgd { history.memory.isAveraging = false }
    let stored = try? storedConfig(of: state, path: "")
    let continuesAverage = stored.map(config.continuesAverage) ?? true
    let changes = stored.map { config.changes(from: $0) } ?? []
    let isDue = config.run.validateEvery > 0 && state.step.isMultiple(of: config.run.validateEvery)
    return RunDirectory.Restored(
      resumption: RunDirectory.Resumption(
        step: state.step, validation: history.memory,
        averagedSteps: continuesAverage ? state.averagedSteps ?? 0 : 0,
        skippedSteps: state.skippedSteps ?? 0,
        isValidationMissing: isDue && state.lacksValidation),
      history: history, fingerprint: state.fingerprint, changes: changes,
      rates: stored.flatMap {
        RateChange(from: $0, to: config, step: state.step, decays: history.memory.decays)
      },
      hasOtherValidationText: hasOtherValidationText(than: state),
      formerMeasure: hasBest && state.measureName != config.measure.name
        ? state.measureName : nil)
  }

  /// Whether a checkpoint of the run has a mean of the parameters beside them.
  func hasAverage(_ state: TrainingState) -> Bool {
    (try? storedConfig(of: state, path: ""))?.optimizer.averages ?? true
  }

  private func hasOtherValidationText(than state: TrainingState) -> Bool {
    guard config.data.valid != nil, let fingerprint = data.validationFingerprint else {
      return false
    }
    return state.validationFingerprint != fingerprint
  }

  private func storedConfig(of state: TrainingState, path: String) throws -> Config {
    try Config(stored: state.config, place: "\(path): config of the checkpoint")
  }

  /// Throws unless going on from `state` gives what the run would have given without a stop.
  func checkResumable(from state: TrainingState, path: String) throws {
    try checkPasses(of: state, path: path)
    var differences: [String] = []
    func compare(_ subject: String, _ stored: String, _ wanted: String) {
      if stored != wanted {
        differences.append("\(subject) is \(stored) in the checkpoint and \(wanted) now")
      }
    }
    for key in config.fixedDifferences(from: try storedConfig(of: state, path: path)) {
      compare(key.key, key.before, key.now)
    }
    let model = ModelDescription(shape)
    if model != state.model { compare("the model", "\(state.model)", "\(model)") }
    compare(
      "the content of data.train (\(config.data.train), by fingerprint)", state.corpusFingerprint,
      data.fingerprint)
    if case .sequences(let data) = data, let frame = data.frame, frame != TaskFrame(of: state) {
      compare(
        "what was learnt from data.train", state.dataset?.line ?? "nothing", frame.json.line)
    }
    // It is the checkpoint's, unless that could not be read when the data were.
    if config.taskDescription.hasTokenizer,
      let difference = state.tokenizer.difference(
        own: "the checkpoint", from: tokenizer, of: "data.train")
    {
      differences.append("the tokenizer is another: \(difference)")
    }
    compare(
      "data.valid", state.validationFingerprint == nil ? "null" : "a file",
      config.data.valid == nil ? "null" : "a file")
    guard differences.isEmpty else {
      throw UsageError(
        "\(path): cannot resume: \(differences.joined(separator: "; ")); task, model, batch, "
          + "text, tokenizer, seed, kind of optimizer (but for sgd and asgd), exchange.compression "
          + "and local updates are fixed for a run, while run.steps, the schedule, other values of "
          + "optimizer, and what is logged, validated and saved may change. Use the config of the "
          + "run (\(path)/config.json), or start another with --run-directory or --overwrite")
    }
  }
}

extension TrainingState {
  /// Whether the validation of its step, which was due, was interrupted. Checkpoints of earlier
  /// programs do not say; those of step 0 were not validated, but where a run has started from
  /// another model.
  fileprivate var lacksValidation: Bool {
    if step == 0 { return startedFrom != nil && bestValidationStep == nil }
    return validatedStep.map { $0 < step } ?? false
  }
}

extension TaskFrame {
  /// What a checkpoint keeps; nil where that is nothing, or nothing that can be read.
  fileprivate init?(of state: TrainingState) {
    guard let dataset = state.dataset,
      let frame = try? TaskFrame(json: try JSONFields(dataset, at: ["dataset"]))
    else { return nil }
    self = frame
  }
}

extension Config {
  /// The rules by which a run goes on: what the config names, else those of its checkpoints, else
  /// the newest. Every rank calls it.
  func resumedContract(on communicator: any Communicator) throws -> ContractVersion {
    var version: ContractVersion?
    try communicator.coordinate {
      version = (try? CheckpointStore(run: run).newestState())??.contractVersion
    }
    let shared = try communicator.share([UInt8((version ?? .newest).rawValue)])
    return shared.first.flatMap { ContractVersion(rawValue: Int($0)) } ?? .newest
  }

  /// What the run that is resumed has learnt from its data, such as its vocabulary or the numbers
  /// of classes, so that it goes on with these; nil where there is nothing. Every rank calls it.
  func keptData(on communicator: any Communicator) throws -> LearntData? {
    let task = taskDescription
    if task.isGenerated { return nil }
    var kept: OrderedJSON?
    try communicator.coordinate {
      kept = try CheckpointStore(run: run).newestState().flatMap { state in
        if task.predictsVocabulary { return state.tokenizer.json }
        guard let frame = TaskFrame(of: state)?.json, task.hasTokenizer else {
          return TaskFrame(of: state)?.json
        }
        return ["tokenizer": state.tokenizer.json, "frame": frame]
      }
    }
    let shared = try communicator.share(Array((kept?.line ?? "").utf8))
    // What is damaged or of another config is refused where the checkpoint is read.
    guard !shared.isEmpty,
      let fields = try? JSONFields(try OrderedJSON(parsing: shared))
    else { return nil }
    if task.predictsVocabulary { return (try? Tokenizer(json: fields)).map { .tokenizer($0) } }
    let frameFields = task.hasTokenizer ? try? fields.object("frame") : fields
    guard let frameFields, let frame = try? TaskFrame(json: frameFields),
      (try? frame.check(
        task: task, horizon: data.task.horizon, normalizes: data.task.normalize)) != nil
    else { return nil }
    guard task.hasTokenizer else { return .frame(frame) }
    guard let tokenizer = try? Tokenizer(json: try fields.object("tokenizer")),
      tokenizer.kind == data.learning.kind
    else { return nil }
    return .texts(tokenizer, frame)
  }
}

extension CheckpointStore {
  /// The checkpoints of a run.
  convenience init(run: RunConfig) {
    self.init(directory: "\(run.directory)/\(RunFiles.checkpoints)")
  }
}
