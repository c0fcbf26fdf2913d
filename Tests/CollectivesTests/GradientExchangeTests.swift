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
          ).ownership.parts.map { $0[0] }
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
    let parts = (0..<4).map { HalvingSchedule.partNumber(ofRank: $0, of: 4) }
    #expect(parts == [0, 2, 1, 3])
  }

  @Test func powersOfTwoWithOnePartialSumUseHalvingAndOthersDirectExchange() {
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
          plan: plan(shards: 16, ranks: ranks), chunkElements: 1000)
        let arena = Arena([Float](repeating: 1, count: elementCount))
        try exchange.reduceScatter(partialSums: [arena.pointer])
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
  @Test func sumsEqualTheCanonicalTreeAtAnyWorkerCount() throws {
    let kernels = try sampleKernels()
    var random = SeededGenerator(seed: 20)
    for _ in 0..<60 {
      let shards = Int.random(in: 1...16, using: &random)
      let ranks = Int.random(in: 1...min(6, shards), using: &random)
      let threads = Int.random(in: 1...min(4, shards / ranks), using: &random)
      let elementCount = Int.random(in: 0...40_000, using: &random)
      let chunkElements = Int.random(in: 500...20_000, using: &random)
      let plan = plan(shards: shards, ranks: ranks, threads: threads)
      let buckets = randomBuckets(of: elementCount, using: &random)
      let gradients = SampleGradients(shards: shards, elementCount: elementCount)
      let expected = gradients.node(0..<shards).map(\.bitPattern)
      let wholes = try ThreadWorld.run(ranks: ranks) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
          buckets: buckets, chunkElements: chunkElements)
        let arenas = foldedNodes(
          gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        #expect(arenas.count == exchange.nodeCount)
        try exchange.reduceScatter(partialSums: arenas.map(\.pointer))
        for owned in exchange.ownership.parts[communicator.rank] {
          #expect(arenas[0].bits(owned) == Array(expected[owned]))
        }
        try exchange.allGather(arenas[0].pointer)
        return arenas[0].bits(0..<elementCount)
      }
      #expect(
        wholes.allSatisfy { $0 == expected },
        "\(shards) shards, \(ranks) ranks, \(threads) threads, \(elementCount) elements")
    }
  }

  /// Buckets that each rank completes in its own time, while it does other things, are exchanged
  /// alike.
  @Test(arguments: [2, 3, 4, 6, 8]) func bucketsAreExchangedWhileRanksCompute(ranks: Int) throws {
    let kernels = try sampleKernels()
    for seed in 0..<12 {
      var random = SeededGenerator(seed: UInt64(100 * ranks + seed))
      let shards = ranks == 6 ? 12 : 8
      let elementCount = Int.random(in: 1...90_000, using: &random)
      let buckets = randomBuckets(of: elementCount, using: &random)
      let order = buckets.indices.shuffled(using: &random)
      let readings = buckets.indices.shuffled(using: &random)
      let plan = plan(shards: shards, ranks: ranks)
      let gradients = SampleGradients(shards: shards, elementCount: elementCount)
      let expected = gradients.node(0..<shards).map(\.bitPattern)
      let faults = ThreadWorld.Faults(longestDelay: 100, seed: UInt64(seed))
      let chunkElements = Int.random(in: 1500...9000, using: &random)
      let wholes = try ThreadWorld.run(ranks: ranks, faults: faults) { communicator in
        var own = SeededGenerator(seed: UInt64(seed * 10 + communicator.rank))
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
          buckets: buckets, chunkElements: chunkElements)
        let arenas = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        let nodes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(
          capacity: arenas.count)
        defer { nodes.deallocate() }
        for (index, arena) in arenas.enumerated() {
          (nodes + index).initialize(to: arena.pointer)
        }
        exchange.beginReduction(partialSums: nodes)
        for bucket in order {
          for _ in 0..<Int.random(in: 0...20, using: &own) { _ = try exchange.advance() }
          try exchange.addToReduction(bucket)
        }
        try exchange.finishReduction()
        #expect(!exchange.isUnderWay)
        exchange.beginGathering(arenas[0].pointer)
        for (count, bucket) in readings.enumerated() {
          try exchange.addToGathering(bucket)
          if Bool.random(using: &own) { try exchange.finishGathering(first: count + 1) }
        }
        try exchange.finishGathering(first: 1)
        #expect(
          arenas[0].bits(buckets[readings[0]]) == Array(expected[buckets[readings[0]]]))
        try exchange.finishGathering()
        return arenas[0].bits(0..<elementCount)
      }
      #expect(wholes.allSatisfy { $0 == expected }, "seed \(seed)")
    }
  }

  @Test func progressThreadAdvancesTheExchange() throws {
    let kernels = try sampleKernels()
    let plan = plan(shards: 4, ranks: 2)
    let gradients = SampleGradients(shards: 4, elementCount: 50_000)
    let expected = gradients.node(0..<4).map(\.bitPattern)
    let wholes = try ThreadWorld.run(ranks: 2) { communicator in
      let exchange = GradientExchange(
        communicator: communicator, kernels: kernels, elementCount: 50_000, plan: plan,
        chunkElements: 1000)
      let arenas = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
      let thread = ProgressThread(exchange)
      let nodes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 1)
      defer { nodes.deallocate() }
      nodes.initialize(to: arenas[0].pointer)
      exchange.beginReduction(partialSums: nodes)
      try exchange.addToReduction(0)
      thread.resume()
      // Nobody else moves it; who waits here for ever has found a thread that does not.
      while true {
        let error = thread.pause()
        #expect(error == nil)
        if !exchange.isUnderWay { break }
        thread.resume()
        yieldProcessor()
      }
      try exchange.allGather(arenas[0].pointer)
      return arenas[0].bits(0..<50_000)
    }
    #expect(wholes.allSatisfy { $0 == expected })
  }

  @Test func progressThreadReportsErrors() throws {
    let kernels = try sampleKernels()
    let faults = ThreadWorld.Faults(failingTransfer: (rank: 0, number: 20))
    #expect(throws: CollectiveError.self) {
      _ = try ThreadWorld.run(ranks: 2, faults: faults) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: 50_000,
          plan: plan(shards: 4, ranks: 2), chunkElements: 1000)
        let arena = Arena([Float](repeating: 1, count: 50_000))
        let thread = ProgressThread(exchange)
        let nodes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 1)
        defer { nodes.deallocate() }
        nodes.initialize(to: arena.pointer)
        exchange.beginReduction(partialSums: nodes)
        try exchange.addToReduction(0)
        while exchange.isUnderWay {
          thread.resume()
          yieldProcessor()
          if let error = thread.pause() { throw error }
        }
      }
    }
  }

  /// As when something else ends a run.
  @Test func startedExchangeCanBeAbandoned() throws {
    let kernels = try sampleKernels()
    for ranks in [2, 3] {
      _ = try ThreadWorld.run(ranks: ranks) { communicator in
        let arena = Arena([Float](repeating: 1, count: 50_000))
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: 50_000,
          plan: plan(shards: 6, ranks: ranks), chunkElements: 1000)
        exchange.beginGathering(arena.pointer)
        if communicator.rank == 0 { try exchange.addToGathering(0) }
        #expect(exchange.isUnderWay == (communicator.rank == 0))
      }
    }
  }

  @Test func linkMeasurementsAgreeOnAllRanks() throws {
    let links = try ThreadWorld.run(ranks: 3) { try LinkMeasurement($0) }
    #expect(links.allSatisfy { $0 == links[0] })
    #expect(links[0].latency > 0)
    #expect(links[0].bandwidth > 0)
    #expect(128 << 10...4 << 20 ~= links[0].bucketBytes)
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
          chunkElements: 2000)
        let arenas = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        try exchange.reduceScatter(partialSums: arenas.map(\.pointer))
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
              plan: plan(shards: 8, ranks: ranks), chunkElements: 4000)
            let arenas = (0..<exchange.nodeCount).map { _ in
              Arena([Float](repeating: 1, count: 50_000))
            }
            try exchange.reduceScatter(partialSums: arenas.map(\.pointer))
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

