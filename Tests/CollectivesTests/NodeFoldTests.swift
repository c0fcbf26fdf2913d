import Kernels
import Testing

@testable import Collectives

@Suite struct NodeFoldTests {
  @Test func foldingGivesMaximalNodesOfEveryPlan() throws {
    let kernels = try sampleKernels()
    for shards in 1...16 {
      let gradients = SampleGradients(shards: shards, elementCount: 9000 / shards)
      for ranks in 1...shards {
        for threads in 1...(shards / ranks) {
          let plan = plan(shards: shards, ranks: ranks, threads: threads)
          let rank = (shards + threads) % ranks
          let nodes = CanonicalTree.maximalNodes(of: plan.shards(ofRank: rank), in: shards)
          let arenas = foldedNodes(gradients, plan: plan, rank: rank, kernels: kernels)
          #expect(NodeFold(plan: plan, rank: rank).rankSumCount == nodes.count)
          #expect(arenas.count == nodes.count)
          for (arena, node) in zip(arenas, nodes) {
            #expect(
              arena.bits(0..<gradients.elementCount) == gradients.node(node).map(\.bitPattern))
          }
        }
      }
    }
  }

  @Test func countsTheThreadsNodes() {
    let fold = NodeFold(plan: plan(shards: 8, ranks: 1, threads: 3), rank: 0)
    // Shards [0, 2), [2, 5) and [5, 8).
    #expect(fold.partialSumCounts == [1, 2, 2])
    #expect(fold.partialSumCount == 5)
    #expect(fold.rankSums == [0])
  }

  @Test func foldsOnlyTheGivenElements() throws {
    let fold = NodeFold(plan: plan(shards: 2, ranks: 1, threads: 2), rank: 0)
    let arenas = [
      Arena([Float](repeating: 1, count: 100)), Arena([Float](repeating: 2, count: 100)),
    ]
    fold.fold(
      partialSums: arenas.map(\.pointer), elements: 20..<30, kernels: try sampleKernels())
    for element in 0..<100 {
      #expect(arenas[0].pointer[element] == ((20..<30).contains(element) ? 3 : 1))
    }
  }

  @Test func threadsTogetherFoldAllElements() {
    for elementCount in [0, 1, 4096, 5 * 4096 + 7, 100 * 4096] {
      for threads in 1...7 {
        let parts = (0..<threads).map {
          NodeFold.elements(ofThread: $0, of: threads, elementCount: elementCount)
        }
        #expect(parts.first?.lowerBound == 0)
        #expect(parts.last?.upperBound == elementCount)
        for (part, next) in zip(parts, parts.dropFirst()) {
          #expect(part.upperBound == next.lowerBound)
        }
      }
    }
  }
}
