import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Interchange
import Kernels
package import Records
import Scoring
import WarmStarts

/// Checks a config and its corpora, and says what a run of it would be, without starting one.
package struct ConfigCheck {
  package var options: TrainOptions
  /// Workers that the memory plan is for.
  package var ranks = 1

  package init(options: TrainOptions) { self.options = options }

  package func run(console: Console) throws {
    var config = try Config(file: options.configFile, overrides: options.overrides)
    // As a run takes them, where its ranks share this machine.
    let usable = try UsableCores.threadsPerRank(SoloCommunicator()) / ranks
    let threads = options.threads ?? max(1, min(usable, config.usefulThreads(ranks: ranks)))
    try config.validate(ranks: ranks, place: options.configFile)
    let plan = ShardPlan(
      sequences: config.batch.sequences, shards: config.batch.shards, ranks: ranks,
      threads: threads, groups: config.exchange.groups)
    let kernels = try Kernels.selected(
      options.instructionSet, config.model.precision.kernels)
    try config.requireModelFits(plan, ranksOnHost: ranks, kernels: kernels)
    let progress = ReadingProgress()
    progress.allow(ContainerLimits.current.allowance(ranks: ranks))
    let data = try config.openData(progress: progress)
    config = try config.settled(by: data, place: options.configFile)
    let shape: ModelShape
    switch data {
    case .text(let split):
      let tokenizer = split.training.corpus.tokenizer
      try config.validateVocabulary(of: split.training.corpus, place: options.configFile)
      try config.validate(tokenizer, place: options.configFile)
      shape = config.shape(vocabularySize: tokenizer.vocabularySize)
    case .sequences(let data):
      if let tokenizer = data.tokenizer {
        try config.validate(tokenizer, place: options.configFile)
      }
      shape = config.shape(for: data)
    }
    let table = ParameterTable(shape: shape)
    let memory = try MemoryPlan(
      shape: shape, config: config, plan: plan, ranksOnHost: ranks, slots: data.slots,
      dataBytes: data.memoryBytes, kernels: kernels)
    console.put(config.json.pretty)
    console.say(
      "model       \(shape.recurrenceInWords), \(shape.endsInWords), "
        + "\(Format.grouped(table.parameterCount)) parameters")
    for parameter in table.parameters {
      console.say("            \(parameter.name) \(parameter.shape)")
    }
    kernels.remarks.forEach { console.say("remark      \($0)") }
    try config.requireParts(of: shape, place: options.configFile)
    if let parts = config.partsInWords(of: shape) { console.say("trains      \(parts)") }
    let report = DataReport(data, config)
    report.lines.forEach(console.say)
    let vectors = try vectors(config, data, shape)
    vectors?.lines.forEach(console.say)
    console.say("exports     \(shape.exportsInWords)")
    console.say(
      "memory      of each of \(Format.count(ranks, "rank")) with "
        + "\(Format.count(threads, "thread")):"
    )
    for item in memory.items {
      console.say("            \(item.name): \(Format.bytes(item.bytes))")
    }
    console.say("            total: \(Format.bytes(memory.totalBytes))")
    try memory.checkFits()
    let head: OrderedJSON = [
      "kind": "check", "config": config.json, "model": shape.json,
      "parameters": .integer(table.parameterCount),
    ]
    let start = vectors?.json ?? [:]
    console.record(
      head.merging(report.summary.json).merging(start).merging([
        "exports": .array(shape.exports.map { .string($0) }), "memory": memory.json,
      ]))
  }

  /// What of the vectors that the config names the vocabulary has; nil where it names none.
  private func vectors(
    _ config: Config, _ data: TrainingData, _ shape: ModelShape
  ) throws -> StartReport? {
    guard let path = config.data.embeddings else { return nil }
    let start = WarmStart(vectors: path, on: SoloCommunicator())
    let target = ModelTarget(config: config, shape: shape, tokenizer: data.tokenizer, frame: nil)
    try start.plan(for: target) { data.inputCounts }
    return start.report
  }
}
