import Checkpoints
import Configuration
import Dispatch
import Foundation
import Records
import Runs
import Testing

/// A validation that is the best so far has a checkpoint, whatever else there is to do.
@Suite(.serialized) struct BestCheckpointTests {
  private func resumed(_ scenario: TrainingScenario, _ overrides: [String], run: String)
    -> TrainOptions
  {
    var options = scenario.options(overrides, run: run)
    options.resume = true
    return options
  }

  private func steps(_ kind: String, _ scenario: TrainingScenario, run: String = "run") throws
    -> [Int]
  {
    try scenario.records(run).filter { $0["kind"] == .string(kind) }
      .compactMap { $0["step"]?.integerValue }
  }

  /// The steps whose validation was the best by then.
  private func records(
    of name: String, _ scenario: TrainingScenario, run: String = "run", higher: Bool = false
  ) throws -> [Int] {
    var best: Double?
    return try scenario.records(run).filter { $0["kind"] == "valid" }.compactMap { record in
      guard let value = record[name]?.doubleValue, let step = record["step"]?.integerValue,
        best.map({ higher ? value > $0 : value < $0 }) ?? true
      else { return nil }
      best = value
      return step
    }
  }

  /// What a checkpoint holds, without the config, which names the run.
  private func content(_ step: Int, _ scenario: TrainingScenario, run: String) throws -> [String] {
    let name = CheckpointStore.name(ofStep: step)
    let checkpoint = try Checkpoint(verifying: scenario.path("\(run)/checkpoints/\(name)"))
    var state = try checkpoint.trainingState()
    state.config = [:]
    return checkpoint.manifest.files.filter { $0.name != Checkpoint.stateFile }.map(\.sha256)
      + [state.json.line]
  }

  private static let restless = [
    "run.validate_every=1", "run.checkpoint_every=0", "run.keep_checkpoints=1",
    "optimizer.learning_rate=0.5", "optimizer.clip_norm=0",
  ]

  @Test(arguments: [
    [], ["optimizer.ema_decay=0.5"],
    ["exchange.compression=bf16", "exchange.compression_groups=4"],
  ])
  func everyNewBestIsWritten(options: [String]) throws {
    let scenario = try TrainingScenario(Self.restless + options)
    try scenario.train(scenario.options(), ranks: 2)
    let best = try records(of: "loss", scenario)
    #expect(best.count > 1)
    #expect(try steps("checkpoint", scenario) == (best.last == 12 ? best : best + [12]))
    let kept = Set([best.last ?? 0, 12]).sorted().map(CheckpointStore.name(ofStep:))
    #expect(try scenario.checkpoints() == kept)
    let done = try #require(try scenario.events("done").first)
    #expect(done["best_step"]?.integerValue == best.last)
    #expect(done["best_by"] == "loss")
    #expect(done["newest_step"] == 12)
    let losses = try scenario.records().filter { $0["kind"] == "valid" }
    #expect(done["best_value"] == losses.first { $0["step"] == done["best_step"] }?["loss"])
    #expect(done["newest_value"] == losses.last?["loss"])
  }

  @Test func localUpdatesWriteEveryNewBest() throws {
    let scenario = try TrainingScenario(
      "exchange.synchronize_every=2", "exchange.local_groups=4", "run.validate_every=2",
      "run.checkpoint_every=0", "run.log_every=2", "optimizer.learning_rate=0.1")
    try scenario.train(scenario.options(), ranks: 2)
    let best = try records(of: "loss", scenario)
    #expect(best.count > 1)
    #expect(try steps("checkpoint", scenario) == (best.last == 12 ? best : best + [12]))
  }

