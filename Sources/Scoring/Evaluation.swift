import Batches
package import Checkpoints
package import Collectives
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import Kernels
package import Records
import Tasks
import TextSequences

/// Measures a checkpoint's loss on its validation text or on another one, by any number of ranks.
package struct Evaluation {
  package var path: String
  /// Which of a run's checkpoints; nil takes the best where it has validated.
  package var wish: ChosenCheckpoint.Wish?
  /// A text to measure on instead of the validation text.
  package var text: String?
  /// Whether what the config sets aside to test on is measured, in place of the validation data.
  package var isTest = false
  /// Steps from one origin of a backtest to the next; nil for every window by itself.
  package var backtest: Int?
  /// Levels of the intervals that forecasts are measured by; nil for the usual ones.
  package var intervals: [Double]?
  package var threads: Int?
  /// Parts that the text is cut into, each of which starts from the initial state; nil for as many
  /// as there were sequences in training.
  package var streams: Int?
  package var instructionSet = "auto"

  package init(path: String, text: String?, threads: Int?, instructionSet: String) {
    self.path = path
    self.text = text
    self.threads = threads
    self.instructionSet = instructionSet
  }

  /// Every rank calls it; all throw alike.
  package func run(on communicator: any Communicator, console: Console) throws {
    let model = try communicator.agree { try LoadedModel(path: path, wanting: wish) }
    try communicator.requireEqual(model.state.fingerprint, of: model.checkpoint.path)
    if communicator.rank == 0 { model.refusals.forEach(Console.complain) }
    let kernels = try communicator.agree {
      try Kernels.selected(instructionSet, model.config.model.precision.kernels)
    }
    try communicator.agree { try requireForecasts(model) }
    let ranks = communicator.worldSize
    var config = try communicator.agree { try self.config(of: model, ranks: ranks) }
    let plan = try config.plan(
      threads: threads, place: path, canReshard: false, on: communicator)
    let progress = ReadingProgress()
    progress.allow(ContainerLimits.current.allowance(ranks: communicator.ranksOnHost))
    let known = try TrainedCounts(
      of: model, forOtherText: text, on: communicator, progress)
    let subject = try self.subject(of: model, on: communicator, progress, known)
    try communicator.requireEqual(subject.fingerprint, of: subject.path)
    let trained = config.batch.window
    config.batch.window = subject.window ?? trained
    try communicator.agree {
      try MemoryPlan(
        shape: model.shape, config: config, plan: plan,
        ranksOnHost: communicator.ranksOnHost, slots: subject.slots,
        dataBytes: subject.memoryBytes, use: .forward, kernels: kernels
      ).checkFits()
    }
    let scorer = try communicator.agree {
      try model.scorer(
        kernels: kernels, window: config.batch.window, plan: plan, slots: subject.slots,
        on: communicator)
    }
    if case .text(_, let training) = subject { scorer.trainingText = training }
    if backtest != nil || intervals != nil {
      scorer.measureForecasts(
        intervals: intervals,
        originsOf: backtest == nil ? nil : subject.scored(window: config.batch.window))
    }
    let score = try scorer.score(on: subject.scored(window: config.batch.window))
    report(
      score, of: model, on: subject, windows: (trained, config.batch.window), console: console)
    if let missing = known.missing { console.say(missing) }
  }

  /// Says what was measured.
  ///
  /// - Parameter windows: steps of a row in training and now.
  private func report(
    _ score: Score, of model: LoadedModel, on subject: Subject,
    windows: (trained: Int, now: Int), console: Console
  ) {
    console.say("\(model.checkpoint.path) on \(subject.path)")
    if let words = model.choice.words { console.say("taken: \(words)") }
    if let backtest {
      console.say(
        "backtest: an origin every \(Format.count(backtest, "step")); the model stays as it was "
          + "trained")
    }
    if windows.now > windows.trained {
      console.say(
        "sequences of up to \(Format.count(windows.now, "step")), longer than "
          + "the \(windows.trained) of training")
    }
    console.say("step \(model.state.step)  \(score.words)")
    if score.unknownTargets > 0, model.neverTrainedUnknown {
      console.say(
        "<unk> was never trained: the training text has no unknown token, so that their losses say "
          + "nothing")
    }
    if case .sequences(let data, _) = subject, data.tokenizer?.unknown != nil {
      let count = data.validationTokens
      let isOfItems = model.task.outputs == .items
      console.say(
        "unknown are \(Format.share(count.unknown, of: count.tokens)) of its "
          + Format.count(count.tokens, isOfItems ? "item" : "token")
          + (isOfItems ? " to predict, and do not count" : ""))
    }
    let unknown = subject.unknownCategories.map {
      OrderedJSON.Member($0.column, .integer($0.steps))
    }
    let left = subject.unknownClasses
    if let left { console.say("unknown: \(left.words)") }
    for (column, count) in subject.unknownCategories {
      console.say(
        "column \"\(column)\": no category, or one that the model does not know, in "
          + Format.count(count, "step"))
    }
    if text != nil, case .sequences(let data, _) = subject {
      // The file stands for training and validation alike: what is said of both is said once.
      for line in data.summary.lines where line.label == "remark" {
        if line.text.hasPrefix("validation: ") || line.text.hasPrefix("'") { continue }
        console.say("remark: \(line.text)")
      }
    }
    for warning in score.warnings { console.say(warning) }
    for line in score.figures.tables.flatMap(\.lines) { console.say(line) }
    let head: OrderedJSON = [
      "kind": "evaluation", "checkpoint": .string(model.checkpoint.path),
      "text": .string(subject.path), "step": .integer(model.state.step),
      "tokens": .integer(score.targets), "loss": .number(score.loss),
    ]
    console.record(
      head.merging(isTest ? ["part": "test"] : [:])
        .merging(unknown.isEmpty ? [:] : ["unknown_categories": .object(unknown)])
        .merging(left?.json ?? [:])
        .merging(backtest.map { ["backtest_step": .integer($0)] } ?? [:]).merging(score.measures)
        .merging(model.choice.json).merging(score.tables))
  }

  /// Throws where what is asked for is for forecasts, and the model makes none.
  private func requireForecasts(_ model: LoadedModel) throws {
    let isForecast = model.task.sequences == .windows
    if backtest != nil, !isForecast {
      throw UsageError("--backtest is for forecasts, and the task is \"\(model.task.name)\"")
    }
    if intervals != nil, !isForecast || ![.gaussian, .studentT].contains(model.task.loss) {
      throw UsageError(
        "--intervals is for forecasts by output.loss \"gaussian\" or \"student\"; of quantiles "
          + "the intervals are those that the model learnt, and points have none")
    }
  }

  /// The model's config, with another batch where that is asked for.
  private func config(of model: LoadedModel, ranks: Int) throws -> Config {
    var config = model.config
    // Nothing is sent that could be rounded, and nobody trains apart: any number of ranks will do.
    config.exchange = ExchangeConfig()
    guard let streams else { return config }
    guard model.task.readsText else {
      throw UsageError("--streams: only a text is cut into streams, the task is another")
    }
    config.batch.sequences = streams
    // A shard each, or as many as divide the streams.
    let most = min(streams, config.batch.shards)
    config.batch.shards = (1...most).last { streams.isMultiple(of: $0) } ?? 1
    guard ranks <= config.batch.shards else {
      throw UsageError(
        "--streams: \(streams) streams make "
          + "\(Format.count(config.batch.shards, "equal part")), fewer than the \(ranks) ranks; "
          + "take a multiple of \(ranks), or fewer ranks")
    }
    return config
  }

  /// Every rank calls it; all throw alike.
  private func subject(
    of model: LoadedModel, on communicator: any Communicator, _ progress: ReadingProgress,
    _ known: TrainedCounts
  ) throws -> Subject {
    if model.task.readsText {
      return try textSubject(of: model, on: communicator, progress, known)
    }
    return try sequenceSubject(of: model, on: communicator, progress, known)
  }

  /// Sequences, which the ranks of a host hold once.
  private func sequenceSubject(
    of model: LoadedModel, on communicator: any Communicator, _ progress: ReadingProgress,
    _ known: TrainedCounts
  ) throws -> Subject {
    var config = model.config
    if let backtest { config.data.task.stride = backtest }
    if isTest { try communicator.agree { try requireTest(of: config) } }
    if let text {
      try communicator.agree {
        if model.task.isGenerated {
          throw UsageError("--text: task \"\(model.task.name)\" makes its sequences up")
        }
      }
      // Everything in it is measured on, seen as the training data were.
      if config.data.task.format == .auto, SequenceFormat(path: text) == nil,
        !model.task.hasTokenizer
      {
        config.data.task.format = SequenceFormat(path: config.data.train) ?? .auto
      }
      config.data.train = text
      config.data.valid = text
      do {
        return .sequences(
          try sequences(config, of: model, on: communicator, progress, known.counts), path: text)
      } catch var error as DataFileError {
        // Keys of the config cannot be set here.
        if error.hint?.contains("data.") == true {
          error.hint = "change the file: it is read as the run's config says"
        }
        throw error
      }
    }
    let data = try sequences(config, of: model, on: communicator, progress)
    return try communicator.agree {
      guard data.fingerprint == model.state.corpusFingerprint else {
        throw UsageError(
          "\(config.data.train) is not what the checkpoint was trained on; name data with --text")
      }
      guard data.validation != nil else {
        throw UsageError("the run set nothing aside for \(isTest ? "a test" : "validation")")
      }
      let path =
        isTest
        ? config.data.test ?? "the test part of \(config.data.train)"
        : config.data.valid
          ?? (model.task.isGenerated
            ? "the \(model.task.name) task" : "the validation part of \(config.data.train)")
      return .sequences(data, path: path)
    }
  }

  /// Throws where nothing is set aside to test on.
  private func requireTest(of config: Config) throws {
    if config.data.hasTest { return }
    throw UsageError(
      "--test: the run set nothing aside to test on (data.test, data.test_fraction or "
        + "data.split.test); name a file with --text")
  }

  /// What a config asks for, seen as the training data were.
  private func sequences(
    _ config: Config, of model: LoadedModel, on communicator: any Communicator,
    _ progress: ReadingProgress, _ trainedCounts: [Int]? = nil
  ) throws -> SequenceData {
    var request = config.sequenceRequest
    request.text?.trainedCounts = trainedCounts
    request.measuresTest = isTest
    request.countsUnknownClasses = true
    request.progress = progress
    request.growsWindow = true
    return try config.openSequences(
      request, frame: model.frame, tokenizer: model.task.hasTokenizer ? model.tokenizer : nil,
      on: communicator
    ) { Console.complain("gru-dist: \($0)") }
  }

  /// A text, which the ranks of a host hold once.
  private func textSubject(
    of model: LoadedModel, on communicator: any Communicator, _ progress: ReadingProgress,
    _ known: TrainedCounts
  ) throws -> Subject {
    let tokenizer = model.state.tokenizer
    func complain(_ problem: String) { Console.complain("gru-dist: \(problem)") }
    func wholeText(_ path: String) throws -> CorpusSplit.Part {
      let corpus = try model.config.openTexts(
        train: path, valid: nil, on: communicator, complain: complain
      ) {
        Texts(train: try TokenCorpus(path: path, tokenizer: tokenizer, progress: progress))
      }.train
      return try communicator.agree {
        guard corpus.count >= 2 else {
          throw UsageError(
            "text '\(path)' has 1 token, expected at least 2: there is nothing to predict")
        }
        return CorpusSplit.Part(corpus: corpus, range: 0..<corpus.count)
      }
    }
    if let text { return .text(try wholeText(text), training: known.text) }
    if isTest { try communicator.agree { try requireTest(of: model.config) } }
    let data = try model.config.openData(
      as: .tokenizer(tokenizer), on: communicator, progress: progress, complain: complain)
    guard case .text(let split) = data else { preconditionFailure("a text is none") }
    try communicator.agree {
      guard split.training.corpus.fingerprint == model.state.corpusFingerprint else {
        throw UsageError(
          "\(model.config.data.train) is not the text that the checkpoint was trained on; name a "
            + "text with --text")
      }
    }
    if isTest, let path = model.config.data.test {
      return .text(try wholeText(path), training: split.training)
    }
    return try communicator.agree {
      if let test = split.test, isTest { return .text(test, training: split.training) }
      guard let validation = split.validation else {
        throw UsageError(
          "the run set no validation text aside (data.valid_fraction is 0); name one with --text")
      }
      return .text(validation, training: split.training)
    }
  }
}
