import Runs
import Testing

@Suite struct LazyResumeTests {
  @Test func resumesBitIdenticallyAtAnyRankCount() throws {
    let scenario = try TrainingScenario(
      "run.steps=12", "optimizer.lazy=true", "batch.window=3")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    for (leg, ranks) in [3, 1, 4].enumerated() {
      var options = scenario.options(run: "walk")
      options.resume = true
      if leg < 2 { options.stopAfter = 4 * (leg + 1) }
      try scenario.train(options, ranks: ranks)
    }
    #expect(try scenario.trajectory("walk") == scenario.trajectory("whole"))
  }
}
