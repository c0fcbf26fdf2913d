import Collectives
import Configuration
import GRUCore
import Kernels
import Records
import Runs
import Testing

@testable import Engine

@Suite struct BitFlipTests {
  /// A flip of one bit, at random.
  private struct Flip {
    var rank: Int
    var element: Int
    var bit: UInt32

    init(ranks: Int, elements: Int, using random: inout SeededRandom) {
      rank = Int.random(in: 0..<ranks, using: &random)
      element = Int.random(in: 0..<elements, using: &random)
      bit = UInt32.random(in: 0..<32, using: &random)
    }

    func apply(to values: UnsafeMutablePointer<Float>) {
      values[element] = Float(bitPattern: values[element].bitPattern ^ (1 << bit))
    }
  }

  /// The suspects of a corruption that `body` must end with; nil where it did not.
  private func suspects(_ body: () throws -> Void) throws -> [Int]? {
    do {
      try body()
      return nil
    } catch let error as CorruptionError {
      return error.suspects.map(\.rank)
    }
  }

  @Test(arguments: [2, 3, 4]) func flippedParameterBitIsFoundInTheSameStep(ranks: Int) throws {
    let scenario = try TrainingScenario("model.layers=1")
    var checks = StepChecks()
    checks.verifyEvery = 1
    let cases = LongTests.areOn ? 10_000 : 200
    let found = try ThreadWorld.run(ranks: ranks) { communicator in
      let trainer = try scenario.trainer(on: communicator, checks: checks)
      var random = SeededRandom(seed: UInt64(ranks))
      _ = try trainer.performStep()
      var found = 0
      for _ in 0..<cases {
        let values = trainer.replica.parameters.pointer
        let count = trainer.replica.parameters.count
        let flip = Flip(ranks: ranks, elements: count, using: &random)
        if flip.rank == communicator.rank { flip.apply(to: values) }
        let suspects = try suspects { _ = try trainer.performStep() }
        // Two ranks that differ cannot tell who is right.
        if suspects == (ranks > 2 ? [flip.rank] : [0, 1]) { found += 1 }
        trainer.updates?.takeBack()
        if flip.rank == communicator.rank { flip.apply(to: values) }
      }
      // With every flip undone it goes on.
      _ = try trainer.performStep()
      return found
    }
    #expect(found.allSatisfy { $0 == cases })
    LongTests.report("flipped bits of parameters on \(ranks) ranks: \(cases), all found and named")
  }

  @Test(arguments: [1, 2, 3]) func flippedGradientBitIsFound(ranks: Int) throws {
    let scenario = try TrainingScenario("model.layers=1", "batch.shards=4")
    var checks = StepChecks()
    checks.recomputeEvery = 1
    let cases = LongTests.areOn ? 5_000 : 100
    let found = try ThreadWorld.run(ranks: ranks) { communicator in
      let trainer = try scenario.trainer(on: communicator, checks: checks)
      let random = GradientRecomputation(
        replica: trainer.replica, communicator: communicator,
        source: trainer.engine.batches.source, seed: 0)
      var generator = SeededRandom(seed: UInt64(ranks))
      var found = 0
      for number in 0..<cases {
        let task = random.task(step: trainer.step + 1)
        let flip = Flip(
          ranks: ranks, elements: trainer.replica.table.elementCount, using: &generator)
        // Only what is computed again can be found: the flip strikes the worker of the step.
        if task.owner == communicator.rank {
          trainer.updates?.faultAfterGradients = { nodes in flip.apply(to: nodes[task.place]) }
        }
        let suspects = try suspects { _ = try trainer.performStep() }
        trainer.updates?.faultAfterGradients = nil
        if suspects == [task.owner, task.checker] { found += 1 }
        trainer.updates?.takeBack()
        // Another task each time.
        if number % 10 == 0 { _ = try trainer.performStep() }
      }
      return found
    }
    #expect(found.allSatisfy { $0 == cases })
    LongTests.report("flipped bits of gradients on \(ranks) ranks: \(cases), all found")
  }

  @Test func verificationIsBitIdentical() throws {
    let scenario = try TrainingScenario()
    try scenario.train(scenario.options(["run.verify_every=0"], run: "plain"), ranks: 1)
    for ranks in [1, 2, 3] {
      try scenario.train(
        scenario.options(["run.verify_every=1", "run.recompute_every=1"], run: "\(ranks)"),
        ranks: ranks)
      #expect(try scenario.trajectory("\(ranks)") == scenario.trajectory("plain"))
    }
  }

  @Test func flippedBitEndsTheRunBeforeASaveAndItResumes() throws {
    let scenario = try TrainingScenario("run.verify_every=1", "run.checkpoint_every=1")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let error = #expect(throws: CorruptionError.self) {
      try scenario.train(scenario.options(), ranks: 3) { run in
        guard run.communicator.rank == 1 else { return }
        run.trainer.updates?.faultAfterGradients = { [unowned run] _ in
          guard run.trainer.step == 4 else { return }
          let value = run.trainer.replica.parameters.pointer + 100
          value.pointee = Float(bitPattern: value.pointee.bitPattern ^ 1)
        }
      }
    }
    let text = try #require(error).description
    #expect(text.hasPrefix("step 4: parameters of rank 1 on "), "\(text)")
    #expect(text.contains("in embedding.weight"), "\(text)")
    #expect(try scenario.checkpoints().last == "step-00000003")
    #expect(try scenario.events("corruption").count == 1)
    var options = scenario.options()
    options.resume = true
    try scenario.train(options, ranks: 2)
    #expect(try scenario.trajectory() == scenario.trajectory("whole"))
  }
}

@Suite struct CostTests {
  /// What the comparison of parameters costs a step of the main job's model.
  @Test(.enabled(if: LongTests.areOn)) func verificationCostsUnderTwoPerMille() throws {
    let scenario = try TrainingScenario(
      "model.hidden=512", "model.embedding=128", "batch.sequences=64", "batch.window=64",
      "data.valid_fraction=0")
    try scenario.write(
      "text.txt", String(repeating: "the tree sums ranks of shards\n", count: 2000))
    let verifyEvery = try TrainingSetup(scenario.options(), on: SoloCommunicator())
      .config.run.verifyEvery
    let trainer = try scenario.trainer(on: SoloCommunicator())
    func seconds(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
      let started = ContinuousClock.now
      for _ in 0..<count { try body() }
      return (ContinuousClock.now - started).seconds / Double(count)
    }
    _ = try trainer.performStep()
    let step = try seconds(5) { _ = try trainer.performStep() }
    let hash = try seconds(50) { _ = try trainer.engine.verifyParameters() }
    let share = hash / step / Double(verifyEvery)
    #expect(share < 0.002)
    LongTests.report(
      "hash of all parameters: \(Format.fixed(hash * 1e3, 3)) ms, step "
        + "\(Format.fixed(step * 1e3, 1)) ms; at run.verify_every = \(verifyEvery): "
        + "\(Format.fixed(share * 100, 4)) % of the time")
  }
}
