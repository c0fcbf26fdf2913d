package import Checkpoints
package import Collectives
package import Configuration
package import Corpora
package import Datasets
import Engine
package import GRUCore
package import Kernels
import Records
package import Tasks

/// The model of a checkpoint, ready to be read.
package struct LoadedModel {
  package let checkpoint: Checkpoint
  /// Why that checkpoint was taken.
  package let choice: ChosenCheckpoint
  package let state: TrainingState
  package let config: Config
  package let shape: ModelShape
  /// What the model knows of its data; nil where they are text, or made up.
  package let frame: TaskFrame?
  /// Newer checkpoints that were passed over, and why.
  package let refusals: [String]
  /// What is open can be read when a run that trains has removed it.
  private let files: OpenTensors

  /// Finds and verifies what `path` names: a checkpoint, or a run's newest whole one.
  package init(path: String) throws {
    try self.init(try Self.find(at: path, wanting: .newest))
  }

  /// Finds and verifies what `path` names: a checkpoint, or a run's best or newest one.
  ///
  /// - Parameter wish: nil takes the best where the run has validated.
  package init(path: String, wanting wish: ChosenCheckpoint.Wish?) throws {
    for attempt in 1... {
      let choice = try Self.find(at: path, wanting: wish)
      try Self.check(choice, of: path, wish)
      do {
        self = try Self(choice)
        return
      } catch {
        // A run that trains may have removed it meanwhile: it has a better one.
        let isGone = choice.reason != .named && !choice.checkpoint.isThere
        guard isGone, attempt < ChosenCheckpoint.mostAttempts else { throw error }
      }
    }
    preconditionFailure("a checkpoint was chosen for ever")
  }

  /// Throws where a wish for the best or newest checkpoint cannot be granted.
  private static func check(
    _ choice: ChosenCheckpoint, of path: String, _ wish: ChosenCheckpoint.Wish?
  ) throws {
    if let wish, choice.reason == .named {
      throw UsageError(
        "--\(wish.rawValue): '\(path)' is one checkpoint; name its run, or leave the option out")
    }
    if wish == .best, case .newest(let because) = choice.reason {
      throw UsageError(
        "--best: \(path) has none, since \(because); --newest takes the newest checkpoint")
    }
  }

  private init(_ choice: ChosenCheckpoint) throws {
    self.choice = choice
    checkpoint = choice.checkpoint
    refusals = choice.refused.map { "\($0)" }
    state = try checkpoint.trainingState()
    files = try OpenTensors(of: checkpoint, hasAverage: state.averagedSteps ?? 0 > 0)
    config = try Config(stored: state.config, place: "\(checkpoint.path): config")
    guard config.contract == state.contractVersion else {
      throw RunDirectoryError(
        "\(checkpoint.path)/\(Checkpoint.stateFile): its config is of version "
          + "\(config.contract.rawValue) of the numeric contract, and \"contract_version\" is "
          + "\(state.contractVersion.rawValue); the checkpoint is damaged, use another")
    }
    let task = config.taskDescription
    if task.writesText {
      try config.validate(state.tokenizer, place: "\(checkpoint.path): config")
      shape = config.shape(vocabularySize: state.tokenizer.vocabularySize)
    } else {
      // The sizes are those of its data.
      let besideTokens = task.readsTokens || task.categories > 0
      // What is damaged there is said below.
      let known =
        task.categories == 0
        ? nil : state.dataset.flatMap { try? TaskFrame(json: JSONFields($0, at: ["dataset"])) }
      shape = config.shape(
        outputs: max(1, state.model.vocabularySize),
        features: task.readsValues ? state.model.valueSize(besideTokens: besideTokens) : nil,
        inputTokens: task.hasTokenizer
          ? state.tokenizer.vocabularySize : known?.categories?.rowCount,
        categorySize: known?.categories?.size)
    }
    guard ModelDescription(shape) == state.model else {
      throw RunDirectoryError(
        "\(checkpoint.path)/\(Checkpoint.stateFile): config and tokenizer describe another model "
          + "than \"model\" does; the checkpoint is damaged, use another")
    }
    frame = try Self.frame(of: state, config, shape, path: checkpoint.path)
    try requireTensors()
  }

  /// What the model knows of its data, which must be what such a model can know.
  private static func frame(
    of state: TrainingState, _ config: Config, _ shape: ModelShape, path: String
  ) throws(CheckpointError) -> TaskFrame? {
    let task = config.taskDescription
    if task.predictsVocabulary || task.isGenerated { return nil }
    do throws(JSONFieldError) {
      guard let dataset = state.dataset else {
        throw JSONFieldError(key: "dataset", problem: "is missing")
      }
      let frame = try TaskFrame(json: try JSONFields(dataset, at: ["dataset"]))
      try frame.check(
        task: task, outputs: shape.vocabularySize,
        features: task.readsValues ? shape.valueSize : nil,
        horizon: config.data.task.horizon, normalizes: config.data.task.normalize)
      return frame
    } catch {
      throw .damaged(path: "\(path)/\(Checkpoint.stateFile)", reason: "\(error)")
    }
  }

  /// Throws unless the checkpoint has every tensor that its state describes, so that nobody takes
  /// memory for sizes that are not there.
  private func requireTensors() throws(CheckpointError) {
    let held = Dictionary(
      files.model.header.entries.map { ($0.tensor.name, $0.tensor.shape) },
      uniquingKeysWith: { $1 })
    for parameter in ParameterTable(shape: shape).parameters {
      guard held[parameter.name] == parameter.shape else {
        throw .damaged(
          path: files.model.path,
          reason: "tensor '\(parameter.name)' "
            + (held[parameter.name].map { "is \($0)" } ?? "is missing")
            + ", \(Checkpoint.stateFile) describes one of \(parameter.shape)")
      }
    }
  }

  private static func find(
    at path: String, wanting wish: ChosenCheckpoint.Wish?
  ) throws -> ChosenCheckpoint {
    do {
      return try ChosenCheckpoint(at: path, wanting: wish)
    } catch {
      guard case .damaged = error else { throw error }
      throw RunDirectoryError(
        "\(error); name another checkpoint, or a run directory for its newest whole one")
    }
  }

  /// What turned its text into tokens.
  package var tokenizer: Tokenizer { state.tokenizer }

  /// The token that text begins after where nothing is given: one that the training text has, a
  /// line end where it has any.
  package var startToken: Int32 {
    if let token = state.startToken { return Int32(token) }
    let lineEnd = tokenizer.lineEnd
    // Earlier programs did not say; of characters the vocabulary tells, and its first one is known.
    return lineEnd == tokenizer.unknown ? 0 : lineEnd
  }

  /// What the model does.
  package var task: TaskDescription { config.taskDescription }

  /// Whether its training text cannot have had an unknown token, since all of it made the
  /// vocabulary.
  var neverTrainedUnknown: Bool {
    let data = config.data
    guard task.readsText, state.tokenizer.unknown != nil, state.startedFrom == nil else {
      return false
    }
    let isLearntInFull =
      data.tokenizer == .character || (data.minimumCount <= 1 && data.vocabularyLimit == 0)
    guard isLearntInFull else { return false }
    if case .word(let vocabulary) = state.tokenizer {
      // A text may spell the token out; a token file does not say how its vocabulary was learnt.
      let spelled = SpelledTokens(ofTextAt: data.train, cutBy: vocabulary.rules)
      return spelled?.unknown == 0
    }
    return ((try? CorpusPreparation.tokenizer(ofTokenFile: data.train)) ?? nil) == nil
  }

  /// Says what the model's outputs mean.
  package func decoder() throws -> OutputDecoder {
    try OutputDecoder(
      task: task, tokenizer: state.tokenizer, frame: frame, outputs: shape.vocabularySize,
      path: checkpoint.path)
  }

  /// A scorer of the model, with its parameters read.
  ///
  /// - Parameter slots: most sequences that a row of a batch holds.
  package func scorer(
    kernels: Kernels, window: Int, plan: ShardPlan, slots: Int = 1,
    on communicator: any Communicator
  ) throws -> Scorer {
    let replica = try Replica(
      shape: shape, kernels: kernels, window: window, plan: plan, rank: communicator.rank,
      slots: slots, use: .forward)
    unsafe try readParameters(into: replica.parameters.pointer)
    replica.repack()
    return Scorer(
      task: task, decoder: try decoder(), frame: frame, replica: replica,
      communicator: communicator)
  }

  /// Reads the parameters that a model is used with into an arena of the model's table: their
  /// running mean where the run keeps one, else as training left them.
  package func readParameters(into arena: UnsafeMutablePointer<Float>) throws {
    let table = ParameterTable(shape: shape)
    for var tensor in unsafe TrainingTensors.parameters(of: table, at: arena) {
      if files.hasAverage { tensor.name = "\(UpdateRule.averageName).\(tensor.name)" }
      try files.read(tensor, fromAverage: files.hasAverage)
    }
  }

  /// Reads the parameters as training left them.
  package func readTrainedParameters(into arena: UnsafeMutablePointer<Float>) throws {
    for tensor in unsafe TrainingTensors.parameters(of: ParameterTable(shape: shape), at: arena) {
      try files.read(tensor, fromAverage: false)
    }
  }
}

/// The files of a checkpoint that parameters are read from.
private final class OpenTensors {
  let model: SafetensorsReader
  /// With the running mean of the parameters; the model's own where a run keeps none.
  private let average: SafetensorsReader
  let hasAverage: Bool

  init(of checkpoint: Checkpoint, hasAverage: Bool) throws(CheckpointError) {
    self.hasAverage = hasAverage
    model = try checkpoint.tensors(in: Checkpoint.modelFile)
    average = try checkpoint.tensors(
      in: !hasAverage
        ? Checkpoint.modelFile
        : checkpoint.isModelOnly ? Checkpoint.averageFile : Checkpoint.optimizerFile)
  }

  func read(_ tensor: TrainingTensors.Tensor, fromAverage: Bool) throws {
    if fromAverage { try tensor.read(from: average) } else { try tensor.read(from: model) }
  }
}
