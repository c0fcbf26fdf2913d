import Kernels

/// A weight gradient over a run of shards, and its value by scalar chains per shard that are added
/// along the canonical tree. Its first outputs and columns are the problems of every smaller size.
struct GradientProblem {
  static let outputs = 100
  static let columns = 200
  private static let leftStride = outputs + 3
  private static let rightStride = (columns + 15) / 16 * 16 + 5

  let totalShards: Int
  let run: Range<Int>
  let sequencesPerShard: Int
  let timeSteps: Int
  let left: GuardedFloats
  let right: [GuardedFloats]

  var sequences: Int { run.count * sequencesPerShard }
  var rows: Int { timeSteps * sequences }
  var nodes: [Range<Int>] { CanonicalTree.maximalNodes(of: run, in: totalShards) }

  init(totalShards: Int, run: Range<Int>, sequencesPerShard: Int, timeSteps: Int) {
    var random = SeededRandom(UInt64(totalShards * 64 + run.lowerBound * 8 + timeSteps))
    self.totalShards = totalShards
    self.run = run
    self.sequencesPerShard = sequencesPerShard
    self.timeSteps = timeSteps
    let rows = timeSteps * run.count * sequencesPerShard
    left = GuardedFloats(random.floats(rows * Self.leftStride))
    right = [
      GuardedFloats(random.floats(rows * Self.rightStride)),
      GuardedFloats(random.floats(rows * Self.rightStride)),
    ]
  }

  func shardRows(left: Bool, operand: Int = 0) -> ShardRows {
    ShardRows(
      base: left ? self.left.pointer : right[operand].pointer,
      stride: left ? Self.leftStride : Self.rightStride, timeSteps: timeSteps,
      sequences: sequences, sequencesPerShard: sequencesPerShard)
  }

  /// What every maximal node holds.
  struct Reference {
    /// By node, then right operand: [outputs, columns].
    var weights: [[[Float]]]
    /// By node: [outputs].
    var bias: [[Float]]
  }

  func reference() -> Reference {
    Reference(
      weights: nodes.map { node in
        (0..<2).map { operand in treeSum(node) { weightChains(shard: $0, operand: operand) } }
      },
      bias: nodes.map { node in treeSum(node, leaf: biasChains) })
  }

  private func treeSum(_ node: Range<Int>, leaf: (Int) -> [Float]) -> [Float] {
    if node.count == 1 { return leaf(node.lowerBound) }
    let middle = CanonicalTree.middle(node.lowerBound, node.upperBound)
    let low = treeSum(node.lowerBound..<middle, leaf: leaf)
    let high = treeSum(middle..<node.upperBound, leaf: leaf)
    return zip(low, high).map { $0 + $1 }
  }

  /// Rows of a shard in (time, sequence) order.
  private func forEachRow(ofShard shard: Int, _ body: (Int) -> Void) {
    for t in 0..<timeSteps {
      for b in 0..<sequencesPerShard {
        body(t * sequences + (shard - run.lowerBound) * sequencesPerShard + b)
      }
    }
  }

  private func weightChains(shard: Int, operand: Int) -> [Float] {
    var sums = [Float](repeating: 0, count: Self.outputs * Self.columns)
    sums.withUnsafeMutableBufferPointer { sums in
      forEachRow(ofShard: shard) { row in
        let x = right[operand].pointer + row * Self.rightStride
        for m in 0..<Self.outputs {
          let d = left.pointer[row * Self.leftStride + m]
          for n in 0..<Self.columns {
            sums[m * Self.columns + n] = sums[m * Self.columns + n].addingProduct(d, x[n])
          }
        }
      }
    }
    return sums
  }

  private func biasChains(shard: Int) -> [Float] {
    var sums = [Float](repeating: 0, count: Self.outputs)
    forEachRow(ofShard: shard) { row in
      for m in 0..<Self.outputs { sums[m] += left.pointer[row * Self.leftStride + m] }
    }
    return sums
  }
}
