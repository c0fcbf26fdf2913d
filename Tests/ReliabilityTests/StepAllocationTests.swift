import AllocationCounter
import Collectives
import Kernels
import Testing

@testable import Engine

@Suite struct StepAllocationTests {
  /// Allocations of every thread of a rank in `steps` steps.
  private func allocations(of trainer: Trainer, steps: Int) throws -> Int {
    let threads = trainer.replica.threads
    let counts = UnsafeMutablePointer<Int>.allocate(capacity: threads)
    defer { counts.deallocate() }
    counts.initialize(repeating: 0, count: threads)
    // What is done the first time only.
    for _ in 0..<3 { _ = try trainer.performStep() }
    // The closures of these two calls are the first thread's, and are not counted.
    trainer.replica.team.run { if $0 > 0 { counts[$0] -= allocation_count() } }
    counts[0] -= allocation_count()
    for _ in 0..<steps { _ = try trainer.performStep() }
    counts[0] += allocation_count()
    trainer.replica.team.run { if $0 > 0 { counts[$0] += allocation_count() } }
    return (0..<threads).reduce(0) { $0 + counts[$1] }
  }

  private func checks(verifyEvery: Int) -> StepChecks {
    var checks = StepChecks()
    checks.verifyEvery = verifyEvery
    return checks
  }

  @Test func counterCountsAllocations() {
    let before = allocation_count()
    if before < 0 { return }
    let pointers = (0..<10).map { _ in UnsafeMutablePointer<Int>.allocate(capacity: 10) }
    #expect(allocation_count() - before >= 10)
    for pointer in pointers { pointer.deallocate() }
  }

  @Test(arguments: [1, 2, 3]) func stepAllocatesNothing(threads: Int) throws {
    let scenario = try TrainingScenario("optimizer.clip_norm=0.1")
    let trainer = try scenario.trainer(
      on: SoloCommunicator(), threads: threads, checks: checks(verifyEvery: 1))
    #expect(try allocations(of: trainer, steps: 20) == 0)
  }

  /// Nor does a step whose threads record what they do.
  @Test(arguments: [1, 2, 3]) func recordedStepAllocatesNothing(threads: Int) throws {
    let scenario = try TrainingScenario()
    let counts = try ThreadWorld.run(ranks: 2) { communicator in
      let trainer = try scenario.trainer(on: communicator, threads: threads)
      let timeline = Timeline()
      trainer.record(in: timeline)
      timeline.keepSpans(ofEachThread: 100_000)
      defer { trainer.record(in: nil) }
      return try allocations(of: trainer, steps: 20)
    }
    #expect(counts == [0, 0])
  }

  @Test(arguments: ["rnn", "lstm", "mingru"]) func stepOfAnyCellAllocatesNothing(
    cell: String
  ) throws {
    let scenario = try TrainingScenario("model.cell=\(cell)", "model.learned_initial_state=true")
    let trainer = try scenario.trainer(
      on: SoloCommunicator(), threads: 2, checks: checks(verifyEvery: 1))
    #expect(try allocations(of: trainer, steps: 20) == 0)
  }

  @Test func stepWithDropoutAndTiedWeightsAllocatesNothing() throws {
    let scenario = try TrainingScenario(
      "model.reset=after", "model.embedding=16", "model.hidden=16", "model.tie_weights=true",
      "model.dropout=0.2", "model.embedding_dropout=0.1", "model.recurrent_dropout=0.1",
      "model.layer_norm=true", "model.learned_initial_state=true")
    let trainer = try scenario.trainer(
      on: SoloCommunicator(), threads: 2, checks: checks(verifyEvery: 1))
    #expect(try allocations(of: trainer, steps: 20) == 0)
  }

  @Test func stepWithAdaptiveSoftmaxAllocatesNothing() throws {
    let scenario = try TrainingScenario(
      "data.tokenizer=bpe", "data.vocabulary_limit=270", "model.adaptive_softmax=[100,260]")
    let trainer = try scenario.trainer(
      on: SoloCommunicator(), threads: 2, checks: checks(verifyEvery: 1))
    #expect(try allocations(of: trainer, steps: 20) == 0)
  }

  @Test(arguments: [0, 1]) func stepOfSeveralRanksAllocatesNothing(verifyEvery: Int) throws {
    let scenario = try TrainingScenario()
    let counts = try ThreadWorld.run(ranks: 2) { communicator in
      let trainer = try scenario.trainer(
        on: communicator, threads: 1, checks: checks(verifyEvery: verifyEvery))
      return try allocations(of: trainer, steps: 20)
    }
    #expect(counts == [0, 0])
  }

  @Test(arguments: [
    ["exchange.sparse=always", "model.embedding=64", "optimizer.name=sgd"],
    ["exchange.sparse=always", "model.embedding=64", "optimizer.lazy=true", "batch.accumulate=2"],
    ["exchange.compression=bf16", "exchange.compression_groups=4"],
  ])
  func sparseAndCompressedExchangeAllocateNothing(settings: [String]) throws {
    let scenario = try TrainingScenario(settings)
    let counts = try ThreadWorld.run(ranks: 2) { communicator in
      let trainer = try scenario.trainer(on: communicator, threads: 2)
      #expect(trainer.engine.rowExchange != nil || trainer.engine.compression != nil)
      return try allocations(of: trainer, steps: 20)
    }
    #expect(counts == [0, 0])
  }
}
