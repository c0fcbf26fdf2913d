import Cells
import GRUCore
import Kernels
import Testing

/// Where buffers take one another's places, results are the same bits.
@Suite struct MemoryUseTests {
  @Test(arguments: Cell.allCases, Sizes.all)
  func reusedActivationsGiveTheSameBits(cell: Cell, sizes: Sizes) {
    let problem = sizes.problem(cell)
    for precision in Precision.allCases {
      expectSame(problem, sizes.plan(), precision: precision, spare: 3)
      expectSame(problem, sizes.plan(ranks: min(2, sizes.shards)), precision: precision)
    }
  }

  @Test(arguments: Cell.allCases)
  func manyLayersAndWideInputsGiveTheSameBits(cell: Cell) {
    for (hidden, embedding, layers) in [(16, 70, 1), (19, 70, 3), (32, 3, 4), (5, 16, 2)] {
      let sizes = Sizes(
        hidden: hidden, embedding: embedding, vocabulary: 29, layers: layers, window: 7,
        shards: 3, sequencesPerShard: 1)
      let problem = sizes.problem(cell)
      for precision in Precision.allCases {
        expectSame(problem, sizes.plan(), precision: precision)
        expectSame(problem, sizes.plan(threads: 2), precision: precision)
        expectSame(problem, sizes.plan(ranks: 3, threads: 2), precision: precision)
      }
    }
  }

  /// With outputs of several blocks, where every score stays until all are there.
  @Test(arguments: Cell.allCases)
  func wideOutputsGiveTheSameBits(cell: Cell) {
    let sizes = Sizes(
      hidden: 19, embedding: 13, vocabulary: 5000, layers: 2, window: 3, shards: 2,
      sequencesPerShard: 2)
    expectSame(sizes.problem(cell), sizes.plan())
  }

  @Test(arguments: Cell.allCases)
  func optionsGiveTheSameBits(cell: Cell) {
    let sizes = Sizes(
      hidden: 19, embedding: 13, vocabulary: 11, layers: 3, window: 8, shards: 2,
      sequencesPerShard: 3)
    for (normalizes, dropout) in [(true, 0.0), (false, 0.3), (true, 0.3)] {
      var shape = sizes.problem(cell).shape
      shape.normalizesGates = normalizes
      shape.regularization.dropout = dropout
      shape.regularization.embeddingDropout = dropout / 2
      let problem = RandomProblem(
        shape: shape, window: sizes.window, sequences: sizes.plan().sequences, seed: 5)
      expectSame(problem, sizes.plan())
    }
  }

  /// Models whose activations somebody reads once more keep them.
  @Test func activationsThatAreReadOnceMoreAreKept() {
    let plain = Sizes.all[3].problem(.gruResetBefore).shape
    #expect(plain.canReuseActivations)
    let changes: [(inout ModelShape) -> Void] = [
      { $0.isBidirectional = true }, { $0.tiesWeights = true }, { $0.learnsInitialState = true },
      { $0.regularization.recurrentDropout = 0.1 },
      { $0.adaptiveSoftmax = AdaptiveSoftmax(cutoffs: [2], factor: 2) },
    ]
    for change in changes {
      var shape = plain
      change(&shape)
      #expect(!shape.canReuseActivations)
    }
  }

  /// Everything in the place of something else needs less.
  @Test(arguments: Cell.allCases)
  func eachWayNeedsLessThanTheOneBefore(cell: Cell) {
    let sizes = Sizes(
      hidden: 64, embedding: 32, vocabulary: 64, layers: 2, window: 32, shards: 4,
      sequencesPerShard: 2)
    let problem = sizes.problem(cell)
    let kernels = Kernels(.portable)
    func workspace(_ use: MemoryUse) -> Int {
      SequenceWorker.workspaceBytes(
        shape: problem.shape, window: sizes.window, plan: sizes.plan(), worker: 0, use: use,
        kernels: kernels)
    }
    func packed(_ use: MemoryUse) -> Int {
      PackedWeights.bytes(shape: problem.shape, table: problem.table, kernels: kernels, use: use)
    }
    let state = MemoryLayout<Float>.stride * sizes.window * sizes.plan().sequences * sizes.hidden
    #expect(workspace(.apart) - workspace(.reused) > 2 * state * 9 / 10)
    #expect(workspace(.inTurn) == workspace(.reused))
    #expect(packed(.apart) > packed(.forward))
    #expect(packed(.forward) > packed(.inTurn))
  }

  private func expectSame(
    _ problem: RandomProblem, _ plan: ShardPlan, precision: Precision = .fp32, spare: Int = 0,
    location: SourceLocation = #_sourceLocation
  ) {
    let set = InstructionSet.available.last!
    let apart = WorkerRun(problem, plan: plan, instructionSet: set, precision: precision)
    for use in [MemoryUse.reused, .inTurn] {
      // Several workers of a rank read packed weights at the same time.
      if use == .inTurn, plan.workersPerRank > 1 { continue }
      let found = WorkerRun(
        problem, plan: plan, instructionSet: set, precision: precision, spare: spare, use: use)
      #expect(found.losses == apart.losses, "\(use)", sourceLocation: location)
      #expect(found.tokens == apart.tokens, "\(use)", sourceLocation: location)
      #expect(found.gradientBits == apart.gradientBits, "\(use)", sourceLocation: location)
      #expect(
        found.state.map(\.bitPattern) == apart.state.map(\.bitPattern), "\(use)",
        sourceLocation: location)
    }
  }
}
