package import Kernels

/// One set of checks that every communicator must pass, from one rank on. All ranks of a job call
/// `run` together.
package struct SelfTest {
  /// What a rank found.
  package struct Report {
    /// One sentence for each law that did not hold; empty if all is well.
    package let failures: [String]
    /// A hash of all gradient sums: equal on all ranks, and for every number of ranks that runs the
    /// same shard counts.
    package let digest: String
  }

  /// The numbers of shards that gradients are summed over. The digest covers these.
  static let shardCounts = [8, 12, 7]
  /// Lengths around the widths of lanes, blocks and messages.
  static let elementCounts = [0, 1, 15, 16, 17, 4095, 4096, 4097, 3 * 4096 + 5, 200_003]

  let communicator: any Communicator
  let kernels: Kernels
  private(set) var failures: [String] = []
  private var digest = ContentHash128.Hasher()

  private init(communicator: any Communicator, kernels: Kernels) {
    self.communicator = communicator
    self.kernels = kernels
  }

  /// Runs all checks. The world has at most 7 ranks, the smallest number of shards.
  package static func run(communicator: any Communicator, kernels: Kernels) -> Report {
    var test = SelfTest(communicator: communicator, kernels: kernels)
    do throws(CollectiveError) {
      try test.checkBarrier()
      try test.checkExchange()
      try test.checkOrder()
      try test.checkPolling()
      try test.checkPeers()
      try test.checkBroadcast()
      try test.checkAllGather()
      try test.checkGradientExchange()
    } catch {
      test.failures.append("\(error)")
    }
    return Report(failures: test.failures, digest: test.digest.finish().description)
  }

  mutating func expect(_ holds: Bool, _ law: @autoclosure () -> String) {
    if !holds { failures.append("rank \(communicator.rank): " + law()) }
  }

  /// Bytes that tell their sender, size and purpose.
  private static func message(from rank: Int, size: Int, purpose: Int) -> [UInt8] {
    let key = Philox.mix(UInt64(rank) << 40 ^ UInt64(size) << 8 ^ UInt64(purpose))
    return (0..<size).map { UInt8(truncatingIfNeeded: (key >> 7) &+ UInt64($0) &* (key | 1)) }
  }

  private func checkBarrier() throws(CollectiveError) {
    for _ in 0..<10 { try communicator.barrier() }
  }

  private mutating func checkExchange() throws(CollectiveError) {
    let world = communicator.worldSize
    let rank = communicator.rank
    for distance in 0..<world {
      for size in [0, 1, 1000, 4096, 100_003, 3_000_000] {
        let from = (rank + world - distance) % world
        let outgoing = Self.message(from: rank, size: size, purpose: distance)
        var incoming = [UInt8](repeating: 0, count: size)
        try communicator.exchange(outgoing, to: (rank + distance) % world, &incoming, from: from)
        let expected = Self.message(from: from, size: size, purpose: distance)
        expect(incoming == expected, "exchange of \(size) bytes with rank \(from) lost its content")
      }
    }
  }

  /// Transfers between two ranks keep their order, whichever side starts first.
  private mutating func checkOrder() throws(CollectiveError) {
    let count = 20
    let size = 50
    let world = communicator.worldSize
    let next = (communicator.rank + 1) % world
    let previous = (communicator.rank + world - 1) % world
    let outgoing = (0..<count).flatMap {
      Self.message(from: communicator.rank, size: size, purpose: $0)
    }
    for receivesFirst in [true, false] {
      var incoming = [UInt8](repeating: 0, count: count * size)
      var transfers = TransferQueue(capacity: 2 * count)
      let communicator = self.communicator
      do throws(CollectiveError) {
        try unsafe incoming.withBytes { (incoming) throws(CollectiveError) in
          try unsafe outgoing.withReadOnlyBytes { (outgoing) throws(CollectiveError) in
            for phase in [receivesFirst, !receivesFirst] {
              for part in 0..<count {
                let place = part * size..<(part + 1) * size
                if phase {
                  unsafe transfers.append(
                    try communicator.startReceive(.init(rebasing: incoming[place]), from: previous))
                } else {
                  unsafe transfers.append(
                    try communicator.startSend(.init(rebasing: outgoing[place]), to: next))
                }
              }
            }
            try transfers.finishAll(on: communicator)
          }
        }
      } catch {
        transfers.cancelAll(on: communicator)
        throw error
      }
      let expected = (0..<count).flatMap { Self.message(from: previous, size: size, purpose: $0) }
      expect(incoming == expected, "transfers from rank \(previous) came out of order")
    }
  }

  /// Polling finishes transfers without waiting for them.
  private mutating func checkPolling() throws(CollectiveError) {
    let world = communicator.worldSize
    let previous = (communicator.rank + world - 1) % world
    let next = (communicator.rank + 1) % world
    let size = 200_000
    let outgoing = Self.message(from: communicator.rank, size: size, purpose: 2)
    var incoming = [UInt8](repeating: 0, count: size)
    let communicator = self.communicator
    var transfers = TransferQueue(capacity: 2)
    do throws(CollectiveError) {
      try unsafe incoming.withBytes { (incoming) throws(CollectiveError) in
        try unsafe outgoing.withReadOnlyBytes { (outgoing) throws(CollectiveError) in
          unsafe transfers.append(try communicator.startReceive(incoming, from: previous))
          unsafe transfers.append(try communicator.startSend(outgoing, to: next))
          while transfers.count > 0 {
            while try !transfers.oldestIsFinished(on: communicator) {}
            try transfers.finishOldest(on: communicator)
          }
        }
      }
    } catch {
      transfers.cancelAll(on: communicator)
      throw error
    }
    let expected = Self.message(from: previous, size: size, purpose: 2)
    expect(incoming == expected, "a polled transfer from rank \(previous) lost its content")
  }

  private mutating func checkPeers() throws(CollectiveError) {
    for peer in [-1, communicator.worldSize] {
      do throws(CollectiveError) {
        try unsafe communicator.send(UnsafeRawBufferPointer(start: nil, count: 0), to: peer)
        expect(false, "a send to rank \(peer) was accepted")
      } catch {
        expect(error.peer == peer, "the error of a send to rank \(peer) names another rank")
      }
    }
  }

  private mutating func checkBroadcast() throws(CollectiveError) {
    for root in 0..<communicator.worldSize {
      for size in [0, 1, 5000, 1_000_003] {
        let expected = Self.message(from: root, size: size, purpose: 3)
        var bytes =
          communicator.rank == root ? expected : [UInt8](repeating: 0, count: size)
        let communicator = self.communicator
        try unsafe bytes.withBytes { (bytes) throws(CollectiveError) in
          try unsafe communicator.broadcast(bytes, from: root)
        }
        expect(bytes == expected, "broadcast of \(size) bytes by rank \(root) lost its content")
      }
    }
  }

  private mutating func checkAllGather() throws(CollectiveError) {
    for size in [0, 1, 8, 4096, 100_001] {
      let mine = Self.message(from: communicator.rank, size: size, purpose: 5)
      var all = [UInt8](repeating: 0, count: size * communicator.worldSize)
      let communicator = self.communicator
      try unsafe all.withBytes { (all) throws(CollectiveError) in
        try unsafe mine.withReadOnlyBytes { (mine) throws(CollectiveError) in
          try unsafe communicator.allGather(mine, into: all)
        }
      }
      let expected = (0..<communicator.worldSize).flatMap {
        Self.message(from: $0, size: size, purpose: 5)
      }
      expect(all == expected, "all-gather of \(size) bytes lost its content")
    }
  }

  private mutating func checkGradientExchange() throws(CollectiveError) {
    for shards in Self.shardCounts {
      guard communicator.worldSize <= shards else {
        failures.append("the self-test needs at most \(shards) ranks")
        return
      }
      for elementCount in Self.elementCounts {
        try checkGradientExchange(shards: shards, elementCount: elementCount)
      }
    }
  }

  private mutating func checkGradientExchange(
    shards: Int, elementCount: Int
  ) throws(CollectiveError) {
    let plan = ShardPlan(
      sequences: shards, shards: shards, ranks: communicator.worldSize, threads: 1)
    let gradients = SampleGradients(shards: shards, elementCount: elementCount)
    let expected = gradients.node(0..<shards)
    // Chunks of two sizes: one message a part, and many; one bucket and several.
    let third = elementCount / 3 / canonicalBlock * canonicalBlock
    let several = [0..<third, third..<2 * third, 2 * third..<elementCount]
    for (chunkElements, buckets) in [(1 << 16, nil), (1500, several)] {
      let exchange = GradientExchange(
        communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
        buckets: buckets, chunkElements: chunkElements)
      // Twice, because buffers of the first step must not leak into the second.
      for step in 1...2 {
        let arenas = CanonicalTree.maximalNodes(
          of: plan.shards(ofRank: communicator.rank), in: shards
        ).map { Arena(gradients.node($0)) }
        try unsafe exchange.reduceScatter(partialSums: arenas.map(unsafe \.pointer))
        let label = "\(elementCount) elements in \(shards) shards, step \(step)"
        for owned in exchange.ownership.parts[communicator.rank] {
          expect(
            arenas[0].bits(owned) == expected[owned].map(\.bitPattern),
            "reduce-scatter of \(label) differs from the canonical tree")
        }
        try unsafe exchange.allGather(arenas[0].pointer)
        let bits = arenas[0].bits(0..<elementCount)
        expect(
          bits == expected.map(\.bitPattern), "all-gather of \(label) differs from the whole")
        unsafe bits.withUnsafeBytes { unsafe digest.update($0) }
      }
    }
  }
}

extension Communicator {
  /// `exchange` of whole arrays.
  fileprivate func exchange(
    _ outgoing: [UInt8], to receiver: Int, _ incoming: inout [UInt8], from sender: Int
  ) throws(CollectiveError) {
    try unsafe incoming.withBytes { (incoming) throws(CollectiveError) in
      try unsafe outgoing.withReadOnlyBytes { (outgoing) throws(CollectiveError) in
        try unsafe exchange(send: outgoing, to: receiver, receive: incoming, from: sender)
      }
    }
  }
}
