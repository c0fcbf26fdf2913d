package import NumericContract
package import Records
package import Tasks

/// Everything that decides what a run computes and writes, with every default filled in.
package struct Config: ConfigSection {
  package var task = TaskName.language
  package var data = DataConfig()
  package var model = ModelConfig()
  package var batch = BatchConfig()
  package var output = OutputConfig()
  package var optimizer = OptimizerConfig()
  package var exchange = ExchangeConfig()
  package var run = RunConfig()
  /// Only read by `gru-dist memory`, and no part of a run.
  package var memory = MemoryConfig()

  package init() {}

  package static let keys: [ConfigKey<Config>] = [
    taskKey,
    ConfigKey(section: "data", \.data),
    ConfigKey(section: "model", \.model),
    ConfigKey(section: "batch", \.batch),
    ConfigKey(section: "output", \.output),
    ConfigKey(section: "optimizer", \.optimizer),
    ConfigKey(section: "exchange", \.exchange),
    ConfigKey(section: "run", \.run),
    ConfigKey(section: "memory", \.memory, isWritten: false),
  ]

  /// The key that decides which others there are.
  private static let taskKey = ConfigKey<Config>(
    "task", \.task, .choice(),
    "What a model learns; the keys of `data` and `output` depend on it.")

  /// Reads a file, applies `overrides` and checks everything that needs neither the corpus nor the
  /// number of workers.
  package init(file: String, overrides: [ConfigOverride] = []) throws(ConfigError) {
    try self.init(json: try ConfigFile.bytes(of: file), file: file, overrides: overrides)
  }

  /// Reads the bytes of a file; `file` is its name in errors.
  package init(
    json: [UInt8], file: String, overrides: [ConfigOverride] = []
  ) throws(ConfigError) {
    let document = try ConfigFile(json: json, name: file, overrides: overrides)
    let place = ConfigPlace(path: "", source: document.source)
    try self.init(document, at: place)
    try settleLength(place)
    try checkEffects(place)
  }

  /// Decides whether steps or passes over the data say how long a run is: what the command line
  /// says goes before what the file says.
  private mutating func settleLength(_ place: ConfigPlace) throws(ConfigError) {
    let overrides = place.source.overrides
    guard run.epochs != nil else { return }
    if overrides["run.steps"] != nil {
      guard overrides["run.epochs"] == nil else {
        throw place.failure(
          "run.epochs", "says how long the run is, and so does run.steps",
          hint: "give one of them")
      }
      run.epochs = nil
    } else if taskDescription.isGenerated {
      throw place.failure(
        "run.epochs", "counts passes over the data, and the task \"\(task.rawValue)\" makes them "
          + "without end", hint: "set run.steps")
    }
  }

  /// Takes what a checkpoint keeps.
  ///
  /// - Parameter name: what it is called in errors.
  package init(stored value: OrderedJSON, place name: String) throws(ConfigError) {
    let document = try ConfigFile(json: Array(value.line.utf8), name: name, overrides: [])
    try self.init(document, at: ConfigPlace(path: "", source: document.source))
    // Programs that knew one version did not write which.
    run.contractVersion = run.contractVersion ?? .one
  }

  private init(_ document: ConfigFile, at place: ConfigPlace) throws(ConfigError) {
    var head = Config()
    let task = try place.members(of: document.value).first { $0.name == Self.taskKey.name }
    try Self.taskKey.read(&head, task?.value, place[Self.taskKey.name], head.task)
    try self.init(document.value, at: place, task: head.task)
  }

  /// The rules by which the run computes.
  package var contract: ContractVersion { run.contractVersion ?? .newest }

  /// What the task is.
  package var taskDescription: TaskDescription {
    var description = task.description(readout: output.readout, loss: output.loss)
    if output.loss == .quantile { description.quantiles = output.quantiles }
    description.masksTargets =
      task == .forecasting && data.task.missing == .mask
      || task == .regression && data.task.missing != .error
    description.categories = (data.task.categories ?? []).count
    if data.tokens.documents != nil { return description.ofDocuments }
    return data.tokens.tokenizer == nil ? description : description.ofTokens
  }

  /// The effective config: every key, in a fixed order.
  package var json: OrderedJSON { json(of: task) }

  /// What is declared of all keys, in the order of the config. A key whose values or default depend
  /// on the task is there several times. `docs/config.md` is held against this.
  package static var reference: [KeyDeclaration] { declarations(below: "", of: .all) }
}
