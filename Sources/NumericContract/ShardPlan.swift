/// Which sequences and shards each worker computes. Every rank has as many workers; worker
/// rank · workersPerRank + index takes one contiguous run of shards, sizes differing by at most
/// one, and a rank's threads are dealt to its workers likewise: a worker's share its shards.
package struct ShardPlan: Sendable, Equatable {
  /// Sequences in the global batch (B).
  package let sequences: Int
  /// Shards of the global batch (S); S divides B.
  package let shards: Int
  package let ranks: Int
  /// Of each rank.
  package let threads: Int
  package let workersPerRank: Int
  /// Runs of equally many shards, each a node of the canonical tree, whose sums are kept apart
  /// until ranks exchange them; 1 lets a rank add up all it has.
  package let groups: Int

  package init(sequences: Int, shards: Int, ranks: Int, threads: Int, groups: Int = 1) {
    precondition(shards > 0, "shards \(shards) < 1")
    precondition(sequences % shards == 0, "shards \(shards) do not divide \(sequences) sequences")
    precondition(ranks > 0, "ranks \(ranks) < 1")
    precondition(threads > 0, "threads \(threads) < 1")
    precondition(ranks <= shards, "\(ranks) ranks > \(shards) shards")
    self.sequences = sequences
    self.shards = shards
    self.ranks = ranks
    self.threads = threads
    workersPerRank = Self.workersPerRank(shards: shards, ranks: ranks, threads: threads)
    precondition(
      Self.canGroup(shards: shards, groups: groups), "\(groups) groups of \(shards) shards")
    self.groups = groups
  }

  /// Whether groups of shards are nodes of the canonical tree.
  package static func canGroup(shards: Int, groups: Int) -> Bool {
    groups == 1
      || groups > 0 && shards.isMultiple(of: groups) && (shards / groups).nonzeroBitCount == 1
  }

  /// How many workers each rank has: as many as threads while there are shards enough, else as many
  /// as leave the busiest thread least to do. Sharing is taken to cost a fiftieth for each thread
  /// more.
  private static func workersPerRank(shards: Int, ranks: Int, threads: Int) -> Int {
    if ranks * threads <= shards { return threads }
    func load(_ workers: Int) -> Double {
      let most = (shards + ranks * workers - 1) / (ranks * workers)
      let sharing = threads / workers
      return Double(most) / Double(sharing) * (1 + 0.02 * Double(sharing - 1))
    }
    return (1...min(threads, shards / ranks)).reversed().min { load($0) < load($1) } ?? 1
  }

  package var workers: Int { ranks * workersPerRank }
  package var sequencesPerShard: Int { sequences / shards }

  /// The shards of one worker, numbered over all ranks.
  package func shards(ofWorker worker: Int) -> Range<Int> {
    (worker * shards / workers)..<((worker + 1) * shards / workers)
  }

  /// The shards of one rank: the union of its workers' runs.
  package func shards(ofRank rank: Int) -> Range<Int> {
    shards(ofWorker: rank * workersPerRank)
      .lowerBound..<shards(ofWorker: (rank + 1) * workersPerRank - 1).upperBound
  }

  /// The threads of one of a rank's workers, numbered within the rank: its own, then those that
  /// help it.
  package func threads(ofWorker worker: Int) -> Range<Int> {
    let index = worker % workersPerRank
    return index * threads / workersPerRank..<(index + 1) * threads / workersPerRank
  }

  /// The worker of a rank's thread, numbered within the rank.
  package func worker(ofThread thread: Int) -> Int {
    ((thread + 1) * workersPerRank - 1) / threads
  }

  /// The nodes of the canonical tree that a worker or rank keeps of a run of shards, in leaf order:
  /// the fewest that do not reach across groups.
  package func nodes(of run: Range<Int>) -> [Range<Int>] {
    parts(of: run).flatMap { CanonicalTree.maximalNodes(of: $0, in: shards) }
  }

  /// How often to add the two topmost sums after each shard of a run, so that `nodes` are left.
  package func foldsAfterEachShard(of run: Range<Int>) -> [Int] {
    parts(of: run).flatMap { CanonicalTree.foldsAfterEachLeaf(of: $0, in: shards) }
  }

  /// The deepest stack that folding a run of shards needs, the pushed entry included.
  package func stackDepth(of run: Range<Int>) -> Int {
    var depth = 0
    var deepest = 1
    for count in foldsAfterEachShard(of: run) {
      deepest = max(deepest, depth + 1)
      depth += 1 - count
    }
    return deepest
  }

  /// The plan of one rank's sequences as if there were no others. Its sums are those of the rank's
  /// node of the canonical tree, where all ranks have nodes of the same size.
  package var alone: ShardPlan {
    ShardPlan(
      sequences: sequences / ranks, shards: shards / ranks, ranks: 1, threads: threads)
  }

  /// A run, cut where groups begin.
  private func parts(of run: Range<Int>) -> [Range<Int>] {
    if run.isEmpty { return [] }
    let size = shards / groups
    return (run.lowerBound / size...(run.upperBound - 1) / size).map {
      run.clamped(to: $0 * size..<($0 + 1) * size)
    }
  }

  /// The global sequences of a run of shards.
  package func sequences(of run: Range<Int>) -> Range<Int> {
    (run.lowerBound * sequencesPerShard)..<(run.upperBound * sequencesPerShard)
  }
}