  /// The same checkpoints, bit for bit, as without the kill between validation and checkpoint.
  @Test func killBeforeTheBestCheckpointChangesNothing() throws {
    let scenario = try TrainingScenario(Self.restless)
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let best = try #require(try records(of: "loss", scenario, run: "whole").last)
    for stop in 1..<best {
      let run = "run-\(stop)"
      // What is left of a job that is killed there: a checkpoint from before, and later records.
      try scenario.train(scenario.options(["run.keep_checkpoints=20"], run: run), ranks: 3)
      for step in stop...12 {
        try? FileManager.default.removeItem(
          atPath: scenario.path("\(run)/checkpoints/\(CheckpointStore.name(ofStep: step))"))
      }
      if try scenario.checkpoints(run).isEmpty { continue }
      try scenario.train(resumed(scenario, [], run: run), ranks: 2)
      #expect(try content(best, scenario, run: run) == content(best, scenario, run: "whole"))
      #expect(try scenario.checkpoints(run) == scenario.checkpoints("whole"), "\(stop)")
      #expect(
        try scenario.events("done", run: run).last == scenario.events("done", run: "whole").last)
    }
  }

  /// A checkpoint from before its step's validation is replaced by one that knows of it.
  @Test func validationThatIsMadeUpForCountsAsBest() throws {
    let scenario = try TrainingScenario(
      "run.validate_every=4", "run.checkpoint_every=0", "run.steps=6")
    var options = scenario.options()
    options.stopAfter = 4
    #expect(try scenario.train(options, ranks: 2) == 75)
    let path = scenario.path("run")
    #expect(try ChosenCheckpoint(at: path, wanting: nil).words?.contains("validated") == true)
    options.resume = true
    options.stopAfter = 5
    #expect(try scenario.train(options, ranks: 3) == 75)
    let chosen = try ChosenCheckpoint(at: path, wanting: nil)
    #expect(chosen.checkpoint.step == 4)
    #expect(chosen.json["newest_step"] == 5)
    #expect(try steps("checkpoint", scenario) == [4, 5])
    #expect(try steps("valid", scenario) == [4])
  }

  /// A slow disk leaves out checkpoints that are due, and none of the best.
  @Test func bestCheckpointWaitsForASlowDisk() throws {
    let scenario = try TrainingScenario(
      "run.validate_every=3", "run.checkpoint_every=1", "run.keep_checkpoints=20")
    var slow = FileSystem.system
    slow.synchronize = { descriptor, path throws(SystemError) in
      usleep(20_000)
      try FileSystem.system.synchronize(descriptor, path)
    }
    try scenario.train(scenario.options(), ranks: 2, fileSystem: slow) {
      $0.checkpointPatience = .nanoseconds(0)
    }
    #expect(try !scenario.events("checkpoint_skipped").isEmpty)
    let best = try records(of: "loss", scenario)
    #expect(best.count > 1)
    #expect(Set(try steps("checkpoint", scenario)).isSuperset(of: best))
  }

  @Test func patienceThatIsSwitchedOnKnowsTheBestLoss() throws {
    // After a good start every step leads further away.
    let scenario = try TrainingScenario("run.validate_every=1", "run.checkpoint_every=0")
    try scenario.train(scenario.options(["run.steps=6"]), ranks: 2)
    let best = try #require(try records(of: "loss", scenario).last)
    let away = ["run.steps=12", "run.patience=2", "optimizer.learning_rate=30"]
    let away2 = away + ["optimizer.clip_norm=0", "optimizer.schedule.name=constant"]
    #expect(try scenario.train(resumed(scenario, away2, run: "run"), ranks: 3) == 0)
    #expect(try scenario.events("stalled").map { $0["step"] } == [8])
    #expect(try scenario.events("done").last?["best_step"]?.integerValue == best)
  }

  @Test(arguments: ["removed", "cut"])
  func lostBestCheckpointIsToldOfAndReplaced(fate: String) throws {
    let scenario = try TrainingScenario("run.validate_every=2", "run.checkpoint_every=1")
    try scenario.train(scenario.options(["run.steps=5", "run.keep_checkpoints=1"]), ranks: 1)
    let best = try #require(try records(of: "loss", scenario).last)
    #expect(best < 6)
    try scenario.train(
      resumed(scenario, ["run.steps=6", "optimizer.learning_rate=30"], run: "run"), ranks: 1)
    let chosen = try ChosenCheckpoint(at: scenario.path("run"), wanting: .best).checkpoint
    #expect(chosen.step == best)
    if fate == "removed" {
      try FileManager.default.removeItem(atPath: chosen.path)
    } else {
      let model = URL(fileURLWithPath: chosen.path + "/model.safetensors")
      let file = try FileHandle(forWritingTo: model)
      try file.truncate(atOffset: 100)
      try file.close()
    }
    try scenario.train(
      resumed(scenario, ["run.steps=8", "optimizer.learning_rate=30"], run: "run"), ranks: 2)
    #expect(try scenario.events("best_checkpoint_missing").count == 1)
    #expect(try ChosenCheckpoint(at: scenario.path("run"), wanting: .best).checkpoint.step == 8)
  }

  @Test func anotherMeasureAtAResumeIsToldOf() throws {
    let scenario = try TrainingScenario("run.validate_every=2", "run.checkpoint_every=0")
    try scenario.train(scenario.options(["run.steps=4"]), ranks: 1)
    let by = ["run.best_by=perplexity", "run.steps=8"]
    try scenario.train(resumed(scenario, by, run: "run"), ranks: 2)
    let reason = try scenario.events("best_by_changed").first?["reason"]?.stringValue
    #expect(reason?.contains("was loss; the best one is looked for anew") == true)
    #expect(try scenario.events("done").last?["best_by"] == "perplexity")
    let chosen = try ChosenCheckpoint(at: scenario.path("run"), wanting: .best)
    #expect(chosen.words?.contains("by perplexity") == true)
  }
}
