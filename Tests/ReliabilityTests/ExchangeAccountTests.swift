import Collectives
import Engine
import Records
import Testing

/// The ways in which an exchange goes on behind computation, and what is said of it.
@Suite struct ExchangeAccountTests {
  @Test(arguments: [
    ["batch.accumulate=2"],
    ["exchange.sparse=always", "model.embedding=64", "optimizer.name=sgd"],
    ["exchange.compression=bf16", "exchange.compression_groups=2"],
  ])
  func progressThreadIsBitIdentical(settings: [String]) throws {
    let scenario = try TrainingScenario(settings)
    for progress in ["poll", "thread"] {
      try scenario.train(
        scenario.options(["exchange.progress=\(progress)"], run: progress), ranks: 2)
    }
    #expect(try scenario.trajectory("thread") == scenario.trajectory("poll"))
    #expect(try scenario.trajectory("thread").count == 12)
  }

  @Test func hiddenAndExposedTimesDoNotOverlap() throws {
    let scenario = try TrainingScenario()
    let faults = ThreadWorld.Faults(longestDelay: 2_000)
    let shares = try ThreadWorld.run(ranks: 2, faults: faults) { communicator in
      let trainer = try scenario.trainer(on: communicator)
      let started = ContinuousClock.now
      var counted = Duration.zero
      for _ in 0..<20 {
        let outcome = try trainer.performStep(isFollowed: true)
        counted += outcome.exposedExchangeDuration + outcome.hiddenExchangeDuration
      }
      try trainer.synchronize()
      return counted.seconds / (ContinuousClock.now - started).seconds
    }
    #expect(shares.allSatisfy { $0 > 0 && $0 <= 1 }, "\(shares)")
  }

  @Test func sentBytesExcludeValidation() throws {
    let scenario = try TrainingScenario("optimizer.ema_decay=0.9")
    let bytes = try ThreadWorld.run(ranks: 2) { communicator in
      let trainer = try scenario.trainer(on: communicator)
      _ = try trainer.performStep()
      let before = try trainer.performStep().sentBytes
      try trainer.engine.withAverage {}
      return (before, try trainer.performStep().sentBytes)
    }
    for (before, after) in bytes { #expect(before > 0 && after == before) }
  }
}
