package import Kernels

/// Combines the partial sums of a rank's workers into the maximal nodes of the rank, in place.
///
/// The arenas stand in one list: those of worker 0 in leaf order, then those of worker 1, and so
/// on. Each thread takes its own range of elements, so that all of them share the work.
package struct NodeFold {
  /// The number of nodes that each worker brings.
  package let partialSumCounts: [Int]
  /// The number of maximal nodes of the rank.
  package let rankSumCount: Int
  /// The places in the list of the arenas that hold the rank's nodes afterwards, in leaf order.
  package let rankSums: [Int]

  private let fold: TreeFold
  /// Elements that are folded through all levels before the next ones, to stay in cache.
  private let blockElements = 8192

  package init(plan: ShardPlan, rank: Int) {
    precondition(rank >= 0, "rank \(rank) < 0")
    precondition(rank < plan.ranks, "rank \(rank) of \(plan.ranks)")
    let workerNodes = (0..<plan.workersPerRank).map { place in
      plan.nodes(of: plan.shards(ofWorker: rank * plan.workersPerRank + place))
    }
    let rankNodes = plan.nodes(of: plan.shards(ofRank: rank))
    fold = TreeFold(sources: workerNodes.flatMap { $0 }, targets: rankNodes, total: plan.shards)
    partialSumCounts = workerNodes.map(\.count)
    rankSumCount = rankNodes.count
    rankSums = fold.results
  }

  /// The number of arenas in the list.
  package var partialSumCount: Int { fold.sourceCount }

  /// Folds `elements` of the arenas; ranges of different calls must not overlap. Does not allocate.
  package func fold(
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>, elements: Range<Int>, kernels: Kernels
  ) {
    guard !fold.additions.isEmpty else { return }
    var start = elements.lowerBound
    while start < elements.upperBound {
      let count = min(blockElements, elements.upperBound - start)
      unsafe fold.run(partialSums, offset: start, count: count, kernels: kernels)
      start += count
    }
  }

  /// The share of [0, elementCount) that falls to one thread; bounds are multiples of 4,096.
  package static func elements(ofThread thread: Int, of threads: Int, elementCount: Int)
    -> Range<Int>
  {
    BlockCut.part(thread, of: threads, elementCount: elementCount)
  }

  /// The share of `range`, which starts at a multiple of 4,096, that falls to one thread.
  package static func elements(ofThread thread: Int, of threads: Int, in range: Range<Int>)
    -> Range<Int>
  {
    BlockCut.part(thread, of: threads, in: range)
  }
}
