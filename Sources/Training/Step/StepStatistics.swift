import Collectives
import GRUCore
import Kernels

/// The few numbers that ranks tell each other in every step: loss and token count of each shard,
/// the gradient's sum of squares in each block of 4,096 elements, and whether to stop.
///
/// Every rank then adds all of them by the canonical tree, so that all decide alike, and alike for
/// any number of ranks. Does not allocate after `init`.
final class StepStatistics {
  /// Sums over the global batch.
  struct Totals {
    /// Nats, summed over tokens.
    var loss: Double
    var tokens: Int
    /// The sum of squares of the summed (not yet divided) gradient.
    var gradientSquares: Double
    /// Whether any rank was asked to stop.
    var isStopRequested: Bool
  }

  private let communicator: any Communicator
  private let shardRuns: [Range<Int>]
  private let blockRuns: [Range<Int>]
  /// Most shards and blocks of any rank; all rows have room for as many.
  private let shardRoom: Int
  private let blockRoom: Int
  private let rowLength: Int
  private let mine: UnsafeMutableBufferPointer<Double>
  private let all: UnsafeMutableBufferPointer<Double>
  private var shardLosses: [Double]
  private var blockSquares: [Double]

  init(communicator: any Communicator, plan: ShardPlan, exchange: GradientExchange) {
    self.communicator = communicator
    shardRuns = (0..<plan.ranks).map { plan.shards(ofRank: $0) }
    blockRuns = exchange.ranges.map { range in
      let first = range.lowerBound / canonicalBlock
      return first..<first + (range.count + canonicalBlock - 1) / canonicalBlock
    }
    shardRoom = shardRuns.map(\.count).max() ?? 0
    blockRoom = blockRuns.map(\.count).max() ?? 0
    rowLength = 1 + 2 * shardRoom + blockRoom
    mine = .allocate(capacity: rowLength)
    mine.initialize(repeating: 0)
    all = .allocate(capacity: rowLength * plan.ranks)
    all.initialize(repeating: 0)
    shardLosses = [Double](repeating: 0, count: plan.shards)
    let blocks = (exchange.elementCount + canonicalBlock - 1) / canonicalBlock
    blockSquares = [Double](repeating: 0, count: blocks)
  }

  deinit {
    mine.deallocate()
    all.deallocate()
  }

  /// Where this rank puts the sums of squares of its owned blocks, in order.
  var ownedBlockSquares: UnsafeMutablePointer<Double> {
    mine.baseAddress! + 1 + 2 * shardRoom
  }

  /// Adds up over ranks: every rank calls it with its own workers' losses in place.
  func gather(from replica: Replica, stopRequested: Bool) throws(CollectiveError) -> Totals {
    let firstShard = shardRuns[communicator.rank].lowerBound
    mine[0] = stopRequested ? 1 : 0
    for worker in replica.workers {
      for (index, shard) in worker.shards.enumerated() {
        mine[1 + shard - firstShard] = worker.shardLosses[index]
        mine[1 + shardRoom + shard - firstShard] = Double(worker.shardTokens[index])
      }
    }
    try communicator.allGather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    var tokens = 0.0
    var stop = false
    for rank in 0..<communicator.worldSize {
      let row = all.baseAddress! + rank * rowLength
      if row[0] != 0 { stop = true }
      for (index, shard) in shardRuns[rank].enumerated() {
        shardLosses[shard] = row[1 + index]
        tokens += row[1 + shardRoom + index]
      }
      for (index, block) in blockRuns[rank].enumerated() {
        blockSquares[block] = row[1 + 2 * shardRoom + index]
      }
    }
    return Totals(
      loss: CanonicalTree.sum(shardLosses), tokens: Int(tokens),
      gradientSquares: CanonicalTree.sum(blockSquares), isStopRequested: stop)
  }
}