/// Up to six buckets, some of them empty, with bounds at multiples of the block.
func randomBuckets(of elementCount: Int, using random: inout SeededGenerator) -> [Range<Int>] {
  let blocks = elementCount / canonicalBlock
  let count = Int.random(in: 1...6, using: &random)
  let bounds = (1..<count).map { _ in Int.random(in: 0...blocks, using: &random) }.sorted()
    .map { $0 * canonicalBlock }
  return zip([0] + bounds, bounds + [elementCount]).map { $0..<$1 }
}

/// A plan of one sequence a shard.
func plan(shards: Int, ranks: Int, threads: Int = 1) -> ShardPlan {
  ShardPlan(sequences: shards, shards: shards, ranks: ranks, threads: threads)
}

/// The rank's nodes, folded from those of its threads by as many threads.
func foldedNodes(
  _ gradients: SampleGradients, plan: ShardPlan, rank: Int, kernels: Kernels
) -> [Arena] {
  let first = rank * plan.workersPerRank
  let arenas = (first..<first + plan.workersPerRank).flatMap { worker in
    CanonicalTree.maximalNodes(
      of: plan.shards(ofWorker: worker), in: plan.shards
    ).map { Arena(gradients.node($0)) }
  }
  let fold = NodeFold(plan: plan, rank: rank)
  let pointers = arenas.map(\.pointer)
  for thread in (0..<plan.threads).reversed() {
    fold.fold(
      partialSums: pointers,
      elements: NodeFold.elements(
        ofThread: thread, of: plan.threads, elementCount: gradients.elementCount),
      kernels: kernels)
  }
  return fold.rankSums.map { arenas[$0] }
}

/// A small generator, so that random cases are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 1
    return Philox.mix(state)
  }
}
