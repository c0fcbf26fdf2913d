import Collectives
import GRUCore
import Kernels

/// The few numbers that ranks tell each other in every step: loss and token count of each shard,
/// the gradient's sum of squares in each block of 4,096 elements, what was asked for, and a hash of
/// the parameters.
///
/// Every rank then adds all of them by the canonical tree, so that all decide alike, and alike for
/// any number of ranks. Does not allocate after `init`.
@safe final class StepStatistics {
  /// Sums over the global batch.
  struct Totals {
    /// Nats, summed over tokens.
    var loss: Double
    var tokens: Int
    /// The sum of squares of the summed (not yet divided) gradient.
    var gradientSquares: Double
    /// What any rank asks for.
    var requests: StepRequests
  }

  /// Requests and hash come first in a row.
  private static let headLength = 3

  private let communicator: any Communicator
  private let shardRuns: [Range<Int>]
  /// The blocks that each rank owns, by rank.
  private let blockRuns: [[Int]]
  /// Most shards and blocks of any rank; all rows have room for as many.
  private let shardRoom: Int
  private let blockRoom: Int
  private let rowLength: Int
  private let mine: UnsafeMutableBufferPointer<Double>
  private let all: UnsafeMutableBufferPointer<Double>
  private var shardLosses: [Double]
  private var blockSquares: [Double]

  init(communicator: any Communicator, plan: ShardPlan, ownership: Ownership) {
    self.communicator = communicator
    shardRuns = (0..<plan.ranks).map { plan.shards(ofRank: $0) }
    blockRuns = (0..<plan.ranks).map { ownership.blocks(ofRank: $0) }
    shardRoom = shardRuns.map(\.count).max() ?? 0
    blockRoom = blockRuns.map(\.count).max() ?? 0
    rowLength = Self.headLength + 2 * shardRoom + blockRoom
    unsafe mine = .allocate(capacity: rowLength)
    unsafe mine.initialize(repeating: 0)
    unsafe all = .allocate(capacity: rowLength * plan.ranks)
    unsafe all.initialize(repeating: 0)
    shardLosses = [Double](repeating: 0, count: plan.shards)
    let blocks = (ownership.elementCount + canonicalBlock - 1) / canonicalBlock
    blockSquares = [Double](repeating: 0, count: blocks)
  }

  deinit {
    unsafe mine.deallocate()
    unsafe all.deallocate()
  }

  /// Where this rank puts the sums of squares of its owned blocks, in order.
  var ownedBlockSquares: UnsafeMutablePointer<Double> {
    unsafe mine.baseAddress! + Self.headLength + 2 * shardRoom
  }

  /// Takes the losses of this rank's workers, or adds them to those of the step's earlier batches.
  func take(from replica: Replica, isFirst: Bool) {
    let firstShard = replica.plan.shards(ofRank: replica.rank).lowerBound
    let losses = unsafe mine.baseAddress! + Self.headLength
    let tokens = unsafe losses + shardRoom
    for worker in replica.workers {
      for (index, shard) in worker.shards.enumerated() {
        let place = shard - firstShard
        let (loss, count) = unsafe (worker.shardLosses[index], Double(worker.shardTokens[index]))
        unsafe losses[place] = isFirst ? loss : losses[place] + loss
        unsafe tokens[place] = isFirst ? count : tokens[place] + count
      }
    }
  }

  /// Takes the losses of this rank's groups, each of which stands for a shard.
  func take(_ groups: [LocalGroup]) {
    let losses = unsafe mine.baseAddress! + Self.headLength
    for (place, group) in groups.enumerated() {
      unsafe losses[place] = group.loss
      unsafe losses[shardRoom + place] = Double(group.tokens)
    }
  }

  /// Adds up over ranks: every rank calls it, its own losses and squares in place.
  ///
  /// - Parameter hash: of this rank's parameters, where they are to be compared.
  func gather(
    requests: StepRequests, hash: ParameterHash
  ) throws(CollectiveError) -> Totals {
    unsafe mine[0] = Double(requests.rawValue)
    // Only bytes travel, so that any pattern of bits arrives as it is.
    unsafe mine[1] = Double(bitPattern: hash.high)
    unsafe mine[2] = Double(bitPattern: hash.low)
    try unsafe communicator.allGather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    var tokens = 0.0
    var requests = StepRequests()
    for rank in 0..<communicator.worldSize {
      let row = unsafe all.baseAddress! + rank * rowLength
      unsafe requests.formUnion(StepRequests(rawValue: UInt8(row[0])))
      let head = unsafe row + Self.headLength
      for (index, shard) in shardRuns[rank].enumerated() {
        shardLosses[shard] = unsafe head[index]
        unsafe tokens += head[shardRoom + index]
      }
      for (index, block) in blockRuns[rank].enumerated() {
        blockSquares[block] = unsafe head[2 * shardRoom + index]
      }
    }
    return Totals(
      loss: CanonicalTree.sum(shardLosses), tokens: Int(tokens),
      gradientSquares: CanonicalTree.sum(blockSquares), requests: requests)
  }

  /// Whether the hashes that ranks brought to the last `gather` are not all the same.
  var hashesDiffer: Bool {
    let first = unsafe all.baseAddress!
    return (1..<max(1, communicator.worldSize)).contains { rank in
      let row = unsafe first + rank * rowLength
      return unsafe row[1].bitPattern != first[1].bitPattern
        || row[2].bitPattern != first[2].bitPattern
    }
  }

  /// The hash that each rank brought to the last `gather`, by rank.
  var hashes: [ParameterHash] {
    (0..<communicator.worldSize).map { rank in
      let row = unsafe all.baseAddress! + rank * rowLength
      return unsafe ParameterHash(high: row[1].bitPattern, low: row[2].bitPattern)
    }
  }
}
