import Cells
import Collectives
import Configuration
import GRUCore
import Kernels
import Testing

@testable import Engine

/// Rows of the embedding that no token looks up are not exchanged, and the bits are the same.
@Suite struct SparseExchangeTests {
  /// An embedding of several blocks, and windows that look up few of its rows.
  private static let few = [
    "data.tokenizer=byte", "model.embedding=121", "batch.sequences=8", "batch.window=1",
    "optimizer.learning_rate=0.01", "model.layers=1",
  ]

  @Test(arguments: [
    ["optimizer.name=sgd"], ["optimizer.name=sgd", "optimizer.momentum=0.9"],
    ["optimizer.name=sgd", "optimizer.ema_decay=0.9"],
    ["optimizer.name=sgd", "optimizer.weight_decay=0.1"], ["optimizer.name=adagrad"],
    ["optimizer.name=rmsprop"], ["optimizer.name=adam"], ["optimizer.lazy=true"],
    ["optimizer.lazy=true", "optimizer.weight_decay=0.1", "batch.accumulate=2"],
    ["optimizer.name=sgd", "batch.accumulate=3", "model.embedding_dropout=0.3"],
  ])
  func trajectoryEqualsTheDenseExchange(assignments: [String]) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + assignments + ["exchange.sparse=never"]
    let dense = try problem.trajectory(ranks: 1, threads: 1, steps: 6)
    #expect(try problem.trajectory(ranks: 3, threads: 1, steps: 6, bucketBytes: 1) == dense)
    problem.assignments.append("exchange.sparse=always")
    for (ranks, threads, bucketBytes) in [
      (1, 1, 1), (1, 3, 1 << 20), (2, 1, 1), (2, 2, 1 << 20), (3, 1, 40_000), (4, 2, 1),
    ] {
      #expect(
        try problem.trajectory(
          ranks: ranks, threads: threads, steps: 6, bucketBytes: bucketBytes) == dense,
        "\(ranks) ranks x \(threads) threads")
    }
  }

  /// Some batches look up more than half of all rows, others fewer.
  @Test func batchesThatTouchManyRowsAreExchangedWhole() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments +=
      Self.few + [
        "data.tokenizer=character", "model.embedding=1201", "optimizer.name=sgd", "batch.window=3",
        "batch.window_jitter=2", "exchange.sparse=never",
      ]
    let dense = try problem.trajectory(
      ranks: 1, threads: 1, steps: 12, synchronizesEachStep: false)
    problem.assignments.append("exchange.sparse=always")
    for ranks in 1...4 {
      #expect(
        try problem.trajectory(
          ranks: ranks, threads: 1, steps: 12, synchronizesEachStep: false) == dense)
    }
    let kinds = try ThreadWorld.run(ranks: 2) { communicator in
      let trainer = try problem.trainer(on: communicator).0
      let touched = try #require(trainer.engine.touched)
      return try (0..<12).map { _ in
        _ = try trainer.performStep()
        return 2 * touched.step.count <= touched.step.rowCount
      }
    }
    #expect(Set(kinds[0]) == [true, false])
  }

  /// Also the moments, which a later step may use with other values of the optimizer.
  @Test(arguments: ["sgd", "adagrad", "rmsprop"])
  func momentsEqualTheDenseExchange(name: String) throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + ["optimizer.name=\(name)"]
    func moments(_ sparse: String) throws -> [[UInt32]] {
      var problem = problem
      problem.assignments.append("exchange.sparse=\(sparse)")
      let trainer = try problem.trainer(on: SoloCommunicator()).0
      return try (0..<8).map { _ in
        _ = try trainer.performStep()
        return (0..<trainer.optimizer.count).map { trainer.optimizer.moment(0)[$0].bitPattern }
      }
    }
    #expect(try moments("always") == moments("never"))
  }

  @Test func fewTouchedRowsAreExchangedAlone() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments += Self.few + ["optimizer.name=sgd"]
    func bytes(_ assignments: String...) throws -> (sent: [Int], embedding: Int) {
      var problem = problem
      problem.assignments += assignments
      var embedding = 0
      let sent = try ThreadWorld.run(ranks: 2) { communicator in
        let trainer = try problem.trainer(on: communicator).0
        for _ in 0..<3 { _ = try trainer.performStep() }
        if communicator.rank == 0 { embedding = 4 * trainer.replica.table.embeddingWeight.count }
        return try trainer.performStep().sentBytes
      }
      return (sent, embedding)
    }
    let dense = try bytes("exchange.sparse=never")
    let sparse = try bytes("exchange.sparse=always")
    let adam = try bytes("exchange.sparse=always", "optimizer.name=adam")
    let automatic = try bytes("exchange.sparse=auto")
    // Small embeddings are not worth it.
    #expect(automatic.sent == dense.sent)
    // Of two ranks each sends half of everything twice; at most half of the rows take part.
    let total = dense.sent.reduce(0, +)
    #expect(sparse.sent.reduce(0, +) < total - dense.embedding * 9 / 10)
    // Adam moves every row, so that only gradients are saved.
    #expect(adam.sent.reduce(0, +) < total - dense.embedding * 4 / 10)
    #expect(adam.sent.reduce(0, +) > sparse.sent.reduce(0, +))
  }

  @Test func tiedWeightsAreExchangedWhole() throws {
    var problem = try TrainingProblem()
    defer { problem.remove() }
    problem.assignments +=
      Self.few + [
        "model.tie_weights=true", "model.hidden=200", "model.embedding=200", "optimizer.name=sgd",
      ]
    let dense = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    problem.assignments.append("exchange.sparse=always")
    #expect(try problem.trajectory(ranks: 2, threads: 1, steps: 4) == dense)
    #expect(try problem.trainer(on: SoloCommunicator()).0.engine.touched == nil)
  }

  /// The rule goes by the size of the embedding.
  @Test func largeEmbeddingsAreExchangedRowByRow() {
    func elements(vocabulary: Int, _ sparse: ExchangeConfig.Sparse) -> Int {
      var config = ExchangeConfig()
      config.sparse = sparse
      let shape = ModelShape(
        cell: .gruResetBefore, vocabularySize: vocabulary, embeddingSize: 200, hiddenSize: 8,
        layerCount: 1)
      return config.rowElements(of: shape, table: ParameterTable(shape: shape))
    }
    #expect(elements(vocabulary: 1310, .auto) == 0)
    #expect(elements(vocabulary: 1311, .auto) == 64 * 4096)
    #expect(elements(vocabulary: 1311, .never) == 0)
    #expect(elements(vocabulary: 30, .always) == 4096)
    #expect(elements(vocabulary: 20, .always) == 0)
  }
}
