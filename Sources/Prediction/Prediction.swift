package import Checkpoints
package import Collectives
import Configuration
import Datasets
import Engine
import GRUCore
import Kernels
import Records
import Scoring
import Tasks

/// Which states of the top layer are given.
package enum StateReading: String, CaseIterable, Sendable {
  /// That after a sequence's last step.
  case last
  /// The mean of all.
  case mean
}

/// What scores of texts are given of.
package enum ScoreUnit: String, CaseIterable, Sendable {
  /// Each line, or what else stands for itself.
  case line
  case token
}

/// Applies a model to new data, by any number of ranks, in the order of the data.
package struct Prediction {
  /// A checkpoint, or a run.
  package var path: String
  /// Which of a run's checkpoints; nil takes the best where it has validated.
  package var wish: ChosenCheckpoint.Wish?
  /// What is read; "-" is standard input.
  package var files = ["-"]
  /// Where it goes; nil is standard output.
  package var output: String?
  /// Nil is by the name of the output, else CSV.
  package var format: ResultFormat?
  /// Columns that are handed on.
  package var kept: [String] = []
  /// Likeliest classes; nil for the likeliest alone.
  package var top: Int?
  /// Whether of each series only what follows its end is forecast.
  package var lastOnly = false
  /// Gives states instead of outputs.
  package var states: StateReading?
  /// What a language model's scores are of; nil is of lines.
  package var unit: ScoreUnit?
  /// Says which tokens are not among so many of the likeliest.
  package var ranks: Int?
  /// Whether lines are answered as they come, each by the state of its session: a column, at most
  /// so many values of which are known at a time.
  package var follows = false
  package var session: String?
  package var sessions = 10_000
  package var threads: Int?
  /// Rows of a batch for each worker; nil for as many as are of use.
  package var rows: Int?
  package var instructionSet = "auto"

  package init(path: String) { self.path = path }

  /// Every rank calls it; all throw alike.
  package func run(on communicator: any Communicator) throws {
    let model = try communicator.agree { try LoadedModel(path: path, wanting: wish) }
    try communicator.requireEqual(model.state.fingerprint, of: model.checkpoint.path)
    let kernels = try communicator.agree {
      try requireMeaning(for: model)
      if follows {
        try requireMeaningOfFollowing(ranks: communicator.worldSize)
        try FollowedInput.requireSteps(of: model)
      }
      return try Kernels.selected(instructionSet, model.config.model.precision.kernels)
    }
    let predictor = try Predictor(
      model, kernels: kernels, threads: threads, rows: rows, on: communicator)
    var writer: ResultWriter?
    try communicator.coordinate {
      writer = try ResultWriter(
        output: output, format: format, inputs: files.filter { $0 != "-" })
      model.refusals.forEach(Console.complain)
      Console.complain(
        "gru-dist: predicting with \(model.checkpoint.path)"
          + (model.choice.words.map { ", \($0)" } ?? ""))
    }
    do {
      let results = Results(writer, communicator)
      if follows {
        let input = try FollowedInput(self, predictor, results)
        try input.run()
        try results.finish("line")
        return try input.requireAllRead()
      }
      if model.task.hasTokenizer {
        let texts = try TextPredictions(self, predictor, results)
        for file in files { try texts.predict(file) }
      } else {
        let tables = try TablePredictions(self, predictor, results)
        for file in files { try tables.predict(file) }
        try tables.requireSome()
      }
      try results.finish(
        model.task.sequences == .windows
          ? "window"
          : model.task.outputs == .items
            ? "session" : model.task.hasTokenizer ? "text" : "sequence",
        computing: predictor.computing)
    } catch let error where !(error is any CommonError || error is CollectiveError) {
      // What was answered before stands, unless it is the output that failed.
      if communicator.worldSize == 1 { try? writer?.flush() }
      // The others are told where they wait for the next part.
      try communicator.agree { throw error }
    }
  }

  /// Throws where an option does not apply to the model.
  private func requireMeaning(for model: LoadedModel) throws {
    let task = model.task
    func refuse(_ option: String, _ reason: String) -> UsageError {
      UsageError("--\(option): \(reason); the run's task is \"\(task.name)\"")
    }
    if task.isGenerated {
      throw UsageError(
        "\(path) is of task \"\(task.name)\", whose data are generated: there is nothing to "
          + "predict")
    }
    if task.outputs == .items, states == nil, model.shape.adaptiveSoftmax != nil {
      throw UsageError(
        "\(path) has an adaptive softmax (output.adaptive), which has no scores of all items to "
          + "rank")
    }
    if unit != nil || ranks != nil {
      let option = unit != nil ? "by" : "ranks"
      if !task.writesText { throw refuse(option, "only a language model scores texts") }
      if states != nil { throw refuse(option, "--states gives states, and no scores") }
      if ranks != nil, model.shape.adaptiveSoftmax != nil {
        throw refuse("ranks", "an adaptive softmax has no scores of all tokens")
      }
    }
    if states != nil, top != nil { throw refuse("top", "--states gives states, and no classes") }
    if top != nil, task.outputs != .classes, task.outputs != .items {
      throw refuse("top", "only classes and items are ranked")
    }
    if lastOnly, task.sequences != .windows {
      throw refuse("last", "only series have a last window")
    }
    if let name = kept.first(where: { name in kept.filter({ $0 == name }).count > 1 }) {
      throw UsageError("--keep: \"\(name)\" appears twice")
    }
    if files.filter({ $0 == "-" }).count > 1 {
      throw UsageError("standard input (-) is named twice")
    }
  }
}

