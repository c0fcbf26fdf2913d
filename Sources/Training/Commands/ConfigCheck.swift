import Corpora
import GRUCore
import Kernels

/// Checks a config and its corpora, and says what a run of it would be, without starting one.
package struct ConfigCheck {
  package var options: TrainOptions
  /// Workers that the memory plan is for.
  package var ranks = 1

  package init(options: TrainOptions) { self.options = options }

  package func run(console: Console) throws {
    let config = try Config(file: options.configFile, overrides: options.overrides)
    let threads = options.threads ?? 1
    try config.validate(ranks: ranks, threads: threads, place: options.configFile)
    let plan = ShardPlan(
      sequences: config.batch.sequences, shards: config.batch.shards, ranks: ranks,
      threads: threads)
    let split = try TrainingSetup.openCorpora(config)
    let tokenizer = split.training.corpus.tokenizer
    let shape = config.model.shape(vocabularySize: tokenizer.vocabularySize)
    let table = ParameterTable(shape: shape)
    let streams = StreamPlan(
      tokenRange: split.training.range, sequences: config.batch.sequences,
      window: config.batch.window)
    let memory = MemoryPlan(
      shape: shape, config: config, plan: plan, ranksOnHost: ranks,
      kernels: try Kernels.selected(options.instructionSet, config.model.precision))
    let perStep = config.batch.sequences * config.batch.window
    let epochs = Double(config.run.steps) / Double(streams.windowsPerEpoch)

    console.put(config.json.pretty)
    console.say(
      "model       \(shape.cell.words), vocabulary \(shape.vocabularySize), "
        + "\(Format.grouped(table.parameterCount)) parameters")
    for parameter in table.parameters {
      console.say("            \(parameter.name) \(parameter.shape)")
    }
    console.say(
      "corpus      \(Format.grouped(split.training.range.count)) training tokens, "
        + "\(Format.grouped(split.validation?.range.count ?? 0)) validation tokens")
    console.say(
      "steps       \(config.run.steps) of \(Format.grouped(perStep)) tokens, "
        + "\(streams.windowsPerEpoch) an epoch, \(Format.fixed(epochs, 2)) epochs")
    console.say(
      "memory      of each of \(Format.count(ranks, "rank")) with "
        + "\(Format.count(threads, "thread")):"
    )
    for item in memory.items {
      console.say("            \(item.name): \(Format.bytes(item.bytes))")
    }
    console.say("            total: \(Format.bytes(memory.totalBytes))")
    try memory.checkFits()
    console.record([
      "kind": "check", "config": config.json, "model": shape.json,
      "parameters": .integer(table.parameterCount),
      "training_tokens": .integer(split.training.range.count),
      "validation_tokens": .integer(split.validation?.range.count ?? 0),
      "steps_per_epoch": .integer(streams.windowsPerEpoch), "memory": memory.json,
    ])
  }
}
