import Checkpoints
import Collectives
import GRUCore
import Kernels
import Records
import Runs
import Testing

@testable import Engine

@Suite struct NumericalFaultTests {
  /// Spoils one gradient of a step on one rank.
  private func spoil(_ steps: Set<Int>, with value: Float) -> (TrainingRun) -> Void {
    { run in
      guard run.communicator.rank == run.communicator.worldSize - 1 else { return }
      run.trainer.updates?.faultAfterGradients = { [unowned run] nodes in
        if steps.contains(run.trainer.step) { nodes[0][7] = value }
      }
    }
  }

  @Test func stopSavesTheStateBeforeTheStep() throws {
    let scenario = try TrainingScenario("run.checkpoint_every=0")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    for ranks in [1, 3] {
      let name = "run-\(ranks)"
      let error = #expect(throws: NonFiniteError.self) {
        try scenario.train(
          scenario.options(run: name), ranks: ranks, prepare: spoil([6], with: .nan))
      }
      let text = try #require(error).description
      #expect(text.hasPrefix("step 6: "), "\(text)")
      #expect(text.contains("the gradient of embedding.weight, element [0, 7]"), "\(text)")
      #expect(try scenario.checkpoints(name) == ["step-00000005"])
      let event = try #require(try scenario.events("nonfinite", run: name).first)
      #expect(event["step"] == 6)
      // The fault was a passing one: the run goes on as if it had not been.
      var options = scenario.options(run: name)
      options.resume = true
      try scenario.train(options, ranks: 2)
      #expect(try scenario.trajectory(name) == scenario.trajectory("whole"))
    }
  }

  @Test func skippedStepsChangeNothingAtAnyRankCount() throws {
    let scenario = try TrainingScenario("run.on_nonfinite=skip")
    for ranks in [1, 2, 4] {
      try scenario.train(
        scenario.options(run: "\(ranks)"), ranks: ranks, prepare: spoil([3, 4, 9], with: .infinity))
      let records = try scenario.records("\(ranks)").filter { $0["kind"] == "train" }
      #expect(records.compactMap { $0["step"]?.integerValue } == [1, 2, 5, 6, 7, 8, 10, 11, 12])
      #expect(records.last?["skipped_steps"] == 3)
      #expect(try scenario.events("nonfinite_skipped", run: "\(ranks)").count == 3)
      #expect(try scenario.trajectory("\(ranks)") == scenario.trajectory("1"))
    }
    // Skipped steps and a stop after them do not change the rest either.
    var options = scenario.options(run: "stopped")
    options.stopAfter = 5
    let spoil = spoil([3, 4, 9], with: .infinity)
    #expect(try scenario.train(options, ranks: 2, prepare: spoil) == 75)
    options = scenario.options(run: "stopped")
    options.resume = true
    #expect(try scenario.train(options, ranks: 3, prepare: spoil) == 0)
    #expect(try scenario.trajectory("stopped") == scenario.trajectory("1"))
    #expect(try scenario.records("stopped").last { $0["kind"] == "train" }?["skipped_steps"] == 3)
  }

  /// Adam's first update moves a parameter by the learning rate, whatever its gradient is. Version
  /// 1 of the contract took it for the eleventh, whose corrections of the moments leave a factor of
  /// (1 − β₁) √(1 − β₂¹¹) / ((1 − β₁¹¹) √(1 − β₂)).
  @Test(arguments: [(2, 0.01), (1, 0.004821)])
  func firstUpdateAfterSkippedStepsIsAFirstUpdate(version: Int, expected: Double) throws {
    let scenario = try TrainingScenario(
      "run.contract_version=\(version)", "optimizer.learning_rate=0.01",
      "optimizer.schedule.name=constant", "optimizer.schedule.warmup_steps=0", "run.steps=20")
    let trainer = try scenario.trainer(on: SoloCommunicator())
    let updates = try #require(trainer.updates)
    updates.faultAfterGradients = { nodes in
      if trainer.step <= 10 { nodes[0][7] = .nan }
    }
    defer { updates.faultAfterGradients = nil }
    for _ in 1...10 {
      #expect(throws: NonFiniteError.self) { try trainer.performStep() }
      trainer.skipStep()
    }
    let arena = UnsafeBufferPointer(
      start: trainer.replica.parameters.pointer, count: trainer.replica.table.elementCount)
    let before = Array(arena)
    _ = try trainer.performStep()
    #expect(trainer.step == 11)
    let moved = zip(arena, before).map { abs($0 - $1) }.max() ?? 0
    #expect(abs(Double(moved) - expected) < 2e-5, "\(moved)")
  }

  @Test func stopRequestIsObeyedInASkippedStep() throws {
    let scenario = try TrainingScenario("run.on_nonfinite=skip")
    let spoil = spoil(Set(3...9), with: .nan)
    try scenario.train(scenario.options(run: "whole"), ranks: 1, prepare: spoil)
    for ranks in [1, 2] {
      let name = "\(ranks)"
      var options = scenario.options(run: name)
      options.stopAfter = 4
      #expect(try scenario.train(options, ranks: ranks, prepare: spoil) == 75)
      #expect(try scenario.checkpoints(name).last == "step-00000004")
      options.stopAfter = nil
      options.resume = true
      #expect(try scenario.train(options, ranks: 2, prepare: spoil) == 0)
      #expect(try scenario.trajectory(name) == scenario.trajectory("whole"))
    }
  }

  @Test func tooManySkippedStepsEndTheRun() throws {
    let scenario = try TrainingScenario("run.on_nonfinite=skip", "run.steps=200")
    #expect(throws: NonFiniteError.self) {
      try scenario.train(
        scenario.options(), ranks: 2, prepare: spoil(Set(5...200), with: .nan))
    }
    #expect(try scenario.events("nonfinite_skipped").count == 100)
    // The newest checkpoint has finite values only, and is of a sound step.
    let store = CheckpointStore(directory: scenario.path("run/checkpoints"))
    #expect(try store.newestValid().checkpoint != nil)
  }

  @Test func lossSpikesAreDetected() {
    var watch = LossWatch()
    var random = SeededRandom(seed: 3)
    for step in 0..<400 {
      let noise = Double.random(in: -0.05...0.05, using: &random)
      let loss = 2 + 3 / Double(step + 1) + noise
      let usual = watch.spike(loss)
      #expect(usual == nil, "step \(step)")
    }
    let usual = watch.spike(3.5)
    #expect(abs((usual ?? 0) - 2) < 0.1)
    let next = watch.spike(2.01)
    #expect(next == nil)
  }

  @Test func runRecordsLossSpikes() throws {
    let scenario = try TrainingScenario("run.steps=40", "optimizer.clip_norm=0")
    try scenario.train(scenario.options(), ranks: 2) { run in
      // An update far too large leaves a bad model, and no value that is not finite.
      run.trainer.updates?.faultAfterGradients = { [unowned run] nodes in
        guard run.trainer.step == 30 else { return }
        let table = run.trainer.replica.table
        for parameter in table.parameters where parameter.name == "output.bias" {
          for element in parameter.range { nodes[0][element] = element % 2 == 0 ? 1e6 : -1e6 }
          for element in parameter.range {
            run.trainer.replica.parameters.pointer[element] += element % 2 == 0 ? 30 : -30
          }
        }
      }
    }
    let spike = try #require(try scenario.events("loss_spike").first)
    #expect(spike["step"] == 31)
    #expect(spike["loss"]!.doubleValue! > 1.1 * spike["mean_loss"]!.doubleValue!)
  }
}
