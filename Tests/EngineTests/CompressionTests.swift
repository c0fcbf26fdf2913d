import Collectives
import Configuration
import GRUCore
import Kernels
import Testing

@testable import Engine

@Suite struct CompressionTests {
  private static let groups = [
    "exchange.compression=bf16", "exchange.compression_groups=4", "optimizer.learning_rate=0.01",
  ]

  @Test(arguments: [
    ["optimizer.name=adam"], ["optimizer.name=sgd", "optimizer.momentum=0.9"],
    ["optimizer.ema_decay=0.9", "model.reset=after"],
    ["batch.accumulate=2", "model.tie_weights=true", "model.embedding=20"],
    ["model.recurrent_dropout=0.2", "model.embedding=700"],
  ])
  func trajectoryIsBitIdenticalAtAnyRankAndThreadCount(assignments: [String]) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += assignments
    let exact = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    problem.assignments += Self.groups
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    #expect(alone != exact)
    for (ranks, threads, bucketBytes) in [
      (1, 3, 1 << 20), (1, 8, 1), (2, 1, 1 << 20), (2, 3, 1), (4, 1, 1), (4, 2, 30_000),
    ] {
      #expect(
        try problem.trajectory(
          ranks: ranks, threads: threads, steps: 6, bucketBytes: bucketBytes) == alone,
        "\(ranks) ranks x \(threads) threads")
    }
    #expect(
      try problem.trajectory(ranks: 4, threads: 1, steps: 6, synchronizesEachStep: false)
        == problem.trajectory(ranks: 1, threads: 1, steps: 6, synchronizesEachStep: false))
    problem.assignments.append("exchange.compression_groups=2")
    #expect(try problem.trajectory(ranks: 1, threads: 1, steps: 6) != alone)
  }

  @Test func asManyRanksAsGroupsSendHalf() throws {
    var problem = try TrainingProblem("model.embedding=700")
    defer { problem.remove() }
    func bytes(ranks: Int) throws -> [Int] {
      try ThreadWorld.run(ranks: ranks) { communicator in
        let trainer = try problem.trainer(on: communicator).0
        for _ in 0..<2 { _ = try trainer.performStep() }
        return try trainer.performStep().sentBytes
      }
    }
    let exact = try (bytes(ranks: 2), bytes(ranks: 4))
    problem.assignments += Self.groups
    #expect(try 2 * bytes(ranks: 4).reduce(0, +) == exact.1.reduce(0, +))
    // Two groups each: gradients are as many bytes as before, parameters half as many.
    #expect(try 4 * bytes(ranks: 2).reduce(0, +) == 3 * exact.0.reduce(0, +))
  }

  /// What is left out of one step is made up for by the next ones: over many steps of SGD the
  /// rounded parameters stay within a rounding of a single change of the exact ones.
  @Test func errorFeedbackCarriesRoundingErrors() throws {
    var problem = try TrainingProblem("optimizer.name=sgd", "optimizer.clip_norm=0")
    defer { problem.remove() }
    problem.assignments += Self.groups
    let trainer = try problem.trainer(on: SoloCommunicator()).0
    for _ in 0..<12 { _ = try trainer.performStep() }
    let master = trainer.optimizer.master.pointer
    let parameters = trainer.replica.parameters.pointer
    var largest: Float = 0
    var moved = 0
    for element in 0..<trainer.replica.table.elementCount {
      largest = max(largest, abs(master[element] - parameters[element]))
      if master[element] != parameters[element] { moved += 1 }
    }
    #expect(moved > 100)
    #expect(largest < 1e-4)
  }

  /// A step that is taken back leaves no residual behind.
  @Test func undoneStepRestoresResiduals() throws {
    var problem = try TrainingProblem("batch.accumulate=2")
    defer { problem.remove() }
    problem.assignments += Self.groups
    func fingerprint(withFault: Bool) throws -> String {
      let trainer = try problem.trainer(on: SoloCommunicator()).0
      for _ in 0..<3 { _ = try trainer.performStep() }
      if withFault {
        trainer.updates?.faultAfterGradients = { nodes in nodes[0][5] = .infinity }
        #expect(throws: NonFiniteError.self) { _ = try trainer.performStep() }
        trainer.updates?.faultAfterGradients = nil
      }
      for _ in 0..<3 { _ = try trainer.performStep() }
      return try trainer.fingerprint()
    }
    #expect(try fingerprint(withFault: true) == fingerprint(withFault: false))
  }

  @Test func rejectsUnsupportedCombinations() throws {
    func message(_ assignments: String..., ranks: Int = 1) -> String {
      do {
        let config = try Config(
          json: Array(#"{"data": {"train": "t"}}"#.utf8), file: "c.json",
          overrides: assignments.map { ConfigOverride(set: $0) })
        try config.validate(ranks: ranks, place: "c.json")
        return ""
      } catch {
        return "\(error)"
      }
    }
    let bf16 = "exchange.compression=bf16"
    #expect(message(bf16).contains("exchange.compression_groups: exchange.compression needs it"))
    #expect(message(bf16).contains("possible are 1, 2, 4, 8"))
    #expect(
      message(bf16, "exchange.compression_groups=3").contains(
        "3 groups do not cut 8 shards at nodes of the canonical tree"))
    #expect(message(bf16, "exchange.compression_groups=4").isEmpty)
    #expect(message(bf16, "exchange.compression_groups=4", ranks: 2).isEmpty)
    #expect(
      message(bf16, "exchange.compression_groups=4", ranks: 3).contains(
        "4 groups cannot be dealt to 3 ranks as wholes"))
    #expect(
      message(bf16, "exchange.compression_groups=4", "optimizer.lazy=true").contains(
        "optimizer.lazy: leaves rows"))
  }
}