extension Prediction {
  /// Throws where options do not go with lines that are answered as they come.
  private func requireMeaningOfFollowing(ranks: Int) throws {
    func refuse(_ words: String) -> UsageError { UsageError("--follow \(words)") }
    if ranks > 1 { throw refuse("answers line by line, in one process; start it without mpirun") }
    if files.count > 1 { throw refuse("reads one file or pipe, \(files.count) are named") }
    if lastOnly { throw refuse("forecasts after every line; leave --last out") }
    if states == .mean { throw refuse("knows the last state; leave --states mean out") }
    if rows != nil || threads.map({ $0 > 1 }) == true {
      throw refuse("computes one line at a time, by one thread; leave --batch and --threads out")
    }
    if let session, kept.contains(session) {
      throw UsageError("--keep: \"\(session)\" is handed on anyway, as the session")
    }
  }
}

/// What goes to the writer, which only rank 0 has, and how ranks keep in step.
final class Results {
  let writer: ResultWriter?
  let communicator: any Communicator
  /// Items predicted so far.
  var count = 0
  private var failure: (any Error)?

  init(_ writer: ResultWriter?, _ communicator: any Communicator) {
    self.writer = writer
    self.communicator = communicator
  }

  /// Waits for all ranks before a part of the data is computed: throws on all of them where one has
  /// failed, or has read something else.
  func beginPart(_ items: Int) throws {
    if communicator.worldSize == 1 {
      if let failure { throw failure }
      return
    }
    try communicator.agree { if let failure { throw failure } }
    try communicator.requireEqual("\(items) sequences", of: "what is read")
  }

  /// Lets rank 0 write; what fails is told before the next part.
  func write(_ body: (ResultWriter) throws -> Void) throws {
    guard let writer, failure == nil else { return }
    do { try body(writer) } catch {
      if communicator.worldSize == 1 { throw error }
      failure = error
    }
  }

  /// Ends a file.
  func endFile() throws {
    try beginPart(-1)
    try write { try $0.flush() }
  }

  /// Writes what is left, and says how much there is.
  ///
  /// - Parameters:
  ///   - noun: what an item is called.
  ///   - computing: how long the model took; nil where nobody asks.
  func finish(_ noun: String, computing: Duration? = nil) throws {
    try communicator.agree {
      if let failure { throw failure }
      try writer?.finish()
      guard writer != nil else { return }
      let time = computing.map { " (computing took \(Format.fixed($0 / .seconds(1), 3)) s)" }
      Console.complain("gru-dist: \(Format.count(count, noun)) predicted" + (time ?? ""))
    }
  }
}
