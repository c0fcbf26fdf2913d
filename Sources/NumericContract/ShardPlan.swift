/// Which sequences and shards each worker computes. Workers are ranks × threads; worker
/// rank · threads + thread takes one contiguous run of shards, sizes differing by at most one.
package struct ShardPlan: Sendable, Equatable {
  /// Sequences in the global batch (B).
  package let sequences: Int
  /// Shards of the global batch (S); S divides B.
  package let shards: Int
  package let ranks: Int
  package let threads: Int
  /// Runs of equally many shards, each a node of the canonical tree, whose sums are kept apart
  /// until ranks exchange them; 1 lets a rank add up all it has.
  package let groups: Int

  package init(sequences: Int, shards: Int, ranks: Int, threads: Int, groups: Int = 1) {
    precondition(shards > 0, "shards \(shards) < 1")
    precondition(sequences % shards == 0, "shards \(shards) do not divide \(sequences) sequences")
    precondition(ranks > 0, "ranks \(ranks) < 1")
    precondition(threads > 0, "threads \(threads) < 1")
    precondition(ranks * threads <= shards, "\(ranks * threads) workers > \(shards) shards")
    self.sequences = sequences
    self.shards = shards
    self.ranks = ranks
    self.threads = threads
    precondition(
      Self.canGroup(shards: shards, groups: groups), "\(groups) groups of \(shards) shards")
    self.groups = groups
  }

  /// Whether groups of shards are nodes of the canonical tree.
  package static func canGroup(shards: Int, groups: Int) -> Bool {
    groups == 1
      || groups > 0 && shards.isMultiple(of: groups) && (shards / groups).nonzeroBitCount == 1
  }

  package var workers: Int { ranks * threads }
  package var sequencesPerShard: Int { sequences / shards }

  /// The shards of one worker, numbered over all ranks.
  package func shards(ofWorker worker: Int) -> Range<Int> {
    (worker * shards / workers)..<((worker + 1) * shards / workers)
  }

  /// The shards of one rank: the union of its workers' runs.
  package func shards(ofRank rank: Int) -> Range<Int> {
    shards(ofWorker: rank * threads)
      .lowerBound..<shards(ofWorker: rank * threads + threads - 1).upperBound
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
