import Cells
import GRUCore
import Kernels
import Testing

/// The numeric contract of the core: the same bits at any vector width and any split of the shards.
@Suite struct BitEqualityTests {
  @Test(arguments: Cell.allCases, Sizes.all)
  func everyInstructionSetIsBitIdentical(cell: Cell, sizes: Sizes) {
    let problem = sizes.problem(cell)
    let portable = WorkerRun(problem, plan: sizes.plan(), instructionSet: .portable)
    for set in InstructionSet.available where set != .portable {
      let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
      expectSame(found, portable, "\(set)")
    }
  }

  @Test(arguments: Cell.allCases, [8, 7, 6])
  func everySplitOfTheShardsIsBitIdentical(cell: Cell, shards: Int) {
    let sizes = Sizes(
      hidden: 19, embedding: 13, vocabulary: 29, layers: 2, window: 4, shards: shards,
      sequencesPerShard: 3)
    let problem = sizes.problem(cell)
    let set = InstructionSet.available.last!
    let one = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    for ranks in 1...shards {
      for threads in 1...shards / ranks where ranks * threads > 1 {
        let plan = sizes.plan(ranks: ranks, threads: threads)
        let found = WorkerRun(problem, plan: plan, instructionSet: set)
        expectSame(found, one, "\(ranks) ranks × \(threads) threads")
      }
    }
  }

  @Test(arguments: Cell.allCases, [1, 2, 3])
  func threadsThatShareShardsAreBitIdentical(cell: Cell, shards: Int) {
    for (hidden, layers, sequencesPerShard) in [(19, 2, 3), (65, 1, 1), (48, 1, 13)] {
      let sizes = Sizes(
        hidden: hidden, embedding: 13, vocabulary: 29, layers: layers, window: 7, shards: shards,
        sequencesPerShard: sequencesPerShard)
      let problem = sizes.problem(cell)
      for set in InstructionSet.available {
        let one = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
        for threads in shards + 1...5 {
          let found = WorkerRun(problem, plan: sizes.plan(threads: threads), instructionSet: set)
          expectSame(found, one, "\(set), H \(hidden), \(threads) threads")
        }
      }
    }
  }

  /// The worker then does the parts of all.
  @Test(arguments: Cell.allCases) func workerDoesAllPartsWithoutHelpers(cell: Cell) {
    let sizes = Sizes(
      hidden: 48, embedding: 13, vocabulary: 29, layers: 2, window: 7, shards: 2,
      sequencesPerShard: 3)
    let problem = sizes.problem(cell)
    let set = InstructionSet.available.last!
    let one = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    let found = WorkerRun(
      problem, plan: sizes.plan(threads: 6), instructionSet: set, helpersCome: false)
    expectSame(found, one, "three threads to a shard, of which one comes")
  }

  @Test(arguments: Cell.allCases, Sizes.all)
  func shorterWindowThanCapacityIsBitIdentical(cell: Cell, sizes: Sizes) {
    let problem = sizes.problem(cell)
    let set = InstructionSet.available.last!
    let tight = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    for spare in [1, 13, 90] {
      let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set, spare: spare)
      expectSame(found, tight, "\(spare) steps of room")
    }
  }

  @Test func repeatedComputationIsBitIdentical() {
    let sizes = Sizes.all[4]
    let problem = sizes.problem(.gruResetBefore)
    let set = InstructionSet.available.last!
    let first = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    expectSame(WorkerRun(problem, plan: sizes.plan(), instructionSet: set), first, "again")
  }

  private func expectSame(_ found: WorkerRun, _ expected: WorkerRun, _ what: Comment) {
    #expect(found.losses == expected.losses, what)
    #expect(found.tokens == expected.tokens, what)
    #expect(found.gradientBits == expected.gradientBits, what)
    #expect(found.state.map(\.bitPattern) == expected.state.map(\.bitPattern), what)
  }
}
