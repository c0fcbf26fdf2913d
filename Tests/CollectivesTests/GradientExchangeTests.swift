import Kernels
import Testing

@testable import Collectives

@Suite struct GradientExchangeTests {
  @Test func everyElementHasOneOwnerAtBlockBounds() throws {
    let kernels = try sampleKernels()
    for ranks in 1...9 {
      for elementCount in [0, 1, 4095, 4096, 4097, 7 * 4096 + 3, 40 * 4096] {
        let ranges = try ThreadWorld.run(ranks: ranks) {
          GradientExchange(
            communicator: $0, kernels: kernels, elementCount: elementCount,
            plan: plan(shards: 16, ranks: ranks)
          ).ranges
        }
        #expect(ranges.allSatisfy { $0 == ranges[0] })
        #expect(ranges[0].count == ranks)
        let inOrder = ranges[0].filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
        var next = 0
        for range in inOrder {
          #expect(range.lowerBound == next)
          #expect(range.upperBound % canonicalBlock == 0 || range.upperBound == elementCount)
          next = range.upperBound
        }
        #expect(next == elementCount)
        let blocks = ranges[0].map { ($0.count + canonicalBlock - 1) / canonicalBlock }
        #expect(blocks.max()! - blocks.min()! <= 1)
      }
    }
  }

  @Test func powersOfTwoOwnBitReversedParts() {
    let owned = (0..<4).map { HalvingSchedule.owned(by: $0, ranks: 4, elementCount: 4 * 4096) }
    #expect(owned.map { $0.lowerBound / 4096 } == [0, 2, 1, 3])
  }

  @Test func powersOfTwoWithOneNodeEachHalveAndOthersMeetDirectly() {
    func fits(_ shards: Int, _ ranks: Int) -> Bool {
      let plan = plan(shards: shards, ranks: ranks)
      return HalvingSchedule.fits(
        nodes: (0..<ranks).map {
          CanonicalTree.maximalNodes(of: plan.shards(ofRank: $0), in: shards)
        }, shards: shards)
    }
    #expect(fits(8, 2))
    #expect(fits(8, 4))
    #expect(fits(8, 8))
    #expect(fits(2, 2))
    #expect(!fits(8, 3))
    #expect(!fits(12, 2))
    #expect(!fits(12, 4))
    #expect(!fits(7, 4))
    #expect(!fits(5, 4))
  }

