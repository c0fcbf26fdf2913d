import Kernels
import NumericContract
import Testing

/// Every kernel of bf16 numbers against the scalar model, bit for bit, of numbers that are hard:
/// denormals, zeros of both signs, cancellations, results about the least normal number, overflow,
/// infinities, NaN.
@Suite struct PairBitTests {
  /// What operands are drawn from.
  enum Numbers: CaseIterable {
    case ordinary, tiny, boundary, cancelling, huge, special

    func next(_ random: inout SeededRandom) -> Float {
      func scaled(_ exponents: ClosedRange<Int>) -> Float {
        let size = Float(
          sign: .plus, exponent: Int.random(in: exponents, using: &random),
          significand: Float.random(in: 1..<2, using: &random))
        return Bool.random(using: &random) ? size : -size
      }
      switch self {
      case .ordinary: return scaled(-4...2)
      case .tiny: return scaled(-75...(-55))
      case .boundary: return scaled(-65...(-62))
      case .cancelling:
        let fine: Float = Bool.random(using: &random) ? 1 : 1.007_812_5
        return Float(Int.random(in: -3...3, using: &random)) * fine
      case .huge: return scaled(55...66)
      case .special:
        return [
          0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude,
          -Float(bitPattern: 0x1234), .leastNormalMagnitude, -.leastNormalMagnitude,
          .greatestFiniteMagnitude,
        ].randomElement(using: &random) ?? 0
      }
    }
  }

  private func numbers(
    _ kinds: [Numbers], _ count: Int, _ random: inout SeededRandom
  ) -> [Float] {
    (0..<count).map { _ in
      (kinds.randomElement(using: &random) ?? .ordinary).next(&random)
    }
  }

  private static let mixtures: [[Numbers]] =
    Numbers.allCases.map { [$0] } + [[.ordinary, .tiny], [.boundary, .special], Numbers.allCases]

  /// C = start + A · B^T; A [rows, segments x length] with segments apart, B [columns, depth].
  private func product(
    _ kernels: Kernels, a: [Float], rows: Int, segments: Int, b: [Float], columns: Int,
    start: [Float]
  ) -> [Float] {
    let depth = a.count / max(1, rows)
    let length = depth / segments
    let left = GuardedFloats(a)
    let right = GuardedFloats(b)
    let packed = GuardedFloats(outputCount: columns * kernels.packedDepth(depth))
    kernels.packTransposed(
      PackArguments(
        source: right.pointer, sourceStride: depth, depth: depth, groups: 1,
        groupColumns: columns, groupWidth: columns, panelWidth: kernels.panelWidth,
        destination: packed.pointer, firstPanel: 0,
        endPanel: (columns + kernels.panelWidth - 1) / kernels.panelWidth))
    let c = GuardedFloats(start)
    let scratch = GuardedFloats(outputCount: kernels.scratchCount(depth: depth))
    var arguments = ProductArguments(
      rows: rows, columns: columns, segments: segments, segmentLength: length,
      segmentStride: length, a: left.pointer, aStride: depth, b: packed.pointer,
      start: UnsafePointer(c.pointer), startStride: columns, c: c.pointer, cStride: columns)
    arguments.scratch = scratch.pointer
    kernels.product(arguments)
    #expect(c.guardsAreIntact && scratch.guardsAreIntact && packed.guardsAreIntact)
    return c.values
  }

  private func expected(
    a: [Float], rows: Int, b: [Float], columns: Int, start: [Float]
  ) -> [Float] {
    let depth = a.count / rows
    return (0..<rows * columns).map { place in
      let (row, column) = (place / columns, place % columns)
      return PairModel.chain(
        start[place], Array(a[row * depth..<(row + 1) * depth]),
        Array(b[column * depth..<(column + 1) * depth]))
    }
  }

