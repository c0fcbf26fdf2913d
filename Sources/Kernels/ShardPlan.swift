/// Which sequences and shards each worker computes. Workers are ranks × threads; worker
/// rank · threads + thread takes one contiguous run of shards, sizes differing by at most one.
package struct ShardPlan: Sendable, Equatable {
  /// Sequences in the global batch (B).
  package let sequences: Int
  /// Shards of the global batch (S); S divides B.
  package let shards: Int
  package let ranks: Int
  package let threads: Int

  package init(sequences: Int, shards: Int, ranks: Int, threads: Int) {
    precondition(shards > 0, "shards \(shards) < 1")
    precondition(sequences % shards == 0, "shards \(shards) do not divide \(sequences) sequences")
    precondition(ranks > 0, "ranks \(ranks) < 1")
    precondition(threads > 0, "threads \(threads) < 1")
    precondition(ranks * threads <= shards, "\(ranks * threads) workers > \(shards) shards")
    self.sequences = sequences
    self.shards = shards
    self.ranks = ranks
    self.threads = threads
  }

  package var workers: Int { ranks * threads }
  package var sequencesPerShard: Int { sequences / shards }

  /// The shards of one worker, numbered over all ranks.
  package func shards(ofWorker worker: Int) -> Range<Int> {
    (worker * shards / workers)..<((worker + 1) * shards / workers)
  }

  /// The shards of one rank: the union of its workers' runs.
  package func shards(ofRank rank: Int) -> Range<Int> {
    shards(ofWorker: rank * threads).lowerBound
      ..< shards(ofWorker: rank * threads + threads - 1).upperBound
  }

  /// The global sequences of a run of shards.
  package func sequences(of run: Range<Int>) -> Range<Int> {
    (run.lowerBound * sequencesPerShard)..<(run.upperBound * sequencesPerShard)
  }
}
