import Collectives
import Engine
import GRUCore
import NumericContract

/// The sums of a rank's shards for the figures of a task.
///
/// Threads add to it at the same time, each to the sums of the shards of its own worker.
@safe final class FigureSums: @unchecked Sendable {
  private let kind: any FigureKind
  private let plan: ShardPlan
  private let rank: Int
  /// [shards of the rank, `sumCount`], with room for as many shards as any rank has.
  private let sums: UnsafeMutableBufferPointer<Double>

  init(_ kind: any FigureKind, plan: ShardPlan, rank: Int) {
    self.kind = kind
    self.plan = plan
    self.rank = rank
    let room = (0..<plan.ranks).map { plan.shards(ofRank: $0).count }.max() ?? 0
    unsafe sums = .allocate(capacity: max(1, room * kind.sumCount))
    unsafe sums.initialize(repeating: 0)
  }

  deinit { unsafe sums.deallocate() }

  /// Adds what a worker's last evaluation left of a batch.
  func add(_ worker: SequenceWorker, batch: Int, of subject: Scorer.Subject) {
    let width = worker.sequences.count
    let rowsPerShard = width / max(1, worker.shards.count)
    let firstShard = plan.shards(ofRank: rank).lowerBound
    for (place, shard) in worker.shards.enumerated() {
      let own = unsafe sums.baseAddress! + (shard - firstShard) * kind.sumCount
      for step in 0..<worker.outputSteps {
        for column in place * rowsPerShard..<(place + 1) * rowsPerShard
        where unsafe worker.targets[step * width + column] >= 0 {
          unsafe kind.add(
            ScoredOutput(
              worker: worker, batch: batch, subject: subject, step: step, column: column), to: own)
        }
      }
    }
  }

  /// The figures of all ranks' sums; every rank calls it, and all get the same.
  func figures(on communicator: any Communicator) throws(CollectiveError) -> Figures {
    let all = try unsafe communicator.allGather(Array(sums))
    let count = kind.sumCount
    // By number, those of all shards.
    var columns = [[Double]](
      repeating: [Double](repeating: 0, count: plan.shards), count: count)
    for rank in all.indices {
      for (place, shard) in plan.shards(ofRank: rank).enumerated() {
        for number in 0..<count { columns[number][shard] = all[rank][place * count + number] }
      }
    }
    return kind.figures(of: columns.map { CanonicalTree.sum($0) })
  }
}
