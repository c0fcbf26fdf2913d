/// The positions of a window whose token to predict lies in a cluster of an adaptive softmax, or of
/// a sampled one all that have a token to predict.
///
/// They are listed shard by shard, each in (time, sequence) order, so that every sum over a shard's
/// rows is the same wherever the shard is.
final class TailRows {
  /// What the head is to predict at each position [T, B]: a token, or a cluster's entry; −1 is not
  /// counted.
  let headTargets: UnsafeMutablePointer<Int32>
  /// The positions of the cluster at hand, and what it is to predict there.
  let positions: UnsafeMutablePointer<Int32>
  let targets: UnsafeMutablePointer<Int32>
  /// How many of them each shard has.
  let shardCounts: UnsafeMutablePointer<Int>
  private(set) var count = 0

  /// Nil for a softmax over one matrix.
  convenience init?(of shape: ModelShape, rows: Int, shards: Int) {
    if shape.adaptiveSoftmax == nil, shape.sampledSoftmax == nil { return nil }
    self.init(rows: rows, shards: shards)
  }

  init(rows: Int, shards: Int) {
    headTargets = .allocate(capacity: rows)
    headTargets.initialize(repeating: -1, count: rows)
    positions = .allocate(capacity: rows)
    positions.initialize(repeating: 0, count: rows)
    targets = .allocate(capacity: rows)
    targets.initialize(repeating: 0, count: rows)
    shardCounts = .allocate(capacity: shards)
    shardCounts.initialize(repeating: 0, count: shards)
  }

  deinit {
    headTargets.deallocate()
    positions.deallocate()
    targets.deallocate()
    shardCounts.deallocate()
  }

  /// Turns the tokens to predict [T, B] into what the head is to predict.
  func setHeadTargets(_ tokens: UnsafePointer<Int32>, rows: Int, clusters: [TailCluster]) {
    headTargets.update(from: tokens, count: rows)
    for cluster in clusters {
      for row in 0..<rows where cluster.tokens.contains(Int(tokens[row])) {
        headTargets[row] = Int32(truncatingIfNeeded: cluster.headEntry)
      }
    }
  }

  /// Lists the positions of one cluster.
  func select(
    _ cluster: TailCluster, of tokens: UnsafePointer<Int32>, window: Int, sequences: Int,
    sequencesPerShard: Int
  ) {
    count = 0
    let first = Int32(truncatingIfNeeded: cluster.tokens.lowerBound)
    let end = Int32(truncatingIfNeeded: cluster.tokens.upperBound)
    for shard in 0..<sequences / sequencesPerShard {
      let before = count
      for t in 0..<window {
        let start = t * sequences + shard * sequencesPerShard
        for row in start..<start + sequencesPerShard {
          if tokens[row] < first || tokens[row] >= end { continue }
          positions[count] = Int32(truncatingIfNeeded: row)
          targets[count] = tokens[row] - first
          count += 1
        }
      }
      shardCounts[shard] = count - before
    }
  }

  /// Lists the positions that have a target, and the targets.
  func selectCounted(
    _ tokens: UnsafePointer<Int32>, window: Int, sequences: Int, sequencesPerShard: Int
  ) {
    select(
      TailCluster(tokens: 0..<Int(Int32.max), projectionSize: 0, headEntry: 0), of: tokens,
      window: window, sequences: sequences, sequencesPerShard: sequencesPerShard)
  }

  /// Lists one row, as if it were to predict the cluster's first token.
  func selectOne() {
    targets[0] = 0
    shardCounts[0] = 1
    count = 1
  }
}
