package import Collectives
package import Configuration
package import Corpora
package import Datasets
package import Engine
package import GRUCore
package import Kernels
import NumericContract
import Records
package import Scoring
package import Traces
package import WarmStarts

/// What a train command was asked to do.
package struct TrainOptions: Sendable {
  package var configFile: String
  package var overrides: [ConfigOverride] = []
  /// Threads of each rank; nil shares the usable cores of a host between its ranks.
  package var threads: Int?
  package var instructionSet = "auto"
  package var resume = false
  package var overwrite = false
  package var debug = false
  /// The step after which to stop as if by a signal; nil goes on to the last.
  package var stopAfter: Int?
  package var json = false
  /// What an imported model has learnt of its data; nil learns it, or takes what a resumed run has.
  package var learnt: LearntData?
  /// What a new run starts from; nil for random numbers.
  package var start: StartRequest?
  /// A file to pass over after the run's last step; nil for none.
  package var file: String?
  /// The share of the batches of that pass that are of the data the run began with; nil for
  /// `FilePass.usualRehearsal`, and for what a pass under way began with.
  package var rehearsal: Double?
  /// Which steps to write a timeline of, and where to; nil for none.
  package var trace: TraceRequest?

  package init(configFile: String) { self.configFile = configFile }
}

/// Everything that is decided before any large memory is taken: config, corpora, workers, shape.
package struct TrainingSetup {
  package private(set) var config: Config
  package let kernels: Kernels
  package let plan: ShardPlan
  package let data: TrainingData
  package let tokenizer: Tokenizer
  /// The token that text begins after where nothing is given.
  let startToken: Int32
  /// Whether steps are looked into.
  private let isDebugged: Bool
  package private(set) var shape: ModelShape
  /// What the run goes on with after its last step; nil for nothing.
  package private(set) var file: FileToPass?

  /// Every rank calls it; all throw alike.
  package init(_ options: TrainOptions, on communicator: any Communicator) throws {
    try self.init(try Work(options, on: communicator), options, on: communicator)
  }

  /// What is settled before the data are read, which may take long.
  struct Work {
    let config: Config
    let kernels: Kernels
    let plan: ShardPlan

    /// Every rank calls it; all throw alike.
    init(_ options: TrainOptions, on communicator: any Communicator) throws {
      var config = try communicator.agree {
        try Config(file: options.configFile, overrides: options.overrides)
      }
      if config.run.contractVersion == nil {
        config.run.contractVersion =
          options.resume ? try config.resumedContract(on: communicator) : .newest
      }
      self.config = config
      try communicator.requireEqual(config.json.line, of: options.configFile)
      kernels = try communicator.agree {
        try Kernels.selected(options.instructionSet, config.model.precision.kernels)
      }
      plan = try config.plan(
        threads: options.threads, place: options.configFile, on: communicator)
    }
  }

  /// Reads the data, and tells `progress` of it. Every rank calls it; all throw alike.
  init(
    _ work: Work, _ options: TrainOptions, start: WarmStart? = nil,
    on communicator: any Communicator, progress: ReadingProgress? = nil
  ) throws {
    config = work.config
    kernels = work.kernels
    plan = work.plan
    isDebugged = options.debug
    let config = work.config
    try communicator.agree {
      try config.requireModelFits(
        work.plan, ranksOnHost: communicator.ranksOnHost, kernels: work.kernels)
    }
    var learnt = start?.learnt ?? options.learnt
    if learnt == nil, options.resume { learnt = try config.keptData(on: communicator) }
    data = try config.openData(as: learnt, on: communicator, progress: progress) {
      Console.complain("gru-dist: \($0)")
    }
    switch data {
    case .text(let split):
      let tokenizer = split.training.corpus.tokenizer
      try communicator.agree {
        try config.validateVocabulary(of: split.training.corpus, place: options.configFile)
        try config.validate(tokenizer, place: options.configFile)
      }
      self.tokenizer = tokenizer
      startToken = split.training.startToken
      shape = config.shape(vocabularySize: tokenizer.vocabularySize)
    case .sequences(let data):
      tokenizer = data.tokenizer ?? .byte
      // A document begins after it.
      startToken = data.tokenizer?.lineEnd ?? 0
      if let tokenizer = data.tokenizer {
        try communicator.agree { try config.validate(tokenizer, place: options.configFile) }
      }
      try communicator.agree { try config.requirePhrases(of: data.frame) }
      shape = config.shape(for: data)
    }
    shape.sampledSoftmax = config.sampledSoftmax(popularity: data.targetCounts)
    let vocabulary = shape.vocabularySize
    let shape = self.shape
    try communicator.agree {
      try config.requireSampling(of: vocabulary, options.configFile)
      try config.requireParts(of: shape, place: options.configFile)
    }
    try communicator.requireEqual(data.fingerprint, of: config.data.train)
    try requireOneKnowledge(on: communicator)
    if let valid = config.data.valid, let fingerprint = data.validationFingerprint {
      try communicator.requireEqual(fingerprint, of: valid)
    }
    self.config = try communicator.agree { [data] in
      try config.settled(by: data, place: options.configFile)
    }
    if let path = options.file {
      file = try open(path, rehearsal: options.rehearsal, learnt: learnt, on: communicator)
    }
    try communicator.agree {
      try MemoryPlan(
        shape: shape, config: config, plan: plan, ranksOnHost: communicator.ranksOnHost,
        slots: slots, dataBytes: data.memoryBytes + (file?.data.memoryBytes ?? 0), use: memoryUse,
        kernels: kernels
      ).checkFits()
    }
    try start?.plan(for: target) { data.inputCounts }
  }

  /// What a rank keeps in memory at a time.
  package var memoryUse: MemoryUse {
    isDebugged ? .apart : config.memoryUse(shape, plan, slots: slots)
  }

  /// Throws on every rank unless all have learnt the same from the data.
  private func requireOneKnowledge(on communicator: any Communicator) throws {
    let subject = "what is learnt from \(config.data.train)"
    switch data {
    case .text:
      // A vocabulary may be long.
      try communicator.requireEqual(tokenizer.hash, of: subject)
    case .sequences(let data):
      if let tokenizer = data.tokenizer {
        try communicator.requireEqual(tokenizer.hash, of: subject)
      }
      if let frame = data.frame { try communicator.requireEqual(frame.json.line, of: subject) }
    }
  }

  /// The batches of some data, from the first on.
  func source(of data: TrainingData) -> BatchSource {
    switch data {
    case .sequences(let data): .sequences(data.training)
    case .text(let split):
      .corpus(
        split.training.corpus,
        StreamPlan(
          tokenRange: split.training.range, sequences: config.batch.sequences,
          window: config.batch.window, contract: config.contract),
        WindowJitter(largest: config.batch.windowJitter, seed: config.run.seed))
    }
  }

  /// What is validated on; nil for nothing.
  package var validation: Scorer.Subject? {
    switch data {
    case .text(let split): split.validation.map { .text($0, window: config.batch.window) }
    case .sequences(let data): data.validation.map { .sequences($0) }
    }
  }

  /// What the data taught; nil where they are text, or made up.
  package var frame: TaskFrame? {
    if case .sequences(let data) = data { data.frame } else { nil }
  }

  /// Says what the model's outputs mean.
  package func decoder() throws -> OutputDecoder {
    try OutputDecoder(
      task: config.taskDescription, tokenizer: tokenizer, frame: frame,
      outputs: shape.vocabularySize, path: config.data.train)
  }

  /// The model that is asked for.
  package var target: ModelTarget {
    ModelTarget(config: config, shape: shape, tokenizer: tokenizer, frame: frame)
  }

  /// The text, where there is one.
  package var split: CorpusSplit? {
    if case .text(let split) = data { split } else { nil }
  }

  /// Bytes of text that a training token stands for on average; nil without a text, and where some
  /// tokens are unknown, so that they stand for more than the model says.
  package var bytesPerToken: Double? {
    guard let training = split?.training, training.unknownTargets == 0 else { return nil }
    let bytes = training.targetBytes
    return bytes > 0 ? Double(bytes) / Double(max(1, training.range.count - 1)) : nil
  }

  /// What is said of the data before a run begins.
  var report: DataReport { DataReport(data, config) }
}

