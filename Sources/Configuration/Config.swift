package import Corpora
import Foundation
package import Records

/// Everything that decides what a run computes and writes, with every default filled in.
package struct Config: Sendable, Equatable {
  package var task: TaskName
  package var data: DataConfig
  package var model: ModelConfig
  package var batch: BatchConfig
  package var output: OutputConfig
  package var optimizer: OptimizerConfig
  package var exchange: ExchangeConfig
  package var run: RunConfig
  /// Only read by `gru-dist memory`, and no part of a run.
  package var memory: MemoryConfig

  /// Reads a file, applies `overrides` and checks everything that needs neither the corpus nor the
  /// number of workers.
  package init(file: String, overrides: [ConfigOverride] = []) throws(ConfigError) {
    try self.init(json: try Self.bytes(of: file), file: file, overrides: overrides)
  }

  package init(
    json: [UInt8], file: String, overrides: [ConfigOverride] = []
  ) throws(ConfigError) {
    try self.init(json: json, file: file, overrides: overrides, recorder: nil)
  }

  /// - Parameter recorder: takes note of every key that is asked for.
  init(
    json: [UInt8], file: String, overrides: [ConfigOverride] = [], recorder: ConfigKeyRecorder?
  ) throws(ConfigError) {
    let document: JSONDocument
    do {
      document = try JSONDocument(parsing: json)
    } catch {
      throw ConfigError(place: "\(file):\(error.position)", problem: "not JSON: \(error.reason)")
    }
    var value = document.value
    var source = ConfigSource(file: file, positions: document.positions)
    source.recorder = recorder
    for override in overrides { try Self.apply(override, to: &value, source: &source) }
    var reader = try ConfigReader(value, path: "", source: source)
    task = try reader.choice("task", default: .language)
    data = try DataConfig(try reader.section("data"), task: task)
    model = try ModelConfig(try reader.section("model"))
    batch = try BatchConfig(try reader.section("batch"))
    output =
      task == .language
      ? OutputConfig() : try OutputConfig(try reader.section("output"), task: task)
    optimizer = try OptimizerConfig(try reader.section("optimizer"))
    exchange = try ExchangeConfig(try reader.section("exchange"))
    optimizer.keepsMaster = exchange.compression != .none
    run = try RunConfig(try reader.section("run"))
    memory = try MemoryConfig(try reader.section("memory"))
    try reader.finish()
    try validate(source)
  }

  /// The effective config: every key, in a fixed order.
  package var json: OrderedJSON {
    let head: OrderedJSON = [
      "task": .string(task.rawValue), "data": data.json(task), "model": model.json,
      "batch": batch.json,
    ]
    let tail: OrderedJSON = [
      "optimizer": optimizer.json, "exchange": exchange.json, "run": run.json,
    ]
    return task == .language
      ? head.merging(tail) : head.merging(["output": output.json]).merging(tail)
  }

  /// Checks that span several keys.
  private func validate(_ source: ConfigSource) throws(ConfigError) {
    guard batch.sequences.isMultiple(of: batch.shards) else {
      let valid = (1...batch.sequences).filter { batch.sequences.isMultiple(of: $0) }
      throw source.failure(
        "batch.shards",
        "\(batch.shards) shards do not divide batch.sequences, which is \(batch.sequences)",
        hint: "possible are \(shortList(valid))")
    }
    if task.isGenerated, batch.window < task.leastWindow {
      throw source.failure(
        "batch.window",
        "is the length of sequences, expected at least \(task.leastWindow), found \(batch.window)")
    }
    if model.embeddingDropout > 0, !task.readsTokens {
      throw source.failure(
        "model.embedding_dropout",
        "drops tokens, and the task \"\(task.rawValue)\" reads real values",
        hint: "set it to 0")
    }
    guard task == .language || !model.tieWeights else {
      throw source.failure(
        "model.tie_weights",
        "ties the tokens that a language model reads to those it predicts, "
          + "and the task is \"\(task.rawValue)\"",
        hint: "set it to false")
    }
    if model.bidirectional, !task.allowsBothDirections {
      throw source.failure(
        "model.bidirectional",
        "reads what comes after a step too, and the task \"\(task.rawValue)\" is to predict that",
        hint: "set it to false; possible with tasks "
          + TaskName.allCases.filter(\.allowsBothDirections).map { "\"\($0.rawValue)\"" }
          .joined(separator: ", "))
    }
    if task != .language, !model.adaptiveSoftmax.isEmpty {
      throw source.failure(
        "model.adaptive_softmax", "is for task \"language\" only", hint: "set it to null")
    }
    if task != .language, batch.windowJitter > 0 {
      throw source.failure(
        "batch.window_jitter", "is for task \"language\" only", hint: "set it to 0")
    }
    if optimizer.lazy, model.tieWeights {
      throw source.failure(
        "optimizer.lazy",
        "leaves rows of the embedding alone that no input looks up, but "
          + "with model.tie_weights every row has a gradient in every step",
        hint: "set it to false")
    }
    try checkCompression(source)
    try checkLocalUpdates(source)
    guard let key = keyThatNeedsValidation else { return }
    if run.validateEvery == 0 {
      throw source.failure(
        key, "needs validations, and run.validate_every is 0", hint: "set run.validate_every")
    }
    if !data.hasValidation(task) {
      throw source.failure(
        key, "needs validations, and there is no validation \(task == .language ? "text" : "data")",
        hint: task.isGenerated
          ? "set data.valid_sequences" : "set data.valid or data.valid_fraction")
    }
  }

  /// Checks that shards can be grouped for the way between ranks.
  private func checkCompression(_ source: ConfigSource) throws(ConfigError) {
    guard exchange.compression != .none else { return }
    let groups = exchange.compressionGroups
    guard batch.canCutShards(into: groups) else {
      let possible = (1...batch.shards).filter { batch.canCutShards(into: $0) }
      throw source.failure(
        "exchange.compression_groups",
        groups == 0
          ? "exchange.compression needs it, because the trajectory depends on it"
          : "\(groups) groups do not cut \(batch.shards) shards at nodes of the canonical tree",
        hint: "set it to the number of ranks; with batch.shards \(batch.shards) possible are "
          + shortList(possible))
    }
    if optimizer.lazy {
      throw source.failure(
        "optimizer.lazy",
        "leaves rows of the embedding alone that no input looks up, but with "
          + "exchange.compression there is a gradient in them that was left out before",
        hint: "set it to false")
    }
  }

  /// A key whose value makes steps depend on validations; nil where none does.
  package var keyThatNeedsValidation: String? {
    if optimizer.schedule.name == .plateau { return "optimizer.schedule.name" }
    if run.patience > 0 { return "run.patience" }
    if optimizer.name == .asgd { return "optimizer.name" }
    return nil
  }

  /// Checks what the tokens decide: clusters need some tokens each, and rare ones to come last.
  package func validate(_ tokenizer: Tokenizer, place: String) throws(ConfigError) {
    guard let last = model.adaptiveSoftmax.last else { return }
    let key = "model.adaptive_softmax"
    let size = tokenizer.vocabularySize
    guard tokenizer.kind == .word || tokenizer.kind == .bytePair else {
      throw ConfigError(
        place: place, key: key,
        problem: "needs tokens that are numbered by how often they occur, and those of tokenizer "
          + "\"\(tokenizer.kind.rawValue)\" are not",
        hint: "set it to null, or data.tokenizer to \"word\" or \"bpe\"")
    }
    guard last < size else {
      throw ConfigError(
        place: place, key: key,
        problem: "a cluster begins with token \(last), and the vocabulary has \(size) tokens",
        hint: "every cutoff must be less than \(size)")
    }
  }

  /// Checks that every worker gets a shard.
  ///
  /// - Parameter canReshard: whether the number of shards may still be chosen, as it may not for a
  ///   checkpoint.
  package func validate(
    ranks: Int, threads: Int, place: String, canReshard: Bool = true
  ) throws(ConfigError) {
    let workers = ranks * threads
    guard workers <= batch.shards else {
      throw ConfigError(
        place: place, key: "batch.shards",
        problem: "\(workers) workers (\(Format.count(ranks, "rank")) x "
          + "\(Format.count(threads, "thread"))) need a shard each, "
          + "but there are \(batch.shards) shards",
        hint: "start fewer ranks or threads"
          + (canReshard ? ", or raise batch.shards (which changes the trajectory)" : ""))
    }
    let (key, groups) =
      exchange.isLocal
      ? ("exchange.local_groups", exchange.localGroups)
      : ("exchange.compression_groups", exchange.compressionGroups)
    if exchange.isLocal || exchange.compression != .none, !groups.isMultiple(of: ranks) {
      let possible = (1...groups).filter { groups.isMultiple(of: $0) }
      throw ConfigError(
        place: place, key: key,
        problem: "\(groups) groups cannot be dealt to \(Format.count(ranks, "rank")) as wholes",
        hint: "possible numbers of ranks are \(shortList(possible))")
    }
  }

  private static func bytes(of file: String) throws(ConfigError) -> [UInt8] {
    let largest = 4 << 20
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
      throw ConfigError(place: file, problem: "no such config file")
    }
    if isDirectory.boolValue {
      throw ConfigError(place: file, problem: "expected a config file, found a directory")
    }
    guard let handle = FileHandle(forReadingAtPath: file) else {
      throw ConfigError(
        place: file, problem: "the config file cannot be opened", hint: "check its permissions")
    }
    let data: Data
    do {
      // Nothing comes of a file without a byte.
      data = try handle.read(upToCount: largest + 1) ?? Data()
    } catch {
      throw ConfigError(
        place: file, problem: "the config file cannot be read: \(error.localizedDescription)")
    }
    guard !data.isEmpty else {
      throw ConfigError(place: file, problem: "the file is empty, expected a config in JSON")
    }
    guard data.count <= largest else {
      throw ConfigError(place: file, problem: "larger than 4 MiB, which is no config")
    }
    return [UInt8](data)
  }

  private static func apply(
    _ override: ConfigOverride, to value: inout OrderedJSON, source: inout ConfigSource
  ) throws(ConfigError) {
    let assignment = override.assignment
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw ConfigError(place: override.option, problem: "expected key.path=value")
    }
    let key = String(assignment[..<equals])
    let text = String(assignment[assignment.index(after: equals)...])
    let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    if path.contains("") {
      throw ConfigError(place: override.option, problem: "\"\(key)\" is no key path")
    }
    let parsed = (try? OrderedJSON(parsing: text)) ?? .string(text)
    if let obstacle = value.set(parsed, at: path) {
      throw ConfigError(
        place: override.option, problem: "\(obstacle.joined(separator: ".")) is not a section")
    }
    source.overrides[key] = override.option
  }
}

/// A value of a config that the command line sets.
package struct ConfigOverride: Sendable {
  /// "key.path=value", the value as JSON or else as a string.
  package var assignment: String
  /// The option as it was given, for error messages.
  package var option: String

  /// What `--set` gives.
  package init(set assignment: String) {
    self.assignment = assignment
    option = "--set \(assignment)"
  }

  /// What an option with a name of its own gives for one key.
  package init(_ key: String, _ value: OrderedJSON, option: String) {
    assignment = "\(key)=\(value.line)"
    self.option = "\(option) \(value.stringValue ?? value.line)"
  }
}

/// A list cut short in the middle when it is long.
func shortList(_ values: [Int]) -> String {
  values.count <= 12
    ? values.map(String.init).joined(separator: ", ")
    : values.prefix(8).map(String.init).joined(separator: ", ") + ", ... , \(values.last ?? 0)"
}
