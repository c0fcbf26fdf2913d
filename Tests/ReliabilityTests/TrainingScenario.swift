import Checkpoints
import Collectives
import Configuration
import Datasets
import Engine
import Foundation
import Records
import Runs
import Testing

/// A small run in a directory of its own, carried out on ranks that are threads of this process.
final class TrainingScenario {
  let folder: URL
  private let assignments: [String]

  convenience init(_ assignments: String...) throws { try self.init(assignments) }

  init(_ assignments: [String]) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("reliability-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.assignments = assignments
    var random = SeededRandom(seed: 1)
    let words = ["the ", "tree ", "sums ", "rank ", "of ", "shards\n", "kept "]
    let text = (0..<900).map { _ in words.randomElement(using: &random)! }.joined()
    try write("text.txt", text)
    try write(
      "config.json",
      """
      {"data": {"train": "\(path("text.txt"))"},
       "model": {"embedding": 8, "hidden": 16, "layers": 2},
       "batch": {"sequences": 16, "window": 6, "shards": 8},
       "optimizer": {"schedule": {"warmup_steps": 3}},
       "run": {"directory": "\(path("run"))", "steps": 12, "log_every": 1, "validate_every": 0,
               "checkpoint_every": 5, "watchdog_seconds": 0}}
      """)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  func options(_ overrides: [String] = [], run: String = "run", threads: Int = 1) -> TrainOptions {
    var options = TrainOptions(configFile: path("config.json"))
    options.overrides = (assignments + overrides + ["run.directory=\(path(run))"])
      .map { ConfigOverride(set: $0) }
    options.threads = threads
    return options
  }

  /// One rank's trainer at its initial parameters.
  func trainer(
    on communicator: any Communicator, threads: Int = 1, checks: StepChecks = StepChecks()
  ) throws -> Trainer {
    let recomputed = "run.recompute_every=\(checks.recomputeEvery)"
    let setup = try TrainingSetup(options([recomputed], threads: threads), on: communicator)
    let replica = try Replica(
      shape: setup.shape, kernels: setup.kernels, window: setup.config.batch.longestWindow,
      plan: setup.plan, rank: communicator.rank, slots: setup.data.slots,
      use: setup.memoryUse)
    replica.initialize(seed: setup.config.run.seed)
    var settings = StepSettings(setup.config)
    settings.checks = checks
    return try Trainer(
      replica: replica, communicator: communicator, source: setup.batches, settings: settings)
  }

  /// Trains, and returns the exit status of every rank.
  ///
  /// - Parameter prepare: called with each rank's run before it starts.
  @discardableResult
  func train(
    _ options: TrainOptions, ranks: Int, fileSystem: FileSystem = .system,
    prepare: @escaping (TrainingRun) -> Void = { _ in }
  ) throws -> Int32 {
    let statuses = try ThreadWorld.run(ranks: ranks) { communicator in
      let run = try TrainingRun(
        options, on: communicator, launchedByMPI: false, fileSystem: fileSystem)
      prepare(run)
      return try run.perform()
    }
    #expect(Set(statuses).count == 1)
    return statuses[0]
  }

  func records(_ run: String = "run") throws -> [OrderedJSON] {
    try String(contentsOfFile: path("\(run)/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try OrderedJSON(parsing: String($0)) }
  }

  func events(_ name: String, run: String = "run") throws -> [OrderedJSON] {
    try records(run).filter { $0["kind"] == "event" && $0["event"]?.stringValue == name }
  }

  /// Step, loss and fingerprint of every step; each must be there once.
  func trajectory(_ run: String = "run") throws -> [String] {
    let lines = try records(run).filter { $0["kind"] == "train" }.map { record in
      ["step", "loss", "fingerprint"].map { record[$0]?.line ?? "?" }.joined(separator: " ")
    }
    #expect(Set(lines).count == lines.count)
    return lines
  }

  func checkpoints(_ run: String = "run") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path("\(run)/checkpoints")).sorted()
  }
}
