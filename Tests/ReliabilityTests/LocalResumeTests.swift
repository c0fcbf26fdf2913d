import Collectives
import Records
import Runs
import Testing

@testable import Engine

@Suite struct LocalResumeTests {
  private func scenario(_ assignments: [String] = []) throws -> TrainingScenario {
    try TrainingScenario(
      [
        "run.steps=15", "run.log_every=3", "run.checkpoint_every=3", "run.validate_every=3",
        "exchange.synchronize_every=3", "exchange.local_groups=4",
      ] + assignments)
  }

  @Test(arguments: [
    ["optimizer.name=adam"], ["optimizer.name=sgd", "optimizer.momentum=0.9"],
    ["optimizer.schedule.name=plateau", "optimizer.schedule.patience=1"],
    ["optimizer.lazy=true"], ["optimizer.name=adagrad", "exchange.sparse=always"],
    ["batch.accumulate=2", "model.learned_initial_state=true"],
  ])
  func resumesBitIdenticallyAtAnyRankCount(assignments: [String]) throws {
    let scenario = try scenario(assignments)
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let whole = try scenario.trajectory("whole")
    #expect(whole.count == 5)
    for (leg, ranks) in [4, 1, 2].enumerated() {
      var options = scenario.options(run: "walk", threads: leg == 1 ? 3 : 1)
      options.resume = true
      // Within a round, whose end is waited for.
      if leg < 2 { options.stopAfter = 5 * (leg + 1) }
      #expect(try scenario.train(options, ranks: ranks) == (leg < 2 ? 75 : 0))
      if leg == 0 { #expect(try scenario.checkpoints("walk").last == "step-00000006") }
    }
    #expect(try scenario.trajectory("walk") == whole)
    func losses(_ run: String) throws -> [String] {
      try scenario.records(run).filter { $0["kind"] == "valid" }.compactMap { $0["loss"]?.line }
    }
    #expect(try losses("walk") == losses("whole"))
    let records = try scenario.records("whole").filter { $0["kind"] == "train" }
    #expect(records.compactMap { $0["step"]?.integerValue } == [3, 6, 9, 12, 15])
    #expect(records.last?["tokens"]?.integerValue == 15 * 16 * 6 * accumulation(assignments))
  }

  private func accumulation(_ assignments: [String]) -> Int {
    assignments.contains("batch.accumulate=2") ? 2 : 1
  }

  @Test func keysOfTheTrajectoryCannotChangeAtResume() throws {
    let scenario = try scenario()
    try scenario.train(scenario.options(["run.steps=6"]), ranks: 2)
    for change in [
      "exchange.synchronize_every=1", "exchange.synchronize_every=0", "exchange.local_groups=2",
      "exchange.outer_learning_rate=0.5", "exchange.outer_momentum=0.5",
    ] {
      // Without rounds the number of groups would have no effect, which is an error of its own.
      let others = change.hasSuffix("every=0") ? ["exchange.local_groups=0"] : []
      var options = scenario.options([change] + others)
      options.resume = true
      let error = #expect(throws: (any Error).self) { try scenario.train(options, ranks: 2) }
      let key = change.split(separator: "=")[0]
      let text = "\(try #require(error))"
      #expect(text.contains("cannot resume") && text.contains(key), "\(text)")
    }
  }

  /// The state of a round that went wrong cannot be taken back: it is not saved.
  @Test func failedRoundIsNotSaved() throws {
    let scenario = try scenario()
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    #expect(throws: NonFiniteError.self) {
      try scenario.train(scenario.options(), ranks: 2) { run in
        guard run.communicator.rank == 1, let group = run.trainer.rounds?.groups[1] else {
          return
        }
        group.updates.faultAfterGradients = { [unowned group] sums in
          if group.engine.state.step == 11 { sums[0][7] = .infinity }
        }
      }
    }
    #expect(try scenario.checkpoints().last == "step-00000009")
    let event = try #require(try scenario.events("nonfinite").first)
    #expect(event["step"] == 11)
    #expect(event["reason"]?.stringValue?.contains("group 3, ") == true)
    // The fault was a passing one: the run goes on as if it had not been.
    var options = scenario.options()
    options.resume = true
    try scenario.train(options, ranks: 4)
    #expect(try scenario.trajectory() == scenario.trajectory("whole"))
  }

  @Test func tasksOnSequencesCanBeTrained() throws {
    let scenario = try scenario(["task=adding"])
    try scenario.write(
      "config.json",
      """
      {"model": {"hidden": 16, "layers": 1}, "batch": {"sequences": 16, "window": 12},
       "run": {"watchdog_seconds": 0}}
      """)
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    var options = scenario.options(run: "walk")
    options.stopAfter = 6
    try scenario.train(options, ranks: 4)
    options = scenario.options(run: "walk", threads: 2)
    options.resume = true
    try scenario.train(options, ranks: 2)
    #expect(try scenario.trajectory("walk") == scenario.trajectory("whole"))
    #expect(try scenario.trajectory("whole").count == 5)
  }
}