  /// Every upper half of a float, with lower halves that round down, up and to even.
  @Test(arguments: PairKernels.all)
  func everyNumberIsRoundedAsTheModelRounds(of pair: PairKernels) {
    for low: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
      let values = (0..<UInt32(1 << 16)).map { Float(bitPattern: $0 << 16 | low) }
      let found = product(
        pair.kernels, a: values, rows: values.count, segments: 1,
        b: [Float](repeating: 1, count: 16), columns: 16,
        start: [Float](repeating: -0.0, count: 16 * values.count))
      let column = values.indices.map { found[16 * $0] }
      #expect(firstDifference(column, values.map { PairModel.chain(-0.0, [$0], [1]) }) == nil)
    }
  }

  @Test(arguments: PairKernels.all, mixtures.indices)
  func productsEqualTheModel(of pair: PairKernels, mixture: Int) {
    var random = SeededRandom(UInt64(mixture) + 1)
    let kinds = Self.mixtures[mixture]
    for (depth, segments) in [(1, 1), (2, 1), (3, 1), (4, 2), (9, 3), (16, 1), (34, 2), (67, 1)] {
      for rows in [1, 7, 30] {
        let columns = rows == 1 ? 144 : 48
        let a = numbers(kinds, rows * depth, &random)
        let b = numbers(kinds, columns * depth, &random)
        let start = numbers(kinds + [.tiny, .special], rows * columns, &random).map {
          // A start near what a product of the kind is.
          kinds == [.special] ? $0 : $0 * (kinds == [.boundary] ? 0x1p-63 : 1)
        }
        let found = product(
          pair.kernels, a: a, rows: rows, segments: segments, b: b, columns: columns, start: start)
        let difference = firstDifference(
          found, expected(a: a, rows: rows, b: b, columns: columns, start: start))
        #expect(difference == nil, "depth \(depth), \(rows) rows: \(difference ?? "")")
      }
    }
  }

  /// What IEEE's rounding of denormals makes 2^-126 of, and any number of exponents does not.
  @Test(arguments: PairKernels.all)
  func resultsAreTinyAfterRounding(of pair: PairKernels) {
    let least = Float.leastNormalMagnitude
    // 2^-126 less such parts of the distance to the next number below it.
    for (factor, isKept) in [(0.25, true), (0.5, true), (0.75, false), (1, false), (1.5, false)] {
      let a = [Float(factor) * 0x1p-75] + [Float](repeating: 0, count: 1)
      let b = [Float](repeating: -0x1p-75, count: 32)
      for sign: Float in [1, -1] {
        let found = product(
          pair.kernels, a: a.map { sign * $0 }, rows: 1, segments: 1, b: b, columns: 16,
          start: [Float](repeating: sign * least, count: 16))
        let expected: Float = isKept ? sign * least : sign * 0
        #expect(found.allSatisfy { $0.bitPattern == expected.bitPattern }, "\(factor): \(found[0])")
        #expect(
          PairModel.multiplyAdd(sign * least, sign * a[0], b[0]).bitPattern == expected.bitPattern)
      }
    }
  }

  /// Chains flush denormals; the sums over shards and the biases, which are no products, keep them.
  @Test(arguments: PairKernels.all, mixtures.indices)
  func weightGradientsEqualTheModel(of pair: PairKernels, mixture: Int) {
    var random = SeededRandom(UInt64(mixture) + 100)
    let kinds = Self.mixtures[mixture]
    for (timeSteps, perShard) in [(1, 1), (1, 2), (3, 1), (5, 3), (70, 1)] {
      for (outputs, columns) in [(1, 16), (7, 48), (30, 32)] {
        let problem = GradientCase(
          timeSteps: timeSteps, perShard: perShard, outputs: outputs, columns: columns,
          left: numbers(kinds, 4 * timeSteps * perShard * (outputs + 16), &random),
          right: numbers(kinds, 4 * timeSteps * perShard * columns, &random))
        let difference = firstDifference(problem.found(by: pair.kernels), problem.expected)
        #expect(
          difference == nil, "\(timeSteps) x \(perShard), \(outputs) outputs: \(difference ?? "")")
      }
    }
  }

  @Test(
    .enabled(if: PairModel.isInHardware, "this processor has no AVX512-BF16"),
    arguments: PairKernels.emulating, mixtures.indices)
  func emulationEqualsTheInstructions(of pair: PairKernels, mixture: Int) {
    var random = SeededRandom(UInt64(mixture) + 1000)
    let kinds = Self.mixtures[mixture]
    let hardware = Kernels(.avx512, precision: .bf16)
    #expect(!hardware.emulatesPairs)
    for depth in [1, 2, 7, 64, 501] {
      let a = numbers(kinds, 50 * depth, &random)
      let b = numbers(kinds, 208 * depth, &random)
      let start = numbers(kinds, 50 * 208, &random)
      func result(_ kernels: Kernels) -> [Float] {
        product(kernels, a: a, rows: 50, segments: 1, b: b, columns: 208, start: start)
      }
      let difference = firstDifference(result(pair.kernels), result(hardware))
      #expect(difference == nil, "depth \(depth): \(difference ?? "")")
    }
  }
}

