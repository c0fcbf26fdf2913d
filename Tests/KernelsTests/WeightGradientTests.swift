import Kernels
import Testing

/// dW = dAᵀ · X and db, bit for bit against scalar chains per shard added along the canonical tree.
@Suite struct WeightGradientTests {
  /// Runs of shards [first, end) of a total: whole batches, and runs that leave several nodes.
  static let runs = [
    (1, 0..<1), (2, 0..<2), (3, 0..<3), (5, 0..<5), (8, 0..<8),
    (3, 1..<3), (5, 1..<4), (8, 3..<7), (8, 1..<8), (8, 0..<7),
  ]
  static let operands = [[1], [5], [16], [33], [200], [16, 5], [33, 200]]

  @Test(arguments: runs) func equalsScalarChainsOnTheTree(total: Int, run: Range<Int>) {
    for sequencesPerShard in 1...3 {
      for timeSteps in [1, 3] {
        check(
          GradientProblem(
            totalShards: total, run: run, sequencesPerShard: sequencesPerShard,
            timeSteps: timeSteps), outputs: [1, 5, 12, 13, 25, 100])
      }
    }
  }

  /// The last has more rows than one k block, so that chains are left and taken up again.
  @Test(arguments: [(1, 40), (2, 40), (3, 40), (3, weightGradientDepth / 3 + 30)])
  func equalsScalarChainsOverManyRows(sequencesPerShard: Int, timeSteps: Int) {
    for (total, run) in [(1, 0..<1), (3, 0..<3), (8, 3..<7)] {
      check(
        GradientProblem(
          totalShards: total, run: run, sequencesPerShard: sequencesPerShard,
          timeSteps: timeSteps), outputs: [5, 13, 100])
    }
  }

  /// Shards of less than a block, of one and of several, by any number of which a block is filled.
  @Test(arguments: CacheSizes.trials) func blocksOfAnySizeChangeNoBit(caches: CacheSizes) {
    let depth = caches.blocks(panelWidth: 16).depth
    for timeSteps in Set([1, depth / 8, depth / 3, depth - 1, depth, depth + 1, 2 * depth + 3]) {
      for (total, run) in [(1, 0..<1), (8, 0..<8), (8, 1..<8)] where (1...700) ~= timeSteps {
        if timeSteps > 200, total > 1 { continue }
        check(
          GradientProblem(
            totalShards: total, run: run, sequencesPerShard: 1, timeSteps: timeSteps),
          outputs: [13], caches: caches)
      }
    }
  }

  private func check(
    _ problem: GradientProblem, outputs: [Int], caches: CacheSizes = .machine
  ) {
    let reference = problem.reference()
    for set in InstructionSet.available {
      for outputCount in outputs {
        for (index, columns) in Self.operands.enumerated() {
          let trial = GradientTrial(
            outputs: outputCount, columns: columns, bias: (index + outputCount) % 2 == 0)
          let difference = trial.difference(
            Kernels(set, caches: caches), problem, reference)
          #expect(
            difference == nil,
            """
            \(set.rawValue) outputs \(outputCount) columns \(columns) shards \(problem.run) of \
            \(problem.totalShards), \(problem.sequencesPerShard) x \(problem.timeSteps) rows each, \
            \(caches)
            """)
        }
      }
    }
  }
}

/// One call of the kernel on the first outputs and columns of a problem.
private struct GradientTrial {
  let outputs: Int
  /// Real columns of each right operand.
  let columns: [Int]
  let bias: Bool

  /// Free floats before each tensor of an arena.
  private let gap = 21

  private var offsets: [Int] {
    [gap, 2 * gap + outputs * columns[0]]
  }
  private var biasOffset: Int {
    (columns.count + 1) * gap + outputs * columns.reduce(0, +)
  }
  private var arenaCount: Int { biasOffset + outputs + gap }

  /// How the partial sums, tensors and gaps alike, differ from the reference.
  func difference(
    _ kernels: Kernels, _ problem: GradientProblem, _ reference: GradientProblem.Reference
  ) -> String? {
    let arenas = problem.nodes.map { _ in GuardedFloats(outputCount: arenaCount) }
    guard run(kernels, problem, arenas: arenas) else { return "written outside the scratch" }
    for (node, arena) in arenas.enumerated() {
      if !arena.guardsAreIntact { return "written outside arena \(node)" }
      let expected = arenaValues(node: node, reference)
      if let difference = firstDifference(arena.values, expected) {
        return "node \(node) at offsets \(offsets), bias \(biasOffset): \(difference)"
      }
    }
    return nil
  }

  private func arenaValues(node: Int, _ reference: GradientProblem.Reference) -> [Float] {
    var values = [Float](repeating: GuardedFloats.outputGuard, count: arenaCount)
    for (operand, width) in columns.enumerated() {
      let weights = reference.weights[node][operand]
      for m in 0..<outputs {
        for n in 0..<width {
          values[offsets[operand] + m * width + n] = weights[m * GradientProblem.columns + n]
        }
      }
    }
    if bias {
      for m in 0..<outputs { values[biasOffset + m] = reference.bias[node][m] }
    }
    return values
  }

  /// Whether the kernel kept to its scratch.
  private func run(
    _ kernels: Kernels, _ problem: GradientProblem, arenas: [GuardedFloats]
  ) -> Bool {
    let packed = columns.enumerated().map { operand, width in
      let padded = (width + 15) / 16 * 16
      let buffer = GuardedFloats(outputCount: padded * problem.rows)
      kernels.packShardColumns(
        problem.shardRows(left: false, operand: operand), columns: padded, to: buffer.pointer)
      return buffer
    }
    let folds = CanonicalTree.foldsAfterEachLeaf(of: problem.run, in: problem.totalShards)
    var height = 0
    var stackDepth = 0
    for count in folds {
      stackDepth = max(stackDepth, height + 1)
      height += 1 - count
    }
    let scratch = GuardedFloats(
      outputCount: weightGradientScratch(
        rowsPerShard: problem.timeSteps * problem.sequencesPerShard,
        columns: columns.reduce(0) { $0 + ($1 + 15) / 16 * 16 },
        stackDepth: stackDepth))
    let nodes = arenas.map(\.pointer)
    let second = columns.count - 1
    kernels.weightGradient(
      WeightGradientArguments(
        left: problem.shardRows(left: true), outputs: outputs, operands: columns.count,
        right0: packed[0].pointer, columns0: (columns[0] + 15) / 16 * 16,
        right1: packed[second].pointer, columns1: (columns[second] + 15) / 16 * 16,
        folds: folds, partialSumCount: nodes.count, partialSums: nodes, offset0: offsets[0],
        width0: columns[0], offset1: offsets[1], width1: columns[second],
        biasOffset: bias ? biasOffset : -1, scratch: scratch.pointer, stackDepth: stackDepth))
    return scratch.guardsAreIntact
  }
}
