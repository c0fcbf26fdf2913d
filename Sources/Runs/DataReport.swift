import Batches
import Configuration
import Corpora
import Datasets
import Engine
import NumericContract
import Records
import Tasks

/// What is said of a run's data before it begins, alike by `check` and by the run itself.
struct DataReport {
  private(set) var summary: DataSummary

  init(_ data: TrainingData, _ config: Config) {
    switch data {
    case .text(let split):
      summary = DataSummary()
      describe(split, config)
    case .sequences(let data):
      summary = data.summary
      describe(data, config)
    }
    if config.contract != .newest {
      summary.say(
        "remark",
        "the run goes by version \(config.contract.rawValue) of the numeric contract, and new ones "
          + "by version \(ContractVersion.newest.rawValue), which reads more of the data "
          + "(docs/numeric-contract.md)")
    }
    if let path = config.data.test {
      let size = FileStatus(path)?.byteCount
      summary.say(
        "test",
        "'\(path)'" + (size.map { ", \(Format.bytes($0))" } ?? " (there is no such file yet)")
          + ", which evaluate --test reads and training does not")
      summary.add(["test_file": .string(path)])
    }
    remark(ofSameFiles: config, isSame: data.validationFingerprint == data.fingerprint)
    for remark in config.scheduleRemarks { summary.say("remark", remark) }
    let remarks = summary.lines.filter { $0.label == "remark" }
    summary.add(["remarks": .array(remarks.map { .string($0.text) })])
  }

  /// A line each, after the word that says what it is of.
  var lines: [String] {
    summary.lines.map { line in
      line.label + String(repeating: " ", count: max(1, 12 - line.label.utf8.count)) + line.text
    }
  }

  /// Says where what is measured on is what a run trains on.
  ///
  /// - Parameter isSame: whether a file to validate on holds the same as that to train on.
  private mutating func remark(ofSameFiles config: Config, isSame: Bool) {
    func leadsTo(_ path: String?, _ other: String?) -> Bool {
      guard let path, let other, let status = FileStatus(path) else { return false }
      return status.identity == FileStatus(other)?.identity
    }
    let data = config.data
    if let valid = data.valid, isSame || leadsTo(valid, data.train) {
      summary.say(
        "remark",
        "data.valid holds what data.train does: validations tell how well the run has learnt its "
          + "data by heart, and not how well it does on others")
    }
    for (key, path) in [("data.train", data.train), ("data.valid", data.valid)]
    where leadsTo(data.test, path) {
      summary.say("remark", "data.test is \(key): it is no test of what the run has not seen")
    }
  }

  private mutating func describe(_ split: CorpusSplit, _ config: Config) {
    let training = split.training
    let tokenizer = training.corpus.tokenizer
    let validationTokens = split.validation?.range.count ?? 0
    summary.say(
      "text",
      "'\(training.corpus.path)': \(Format.grouped(training.corpus.count)) tokens of "
        + "\(Format.grouped(tokenizer.vocabularySize)) kinds (\(tokenizer.kind.rawValue))")
    summary.say(
      "corpus",
      "\(Format.grouped(training.range.count)) training tokens, "
        + "\(Format.grouped(validationTokens)) validation tokens"
        + (config.data.valid.map { " of '\($0)'" } ?? ""))
    if let test = split.test {
      let count = Format.grouped(test.range.count)
      summary.say(
        "test", "\(count) tokens, kept for evaluate --test; nothing is learnt from them")
      summary.add(["test_tokens": .integer(test.range.count)])
    }
    summary.add([
      "training_tokens": .integer(training.range.count),
      "validation_tokens": .integer(validationTokens),
      "vocabulary_size": .integer(tokenizer.vocabularySize),
      "tokenizer": .string(tokenizer.kind.rawValue),
    ])
    let streams = StreamPlan(
      tokenRange: training.range, sequences: config.batch.sequences, window: config.batch.window,
      contract: config.contract)
    describe(streams)
    describe(
      steps: config.batch.tokensPerStep, "tokens", batchesPerEpoch: streams.windowsPerEpoch, config)
    remark(ofUnknown: split)
    remark(ofVocabulary: split)
  }