extension Config {
  /// Throws where a step is to draw as many outputs as there are.
  fileprivate func requireSampling(of vocabulary: Int, _ place: String) throws(ConfigError) {
    guard let draws = output.sampled, draws >= vocabulary else { return }
    throw ConfigError(
      place: place, key: "output.sampled",
      problem: "\(draws) draws are no fewer than the \(vocabulary) tokens of the vocabulary",
      hint: "set it to null: the full softmax is exact, and no slower")
  }
}

extension TrainingData {
  /// What makes tokens of texts; nil where there are none.
  var tokenizer: Tokenizer? {
    switch self {
    case .text(let split): split.training.corpus.tokenizer
    case .sequences(let data): data.tokenizer
    }
  }

  /// How often each token goes in during training, of texts.
  var inputCounts: [Int] {
    switch self {
    case .text(let split): split.training.tokenCounts
    case .sequences(let data):
      data.training.inputCounts(vocabularySize: data.tokenizer?.vocabularySize ?? 0)
    }
  }

  /// How often each output is a target of training, where outputs are a vocabulary.
  fileprivate var targetCounts: [Int] {
    switch self {
    case .text(let split): split.training.tokenCounts
    case .sequences(let data): data.targetCounts
    }
  }
}

extension Tokenizer {
  /// Tells its vocabulary, which may be long, from others.
  fileprivate var hash: String {
    let text = Array(json.line.utf8)
    return unsafe text.withUnsafeBytes { unsafe ContentHash128(of: $0).description }
  }
}
