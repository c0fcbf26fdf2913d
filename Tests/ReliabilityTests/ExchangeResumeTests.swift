import Configuration
import Runs
import Testing

@Suite struct CompressionResumeTests {
  @Test(arguments: ["adam", "sgd"])
  func resumesBitIdenticallyAtAnyRankCount(name: String) throws {
    let scenario = try TrainingScenario(
      "run.steps=15", "optimizer.name=\(name)", "exchange.compression=bf16",
      "exchange.compression_groups=4")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    for (leg, ranks) in [4, 1, 2].enumerated() {
      var options = scenario.options(run: "walk")
      options.resume = true
      if leg < 2 { options.stopAfter = 4 * (leg + 1) }
      try scenario.train(options, ranks: ranks)
    }
    #expect(try scenario.trajectory("walk") == scenario.trajectory("whole"))
  }

  @Test func groupsCannotChangeAtResume() throws {
    let scenario = try TrainingScenario(
      "run.steps=6", "exchange.compression=bf16", "exchange.compression_groups=4")
    try scenario.train(scenario.options(), ranks: 2)
    var options = scenario.options(["exchange.compression_groups=2", "run.steps=9"])
    options.resume = true
    let groups = #expect(throws: (any Error).self) { try scenario.train(options, ranks: 2) }
    #expect("\(try #require(groups))".contains("exchange.compression_groups is 4"))
    options = scenario.options([
      "exchange.compression=none", "exchange.compression_groups=0", "run.steps=9",
    ])
    options.resume = true
    let kind = #expect(throws: (any Error).self) { try scenario.train(options, ranks: 2) }
    #expect("\(try #require(kind))".contains("exchange.compression is \"bf16\""))
  }
}

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