/// The gradient of four shards, each row of one sequence and time step.
private struct GradientCase {
  let timeSteps: Int
  let perShard: Int
  let outputs: Int
  let columns: Int
  /// [rows, outputs + 16] and [rows, columns].
  let left: [Float]
  let right: [Float]

  private var rows: Int { 4 * timeSteps * perShard }

  /// dW [outputs, columns], then the bias.
  func found(by kernels: Kernels) -> [Float] {
    let left = GuardedFloats(left)
    let right = GuardedFloats(right)
    let packed = GuardedFloats(
      outputCount: 4 * kernels.packedDepth(timeSteps * perShard) * columns)
    kernels.packShardColumns(
      ShardRows(
        base: right.pointer, stride: columns, timeSteps: timeSteps, sequences: 4 * perShard,
        sequencesPerShard: perShard), columns: columns, to: packed.pointer)
    let scratch = GuardedFloats(
      outputCount: weightGradientScratch(
        rowsPerShard: timeSteps * perShard, columns: columns, stackDepth: 3))
    let gradient = GuardedFloats(outputCount: outputs * columns + outputs)
    var sum = gradient.pointer
    CanonicalTree.foldsAfterEachLeaf(of: 0..<4, in: 4).withUnsafeBufferPointer { folds in
      withUnsafePointer(to: &sum) { sums in
        kernels.weightGradient(
          WeightGradientArguments(
            left: ShardRows(
              base: left.pointer, stride: outputs + 16, timeSteps: timeSteps,
              sequences: 4 * perShard, sequencesPerShard: perShard),
            outputs: outputs, operands: 1, right0: packed.pointer, columns0: columns,
            right1: packed.pointer, columns1: columns, folds: folds.baseAddress!,
            partialSumCount: 1, partialSums: sums, offset0: 0, width0: columns, offset1: 0,
            width1: columns, biasOffset: outputs * columns, scratch: scratch.pointer,
            stackDepth: 3))
      }
    }
    #expect(gradient.guardsAreIntact && packed.guardsAreIntact && scratch.guardsAreIntact)
    return gradient.values
  }

  /// Rows of a shard, by time and sequence.
  private func rows(ofShard shard: Int) -> [Int] {
    (0..<timeSteps).flatMap { t in
      (0..<perShard).map { (t * 4 + shard) * perShard + $0 }
    }
  }

  var expected: [Float] {
    let shards = (0..<4).map(rows(ofShard:))
    func tree(_ leaf: (Int) -> Float) -> Float { (leaf(0) + leaf(1)) + (leaf(2) + leaf(3)) }
    let weights = (0..<outputs * columns).map { place in
      tree { shard in
        PairModel.chain(
          0, shards[shard].map { left[$0 * (outputs + 16) + place / columns] },
          shards[shard].map { right[$0 * columns + place % columns] })
      }
    }
    let biases = (0..<outputs).map { output in
      tree { shards[$0].reduce(0) { $0 + left[$1 * (outputs + 16) + output] } }
    }
    return weights + biases
  }
}
