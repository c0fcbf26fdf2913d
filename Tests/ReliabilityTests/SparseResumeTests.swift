import Configuration
import Runs
import Testing

@Suite struct SparseResumeTests {
  @Test(arguments: ["sgd", "rmsprop"])
  func resumesBitIdenticallyWithOrWithoutSparseExchange(name: String) throws {
    let scenario = try TrainingScenario(
      "run.steps=12", "optimizer.name=\(name)", "batch.window=3", "model.embedding=500",
      "exchange.sparse=never")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    for (leg, ranks) in [3, 1, 4].enumerated() {
      var options = scenario.options(run: "walk")
      options.overrides.append(
        ConfigOverride(set: "exchange.sparse=\(leg == 2 ? "never" : "always")"))
      options.resume = true
      if leg < 2 { options.stopAfter = 4 * (leg + 1) }
      try scenario.train(options, ranks: ranks)
    }
    #expect(try scenario.trajectory("walk") == scenario.trajectory("whole"))
  }
}
