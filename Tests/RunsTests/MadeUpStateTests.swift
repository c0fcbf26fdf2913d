import Checkpoints
import Collectives
import Configuration
import Engine
import Foundation
import Kernels
import NumericContract
import Records
import Runs
import Scoring
import Testing

/// Checkpoints whose manifest is right and whose `state.json` was made up: they are refused in
/// words, or used; nothing traps.
@Suite(.serialized) struct MadeUpStateTests {
  /// A run of two steps whose state can be replaced.
  private struct Run {
    let files: TaskFiles
    let store: CheckpointStore
    let step: Int
    let state: OrderedJSON
    private let others: [CheckpointFile]

    init(_ scenario: TaskScenario) throws {
      files = try scenario.files()
      let options = try files.options(["run.steps=2", "run.validate_every=0"])
      _ = try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform()
      let directory = files.folder.appendingPathComponent("run/checkpoints")
      store = CheckpointStore(directory: directory.path)
      step = try #require(try store.steps().last)
      let folder = directory.appendingPathComponent(CheckpointStore.name(ofStep: step))
      state = try OrderedJSON(
        parsing: Array(try Data(contentsOf: folder.appendingPathComponent(Checkpoint.stateFile))))
      others = try [Checkpoint.modelFile, Checkpoint.optimizerFile].map { name in
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
        return CheckpointFile(name: name, byteCount: bytes.count) { try $0.append(bytes) }
      }
    }

    var path: String { files.folder.appendingPathComponent("run").path }

    func replace(state: OrderedJSON) throws {
      try store.write(
        step: step, contractVersion: .newest,
        files: others + [try .json(Checkpoint.stateFile, state)])
    }

    /// Reads, evaluates and resumes; says what was refused.
    func use() throws -> [String] {
      func refusal(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return "\(error)" }
        return nil
      }
      let quiet = Console(isJSON: false, isCoordinator: false)
      return [
        refusal {
          try Evaluation(path: path, text: nil, threads: 1, instructionSet: "auto")
            .run(on: SoloCommunicator(), console: quiet)
        },
        refusal {
          try Evaluation(path: path, text: files.path, threads: 1, instructionSet: "auto")
            .run(on: SoloCommunicator(), console: quiet)
        },
        refusal { try Inspection(path: path).run(console: quiet) },
        refusal {
          var options = try files.options(["run.steps=3", "run.validate_every=1"])
          options.resume = true
          _ = try TrainingRun(options, on: SoloCommunicator(), launchedByMPI: false).perform()
        },
      ].compactMap { $0 }
    }
  }

  private static func scenario(_ task: String) throws -> TaskScenario {
    try #require(TaskScenario.all.first { $0.task == task })
  }

  @Test(arguments: [
    ("classification", ["model", "vocabulary_size"], .integer(1 << 62), "impossible sizes"),
    (
      "classification", ["model", "embedding_size"], .integer(1 << 30),
      "and the model reads 1073741824"
    ),
    ("classification", ["dataset", "classes"], .array(["up", "up"]), "has a name twice"),
    ("classification", ["dataset", "classes"], .array(["up"]), "has 1 names"),
    ("classification", ["dataset", "columns"], .array([]), "is missing or empty"),
    ("classification", ["dataset", "means"], .array([]), "has 0 numbers for 1 columns"),
    ("classification", ["dataset", "deviations"], .array([0]), "has 0.0, which no column"),
    (
      "classification", ["dataset", "deviations"], .array([.number(.leastNonzeroMagnitude)]),
      "which no column"
    ),
    ("forecasting", ["dataset", "targets"], .array(["z", "b"]), "none of the columns"),
    ("forecasting", ["dataset", "columns"], .array(["a", "a"]), "has a name twice"),
    ("forecasting", ["tokens"], .integer(-1), "impossible"),
    ("forecasting", ["skipped_steps"], .integer(.max), "impossible"),
    ("forecasting", ["dataset"], .null, "key 'dataset' is missing"),
  ] as [(String, [String], OrderedJSON, String)])
  func impossibleValuesAreNamed(
    task: String, path: [String], value: OrderedJSON, words: String
  ) throws {
    let run = try Run(Self.scenario(task))
    var state = run.state
    #expect(state.set(value, at: path) == nil)
    try run.replace(state: state)
    let refusals = try run.use()
    #expect(refusals.first?.contains(words) == true, "\(refusals)")
    #expect(refusals.count == 4, "\(refusals)")
  }

  @Test(arguments: ["classification", "multilabel", "forecasting", "adding", "copy"])
  func statesMadeUpAtRandomTrapNothing(task: String) throws {
    let run = try Run(Self.scenario(task))
    try run.replace(state: run.state)
    #expect(try Run(Self.scenario(task)).use().count < 4)
    var random = Philox(seed: 16, purpose: .task).numbers
    for _ in 0..<25 {
      var state = run.state
      for _ in 0..<Int(random() % 2 + 1) { state = state.madeUp(&random) }
      try run.replace(state: state)
      for refusal in try run.use() { #expect(!refusal.isEmpty) }
      for step in try run.store.steps() where step != run.step {
        try FileManager.default.removeItem(atPath: run.store.path(ofStep: step))
      }
    }
  }
}

extension Philox {
  /// Words one after the other.
  fileprivate var numbers: () -> UInt32 {
    var count: UInt32 = 0
    return {
      count += 1
      return self.block(step: count, stream: 0, layer: 0, element: 0)[0]
    }
  }
}

extension OrderedJSON {
  private static let values: [OrderedJSON] = [
    .null, .bool(true), .integer(0), .integer(-1), .integer(1 << 62), .integer(.max),
    .integer(.min), .integer(1 << 31), .number(1e308), .number(.leastNonzeroMagnitude),
    .number(0.5), "", "x",
    .array([]), .array([.integer(0)]), .array(["a", "a"]), .object([]),
    .array([0.5, 0, .number(.leastNonzeroMagnitude)]),
  ]

  /// This value with one of its leaves, or itself, another one; or with an element twice or gone.
  fileprivate func madeUp(_ random: inout () -> UInt32) -> OrderedJSON {
    let other = Self.values[Int(random()) % Self.values.count]
    switch self {
    case .object(var members) where !members.isEmpty && random() % 16 > 0:
      let place = Int(random()) % members.count
      members[place].value = members[place].value.madeUp(&random)
      return .object(members)
    case .array(var elements) where !elements.isEmpty && random() % 4 > 0:
      let place = Int(random()) % elements.count
      switch random() % 3 {
      case 0: elements.append(elements[place])
      case 1: elements.remove(at: place)
      default: elements[place] = elements[place].madeUp(&random)
      }
      return .array(elements)
    default: return other
    }
  }
}