  /// Says how much of the training text an epoch trains on.
  private mutating func describe(_ streams: StreamPlan) {
    let targets = streams.tokenRange.count - 1
    let read = streams.targetsPerEpoch
    let left = targets - read
    summary.say(
      "epoch",
      "trains on \(left == 0 ? "all" : share(read, of: targets) + " of the") "
        + "\(Format.count(targets, "target")): "
        + "\(Format.count(streams.fullWindows, "window")) of "
        + Format.count(streams.window, "step")
        + (streams.lastSteps > 0 ? " and one of \(streams.lastSteps)" : "")
        + (streams.restTargets > 0
          ? ", and one more for the last \(Format.count(streams.restTargets, "target"))" : "")
        + (left > 0 ? "; \(Format.grouped(left)) are left out" : ""))
    summary.add(["targets_per_epoch": .integer(read), "training_targets": .integer(targets)])
  }

  /// A part in percent, never rounded up to all of it.
  private func share(_ part: Int, of whole: Int) -> String {
    Format.fixed((1000 * Double(part) / Double(whole)).rounded(.down) / 10, 1) + " %"
  }

  private mutating func describe(_ data: SequenceData, _ config: Config) {
    if config.taskDescription.isGenerated {
      return summary.say(
        "steps",
        "\(Format.grouped(config.run.steps)) of "
          + "\(Format.count(config.batch.sequences * config.batch.accumulate, "sequence"))")
    }
    describe(
      steps: config.batch.sequences * config.batch.accumulate,
      config.taskDescription.sequences == .windows ? "windows" : "rows",
      batchesPerEpoch: data.training.batchCount, config)
  }

  /// Says how many updates there are, and how often they go through the data.
  private mutating func describe(
    steps size: Int, _ unit: String, batchesPerEpoch: Int, _ config: Config
  ) {
    let accumulated = config.batch.accumulate
    let perEpoch = batchesPerEpoch / accumulated
    let epochs =
      Double(config.run.steps) * Double(accumulated) / Double(max(1, batchesPerEpoch))
    summary.say(
      "steps",
      "\(config.run.steps) of \(Format.grouped(size)) \(unit), "
        + "\(perEpoch) an epoch, \(Format.fixed(epochs, 2)) epochs")
    summary.add(["steps_per_epoch": .integer(perEpoch)])
  }

  /// Says what unknown tokens do to figures.
  private mutating func remark(ofUnknown split: CorpusSplit) {
    let unknown = split.training.unknownTargets
    let targets = split.training.range.count - 1
    if unknown > 0 {
      summary.add(["unknown_targets": .integer(unknown)])
      summary.say(
        "remark",
        "\(Format.share(unknown, of: targets)) of the training targets are unknown (<unk>), "
          + "which is easier to say than the text is: no bits per byte")
      if let validation = split.validation, validation.unknownTargets > 0,
        2 * validation.unknownTargets >= validation.range.count - 1
      {
        summary.say(
          "remark",
          "\(Format.share(validation.unknownTargets, of: validation.range.count - 1)) of the "
            + "validation targets are unknown (<unk>), so that its figures say little")
      }
    } else if let validation = split.validation, validation.unknownTargets > 0 {
      summary.say(
        "remark",
        "\(Format.share(validation.unknownTargets, of: validation.range.count - 1)) of the "
          + "validation targets are unknown (<unk>), which the training text has none of, so "
          + "that their losses say nothing")
    }
  }

  /// Says what the vocabulary was learnt from, where that is not the training part alone.
  private mutating func remark(ofVocabulary split: CorpusSplit) {
    let corpus = split.training.corpus
    if let words = corpus.spelled.words { summary.say("remark", words) }
    if corpus.isPrepared, corpus.tokenizer.kind != .byte,
      split.validation?.corpus === corpus || split.test != nil
    {
      summary.say(
        "remark",
        "the vocabulary of '\(corpus.path)' was learnt when it was prepared, the part that is held "
          + "out included; prepare two texts for one that was not")
    }
  }
}