  /// Which bounds: each way (P − 1) / P of the elements, in messages of any size.
  @Test func halvingSendsTheLeastPossible() throws {
    let kernels = try sampleKernels()
    for ranks in [2, 4, 8] {
      let elementCount = ranks * 3 * canonicalBlock
      let sent = try ThreadWorld.run(ranks: ranks) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: elementCount,
          plan: plan(shards: 16, ranks: ranks), pieceElements: 1000)
        let arena = Arena([Float](repeating: 1, count: elementCount))
        try exchange.reduceScatter(nodes: [arena.pointer])
        let first = communicator.bytesSent
        try exchange.allGather(arena.pointer)
        #expect(arena.bits(0..<elementCount).allSatisfy { $0 == Float(ranks).bitPattern })
        return [first, communicator.bytesSent - first]
      }
      let least = elementCount / ranks * (ranks - 1) * MemoryLayout<Float>.stride
      #expect(sent.allSatisfy { $0 == [least, least] })
    }
  }

  /// Any ranks x threads: fold and exchange equal the plain tree, bit for bit.
  @Test func anyWorkersEqualTheCanonicalTree() throws {
    let kernels = try sampleKernels()
    var random = SeededGenerator(seed: 20)
    for _ in 0..<60 {
      let shards = Int.random(in: 1...16, using: &random)
      let ranks = Int.random(in: 1...min(6, shards), using: &random)
      let threads = Int.random(in: 1...min(4, shards / ranks), using: &random)
      let elementCount = Int.random(in: 0...40_000, using: &random)
      let pieceElements = Int.random(in: 500...20_000, using: &random)
      let plan = plan(shards: shards, ranks: ranks, threads: threads)
      let gradients = SampleGradients(shards: shards, elementCount: elementCount)
      let expected = gradients.node(0..<shards).map(\.bitPattern)
      let wholes = try ThreadWorld.run(ranks: ranks) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
          pieceElements: pieceElements)
        let arenas = foldedNodes(
          gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        #expect(arenas.count == exchange.nodeCount)
        try exchange.reduceScatter(nodes: arenas.map(\.pointer))
        let owned = exchange.ownedRange
        #expect(arenas[0].bits(owned) == Array(expected[owned]))
        try exchange.allGather(arenas[0].pointer)
        return arenas[0].bits(0..<elementCount)
      }
      #expect(
        wholes.allSatisfy { $0 == expected },
        "\(shards) shards, \(ranks) ranks, \(threads) threads, \(elementCount) elements")
    }
  }

  @Test func delaysDoNotChangeTheSums() throws {
    let kernels = try sampleKernels()
    let gradients = SampleGradients(shards: 8, elementCount: 30_000)
    let expected = gradients.node(0..<8).map(\.bitPattern)
    for (seed, ranks) in [(1, 4), (2, 3), (3, 5)] {
      let plan = plan(shards: 8, ranks: ranks)
      let faults = ThreadWorld.Faults(longestDelay: 2000, seed: UInt64(seed))
      let wholes = try ThreadWorld.run(ranks: ranks, faults: faults) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: 30_000, plan: plan,
          pieceElements: 2000)
        let arenas = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        try exchange.reduceScatter(nodes: arenas.map(\.pointer))
        try exchange.allGather(arenas[0].pointer)
        return arenas[0].bits(0..<30_000)
      }
      #expect(wholes.allSatisfy { $0 == expected })
    }
  }

  /// Whichever transfer fails, every rank ends, and the error is that of the rank that failed.
  @Test func aFailedTransferEndsAllRanks() throws {
    let kernels = try sampleKernels()
    for ranks in [2, 3, 4] {
      for number in 0..<8 {
        let faults = ThreadWorld.Faults(failingTransfer: (rank: ranks - 1, number: number))
        do {
          _ = try ThreadWorld.run(ranks: ranks, faults: faults) { communicator in
            let exchange = GradientExchange(
              communicator: communicator, kernels: kernels, elementCount: 50_000,
              plan: plan(shards: 8, ranks: ranks), pieceElements: 4000)
            let arenas = (0..<exchange.nodeCount).map { _ in
              Arena([Float](repeating: 1, count: 50_000))
            }
            try exchange.reduceScatter(nodes: arenas.map(\.pointer))
          }
          Issue.record("transfer \(number) of \(ranks) ranks did not fail")
        } catch let error as CollectiveError {
          #expect(error.rank == ranks - 1)
          #expect(error.reason == "transfer \(number) was asked to fail")
        }
      }
    }
  }
}

/// A plan of one sequence a shard.
func plan(shards: Int, ranks: Int, threads: Int = 1) -> ShardPlan {
  ShardPlan(sequences: shards, shards: shards, ranks: ranks, threads: threads)
}

/// The rank's nodes, folded from those of its threads by as many threads.
func foldedNodes(
  _ gradients: SampleGradients, plan: ShardPlan, rank: Int, kernels: Kernels
) -> [Arena] {
  let arenas = (0..<plan.threads).flatMap { thread in
    CanonicalTree.maximalNodes(
      of: plan.shards(ofWorker: rank * plan.threads + thread), in: plan.shards
    ).map { Arena(gradients.node($0)) }
  }
  let fold = NodeFold(plan: plan, rank: rank)
  let pointers = arenas.map(\.pointer)
  for thread in (0..<plan.threads).reversed() {
    fold.fold(
      threadNodes: pointers,
      elements: NodeFold.elements(
        ofThread: thread, of: plan.threads, elementCount: gradients.elementCount),
      kernels: kernels)
  }
  return fold.resultArenas.map { arenas[$0] }
}

/// A small generator, so that random cases are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 1
    return SelfTest.mix(state)
  }
}
