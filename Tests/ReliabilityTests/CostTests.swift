import Collectives
import Configuration
import Engine
import Records
import Runs
import Testing

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
