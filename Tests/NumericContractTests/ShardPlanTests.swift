import NumericContract
import Testing

/// How shards are dealt to ranks and workers, and threads to workers.
@Suite struct ShardPlanTests {
  private func plan(_ shards: Int, ranks: Int = 1, threads: Int) -> ShardPlan {
    ShardPlan(sequences: 2 * shards, shards: shards, ranks: ranks, threads: threads)
  }

  @Test func everyShardHasOneWorkerAndEveryThreadOne() {
    for shards in 1...9 {
      for ranks in 1...shards {
        for threads in 1...20 {
          let plan = plan(shards, ranks: ranks, threads: threads)
          let runs = (0..<plan.workers).map { plan.shards(ofWorker: $0) }
          #expect(runs.allSatisfy { !$0.isEmpty })
          #expect(runs.flatMap { Array($0) } == Array(0..<shards))
          #expect((0..<ranks).flatMap { plan.shards(ofRank: $0) } == Array(0..<shards))
          // Who has a shard does not depend on threads: a rank's state is where it was.
          #expect(plan.shards(ofRank: ranks - 1).lowerBound == (ranks - 1) * shards / ranks)
          let dealt = (0..<plan.workersPerRank).map { plan.threads(ofWorker: $0) }
          #expect(dealt.flatMap { Array($0) } == Array(0..<threads))
          for (worker, threads) in dealt.enumerated() {
            #expect(threads.allSatisfy { plan.worker(ofThread: $0) == worker })
          }
        }
      }
    }
  }

  @Test func threadsShareShardsOnlyWhereTheyAreMore() {
    #expect(plan(8, threads: 5).workersPerRank == 5)
    #expect(plan(8, threads: 8).workersPerRank == 8)
    #expect(plan(8, threads: 16).workersPerRank == 8)
    #expect(plan(1, threads: 4).workersPerRank == 1)
    #expect(plan(8, ranks: 4, threads: 3).workersPerRank == 1)
    #expect(plan(8, ranks: 4, threads: 4).workersPerRank == 2)
  }

  /// Three threads for two shards are best together on both, one after the other.
  @Test func busiestThreadHasLeastToDo() {
    #expect(plan(2, threads: 3).workersPerRank == 1)
    #expect(plan(8, threads: 12).workersPerRank == 4)
    // A ninth thread is not worth that all of them share.
    #expect(plan(8, threads: 9).workersPerRank == 8)
  }
}
