import Checkpoints
import Collectives
import Configuration
import Datasets
import Engine
import Foundation
import GRUCore
import Kernels
import Records
import Testing

@testable import Debugging
@testable import Runs

/// A task with data of its own, small enough to train within a second.
struct TaskScenario: Sendable, CustomTestStringConvertible {
  var task: String
  var file: String
  var content: String
  var rest: String
  /// Keys of the model.
  var model = ""
  /// Keys of the data.
  var data = ""

  static let all: [TaskScenario] = [
    TaskScenario(task: "adding", file: "none", content: "", rest: ""),
    TaskScenario(task: "copy", file: "none", content: "", rest: ""),
    TaskScenario(
      task: "classification", file: "a.jsonl", content: classes,
      rest: #", "output": {"readout": "mean"}"#),
    TaskScenario(task: "multilabel", file: "a.jsonl", content: rolls, rest: ""),
    TaskScenario(task: "forecasting", file: "a.csv", content: waves, rest: ""),
    TaskScenario(
      task: "classification", file: "a.jsonl", content: classes, rest: "",
      model: #", "bidirectional": true"#),
    TaskScenario(
      task: "classification", file: "a.jsonl", content: classes,
      rest: #", "output": {"readout": "mean"}"#,
      model: #"""
        , "bidirectional": true, "cell": "gru", "reset": "after", "dropout": 0.1,
        "recurrent_dropout": 0.1, "layer_norm": true, "learned_initial_state": true
        """#),
    TaskScenario(
      task: "classification", file: "a.jsonl", content: sayings,
      rest: #", "output": {"readout": "mean"}"#, data: #", "tokenizer": "character""#),
    TaskScenario(
      task: "classification", file: "a.jsonl", content: sayings, rest: "",
      model: #", "bidirectional": true, "embedding_dropout": 0.1, "cell": "lstm""#,
      data: #", "tokenizer": "word", "minimum_count": 2, "truncate": "end""#),
    TaskScenario(
      task: "language", file: "a.txt", content: lines, rest: "", model: #", "dropout": 0.1"#,
      data: #", "documents": "line", "tokenizer": "word""#),
    TaskScenario(
      task: "tagging", file: "a.conll", content: tags, rest: "",
      data: #", "ignore_label": "-""#),
    TaskScenario(
      task: "tagging", file: "a.conll", content: tags, rest: "",
      model: #", "bidirectional": true, "dropout": 0.1, "learned_initial_state": true"#),
  ]

  /// Rising or falling sequences of 2 to 20 steps.
  private static let classes = (0..<90).map { index in
    let length = 2 + index * 31 % 19
    let isRising = index % 2 == 0
    let values = (0..<length).map { "\(Double(isRising ? $0 : -$0) / 4 + Double(index % 5))" }
    return
      #"{"values": [\#(values.joined(separator: ", "))], "label": "\#(isRising ? "up" : "down")"}"#
  }.joined(separator: "\n")

  /// Lines that count on from some number, and some that are longer than a row.
  private static let lines = (0..<80).map { index in
    (0..<1 + index * 7 % 31).map { "n\((index + $0) % 6)" }.joined(separator: " ")
  }.joined(separator: "\n")

  /// Words of which those after "not" are of the other class.
  private static let tags = (0..<70).map { index in
    (0..<1 + index * 13 % 17).map { place in
      let isNot = (place + index) % 5 == 0
      let isTurned = place > 0 && (place - 1 + index) % 5 == 0
      let word = isNot ? "not" : "w\((place * 3 + index) % 7)"
      return "\(word) x \(isNot ? "-" : isTurned ? "B" : "A")\n"
    }.joined()
  }.joined(separator: "\n")

  /// Texts of 2 to 15 words whose first word tells.
  private static let sayings = (0..<90).map { index in
    let isGood = index % 3 == 0
    let words = (0..<1 + index * 17 % 14).map { "w\(($0 * 7 + index) % 11)" }
    let text = ([isGood ? "yes" : "no"] + words).joined(separator: " ").prefix(24)
    return #"{"text": "\#(text)", "label": \#(isGood ? 1 : 0)}"#
  }.joined(separator: "\n")

  /// One of four labels is on, the next one a step later.
  private static let rolls = (0..<40).map { index in
    let length = 3 + index * 17 % 18
    let steps = (0..<length).map { step in
      "[" + (0..<4).map { ($0 == (step + index) % 4) ? "1" : "0" }.joined(separator: ",") + "]"
    }
    return #"{"values": [\#(steps.joined(separator: ","))]}"#
  }.joined(separator: "\n")

  private static let waves =
    "time,a,b\n"
    + (0..<300).map { step in
      "t\(step),\(Elementary.sin(Double(step) / 3)),\(Elementary.cos(Double(step) / 3) * 5 + 2)"
    }.joined(separator: "\n") + "\n"

  func files() throws -> TaskFiles {
    let horizon = task == "forecasting" ? #", "horizon": 3"# : ""
    let data =
      file == "none"
      ? #"{"valid_sequences": 20}"#
      : #"{"train": "DATA", "valid_fraction": 0.2\#(horizon)\#(self.data)}"#
    return try TaskFiles(
      file, content,
      config: """
        {"task": "\(task)", "data": \(data),
         "model": {"hidden": 18, "embedding": 6, "layers": 2\(model)},
         "batch": {"sequences": 16, "window": 24, "shards": 8},
         "optimizer": {"learning_rate": 0.02, "schedule": {"warmup_steps": 0, "name": "constant"}},
         "run": {"steps": 60, "log_every": 1, "validate_every": 20, "checkpoint_every": 10}\(rest)}
        """)
  }

  var testDescription: String { task + data + model }
}

@Suite struct TaskTrainingTests {
  @Test(arguments: TaskScenario.all)
  func trajectoryIsBitIdenticalAtAnyRankAndThreadCount(scenario: TaskScenario) throws {
    let files = try scenario.files()
    let alone = try files.trajectory(ranks: 1, threads: 1, steps: 6)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (8, 1)] {
      let other = try files.trajectory(ranks: ranks, threads: threads, steps: 6)
      #expect(other == alone, "\(ranks) x \(threads)")
    }
    for set in InstructionSet.available {
      #expect(
        try files.trajectory(ranks: 1, threads: 1, steps: 6, isa: set.rawValue) == alone, "\(set)")
    }
  }

  @Test(arguments: TaskScenario.all)
  func everyTaskLearns(scenario: TaskScenario) throws {
    let files = try scenario.files()
    let lines = try files.trajectory(ranks: 1, threads: 1, steps: 120)
    func loss(_ line: String) -> Double { Double(line.split(separator: " ")[0]) ?? .nan }
    // The copy task starts with the blanks; the others come far in these steps.
    let part = scenario.task == "copy" ? 0.7 : scenario.task == "adding" ? 0.9 : 0.3
    #expect(loss(lines[120]) < part * loss(lines[0]), "\(lines[0]) \(lines[120])")
  }

  @Test(arguments: TaskScenario.all)
  func everyTaskResumesBitIdentically(scenario: TaskScenario) throws {
    let files = try scenario.files()
    func run(_ directory: String, _ change: (inout TrainOptions) -> Void) throws -> Int32 {
      var options = try files.options(["run.steps=20"])
      options.overrides.append(
        ConfigOverride(set: "run.directory=\(files.folder.path)/\(directory)"))
      change(&options)
      return try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform()
    }
    func records(_ directory: String) throws -> [String] {
      try String(
        contentsOf: files.folder.appendingPathComponent("\(directory)/metrics.jsonl"),
        encoding: .utf8
      ).split(separator: "\n").map { try OrderedJSON(parsing: String($0)) }
        .filter { ["train", "valid"].contains($0["kind"]?.stringValue ?? "") }
        .map { record in
          ["step", "epoch", "tokens", "loss", "gradient_norm", "fingerprint", "mse", "accuracy"]
            .map { record[$0]?.line ?? "-" }.joined(separator: " ")
        }
    }
    #expect(try run("whole") { _ in } == 0)
    #expect(try run("parts") { $0.stopAfter = 7 } == 75)
    #expect(try run("parts") { $0.resume = true } == 0)
    #expect(try records("parts") == records("whole"))
    #expect(try records("whole").count == 21)
  }

  @Test(arguments: TaskScenario.all)
  func gradientsAgreeWithCentralDifferences(scenario: TaskScenario) throws {
    let files = try scenario.files()
    let setup = try TrainingSetup(try files.options(), on: SoloCommunicator())
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: 24, plan: setup.plan, rank: 0,
      slots: setup.data.slots)
    replica.initialize(seed: 1)
    let table = GradientCheck(replica: replica, source: setup.batches, seed: 1).table(step: 1)
    #expect(table.rows.count >= replica.table.parameters.count)
    #expect(table.rows.contains { $0.computed != 0 })
    try table.requirePassed()
  }

  /// Reading another file must use the columns, classes and scales of the training data.
  @Test func checkpointKeepsTheFrameOfTheTrainingData() throws {
    let files = try TaskScenario.all[2].files()
    let setup = try TrainingSetup(try files.options(), on: SoloCommunicator())
    guard case .sequences(let data) = setup.data else { return }
    let frame = try #require(data.frame)
    #expect(frame.classes == ["down", "up"])
    #expect(frame.means?.count == 1)
    let other = try TaskFiles("b.jsonl", #"{"values": [1, 2], "label": "sideways"}"#)
    var config = setup.config
    config.data.valid = other.path
    #expect {
      _ = try SequenceData(config.sequenceRequest, frame: frame)
    } throws: { "\($0)".contains("class \"sideways\" does not occur in the training data") }
  }

  @Test(arguments: [
    (2, "batch.window=10", "the longest sequence takes 20 steps, batch.window is 10"),
    (2, "output.loss=squared", "\"squared\" is not possible with task \"classification\""),
    (2, "output.loss=squard", "expected one of \"softmax\", found \"squard\""),
    (4, "output.readout=every", "\"every\" is not possible with task \"forecasting\""),
    (4, "output.readout=first", "expected one of \"last\", \"mean\", found \"first\""),
    (2, "output.readout=every", "is for output.readout \"last\" or \"mean\""),
    (0, "batch.window=1", "is the length of sequences, expected at least 2"),
    (1, "batch.window=20", "expected at least 21"),
    (4, "data.horizon=500", "one and its forecast take 524 steps"),
    (4, #"data.targets=["c"]"#, "there is no column \"c\", which data.targets names"),
    (4, #"data.columns=["d"]"#, "there is no column \"d\", which data.columns names"),
    (3, "data.label=x", "unknown key"),
    (1, "model.bidirectional=true",
      "possible with tasks \"classification\", \"regression\", \"tagging\", \"adding\""),
    (3, "model.bidirectional=true", "the task \"multilabel\" is to predict that"),
    (4, "model.bidirectional=true", "the task \"forecasting\" is to predict that"),
    (0, "data.train=x", "unknown key"),
  ])
  func configErrorsListThePossibleValues(index: Int, assignment: String, expected: String) throws {
    let files = try TaskScenario.all[index].files()
    #expect {
      _ = try TrainingSetup(try files.options([assignment]), on: SoloCommunicator())
    } throws: { error in
      #expect("\(error)".contains(expected), "\(error)")
      return true
    }
  }

  @Test func labelsMustBeZeroOrOne() throws {
    let files = try TaskFiles(
      "a.jsonl", "{\"values\": [[0, 1], [1, 0]]}\n{\"values\": [[0, 1], [0.5, 0]]}\n",
      config: #"{"task": "multilabel", "data": {"train": "DATA"}}"#)
    #expect {
      _ = try TrainingSetup(try files.options(), on: SoloCommunicator())
    } throws: { "\($0)".contains("sequence 2, step 2: expected 0 or 1") }
  }
}
