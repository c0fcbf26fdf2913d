import Kernels
import Testing

@testable import Collectives

@Suite struct SelectedElementsTests {
  /// What a rank sees of an exchange in which only `chosen` elements of the first buckets take
  /// part.
  private final class Selection {
    let chosen: [Int]
    let starts: UnsafeMutablePointer<Int>
    let arenas: [Arena]
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
    let bucketCount: Int

    init(_ chosen: [Int], end: Int, bucketCount: Int, nodes: [Arena]) {
      self.chosen = chosen
      self.bucketCount = bucketCount
      let blocks = end / canonicalBlock
      starts = .allocate(capacity: blocks + 1)
      for block in 0...blocks {
        starts[block] = chosen.prefix { $0 < block * canonicalBlock }.count
      }
      arenas = nodes.map { node in Arena(chosen.map { node.pointer[$0] }) }
      pointers = .allocate(capacity: max(1, nodes.count))
      for (index, arena) in arenas.enumerated() {
        (pointers + index).initialize(to: arena.pointer)
      }
    }

    deinit {
      starts.deallocate()
      pointers.deallocate()
    }

    var elements: SelectedElements {
      SelectedElements(
        bucketCount: bucketCount, starts: UnsafePointer(starts), arenas: UnsafePointer(pointers))
    }
  }

  /// The chosen elements have the sums that they have in an exchange of all, also where a block, a
  /// part or a whole bucket has none of them; fewer bytes travel.
  @Test(arguments: 1...6) func chosenElementsAreSummedAndShared(ranks: Int) throws {
    let kernels = try sampleKernels()
    for seed in 0..<10 {
      var random = SeededGenerator(seed: UInt64(1000 * ranks + seed))
      let shards = Int.random(in: ranks...12, using: &random)
      let elementCount = Int.random(in: 6...18, using: &random) * canonicalBlock + seed
      let buckets = randomBuckets(of: elementCount, using: &random)
      let bucketCount = Int.random(in: 0..<buckets.count, using: &random)
      let end = bucketCount == 0 ? 0 : buckets[bucketCount - 1].upperBound
      let share = [0.0, 0.1, 0.6, 1][seed % 4]
      let chosen = (0..<end).filter { _ in Double.random(in: 0..<1, using: &random) < share }
      let plan = plan(shards: shards, ranks: ranks)
      let gradients = SampleGradients(shards: shards, elementCount: elementCount)
      let expected = gradients.node(0..<shards).map(\.bitPattern)
      let chunkElements = Int.random(in: 700...9000, using: &random)
      let order = buckets.indices.shuffled(using: &random)
      let sent = try ThreadWorld.run(ranks: ranks) { communicator in
        let exchange = GradientExchange(
          communicator: communicator, kernels: kernels, elementCount: elementCount, plan: plan,
          buckets: buckets, chunkElements: chunkElements)
        let nodes = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        let selection = Selection(chosen, end: end, bucketCount: bucketCount, nodes: nodes)
        let pointers = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(
          capacity: nodes.count)
        defer { pointers.deallocate() }
        for (index, node) in nodes.enumerated() {
          (pointers + index).initialize(to: node.pointer)
        }
        exchange.beginReduction(partialSums: pointers)
        exchange.selectForReduction(selection.elements)
        for bucket in order { try exchange.addToReduction(bucket) }
        try exchange.finishReduction()

        exchange.beginGathering(nodes[0].pointer)
        exchange.selectForGathering(selection.elements)
        for bucket in order { try exchange.addToGathering(bucket) }
        try exchange.finishGathering()
        let found = selection.arenas[0].bits(0..<chosen.count)
        #expect(found == chosen.map { expected[$0] }, "seed \(seed)")
        #expect(nodes[0].bits(end..<elementCount) == Array(expected[end...]), "seed \(seed)")
        #expect(exchange.sentBytes == communicator.bytesSent)

        // The next exchange is one of all again.
        let before = exchange.sentBytes
        let arenas = foldedNodes(gradients, plan: plan, rank: communicator.rank, kernels: kernels)
        try exchange.reduceScatter(partialSums: arenas.map(\.pointer))
        try exchange.allGather(arenas[0].pointer)
        #expect(arenas[0].bits(0..<elementCount) == expected)
        return [before, exchange.sentBytes - before]
      }
      // Any elements weigh alike in an exchange, but that parts are whole blocks.
      let total = sent.reduce(0) { $0 + $1[0] }
      let whole = sent.reduce(0) { $0 + $1[1] }
      if chosen.count == end { #expect(total == whole) }
      if ranks > 1, chosen.count < end { #expect(total < whole) }
    }
  }
}
