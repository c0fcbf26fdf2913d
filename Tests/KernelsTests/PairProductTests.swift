import Kernels
import NumericContract
import Testing

/// Kernels that multiply bf16 numbers: every instruction set's emulation, and the instructions
/// where this machine has them.
struct PairKernels: Sendable, CustomTestStringConvertible {
  let kernels: Kernels

  static let emulating = InstructionSet.available.map {
    PairKernels(kernels: Kernels($0, precision: .bf16, emulating: true))
  }
  static let all = InstructionSet.available.map {
    PairKernels(kernels: Kernels($0, precision: .bf16))
  } + (PairModel.isInHardware ? emulating.suffix(1) : [])

  var testDescription: String {
    kernels.instructionSet.rawValue + (kernels.emulatesPairs ? "" : " with AVX512-BF16")
  }
}

/// Products of bf16 numbers against double sums of products of rounded operands.
@Suite struct PairProductTests {
  private func matrix(_ rows: Int, _ columns: Int, stride: Int, seed: UInt64) -> GuardedFloats {
    var random = SeededRandom(seed)
    var values = [Float](repeating: .nan, count: rows * stride)
    for row in 0..<rows {
      for column in 0..<columns {
        values[row * stride + column] = Float.random(in: -1...1, using: &random)
      }
    }
    return GuardedFloats(values)
  }

  /// Both ways of packing, odd depths, whole and partial panels, more rows than are copied at once.
  @Test(arguments: PairKernels.all, [0, 1, 11, 12, 13, 25, 192, 211])
  func productsSumRoundedOperands(of pair: PairKernels, rows: Int) {
    for isTransposed in [true, false] {
      productsSumRoundedOperands(of: pair.kernels, rows: rows, isTransposed: isTransposed)
    }
  }

  private func productsSumRoundedOperands(of kernels: Kernels, rows: Int, isTransposed: Bool) {
    for real in [1, 5, 16, 33, 48, 200] {
      for depth in [1, 2, 3, 15, 16, 17, 33, 64, 129] {
        let columns = (real + 15) / 16 * 16
        let a = matrix(rows, depth, stride: depth + 3, seed: 1)
        let b =
          isTransposed
          ? matrix(real, depth, stride: depth + 2, seed: 2)
          : matrix(depth, real, stride: real + 2, seed: 2)
        let packed = GuardedFloats(outputCount: columns * kernels.packedDepth(depth))
        let panels = (columns + kernels.panelWidth - 1) / kernels.panelWidth
        let arguments = PackArguments(
          source: b.pointer, sourceStride: (isTransposed ? depth : real) + 2, depth: depth,
          groups: 1, groupColumns: real, groupWidth: columns, panelWidth: kernels.panelWidth,
          destination: packed.pointer, firstPanel: 0, endPanel: panels)
        if isTransposed { kernels.packTransposed(arguments) } else { kernels.packRows(arguments) }
        #expect(packed.guardsAreIntact)
        let c = GuardedFloats(outputCount: rows * columns)
        let start = GuardedFloats((0..<columns).map { Float($0) / 64 })
        let scratch = GuardedFloats(outputCount: kernels.scratchCount(depth: depth))
        var product = ProductArguments(
          rows: rows, columns: columns, segments: 1, segmentLength: depth, segmentStride: 0,
          a: a.pointer, aStride: depth + 3, b: packed.pointer, start: start.pointer,
          startStride: 0, c: c.pointer, cStride: columns)
        product.scratch = scratch.pointer
        kernels.product(product)
        #expect(c.guardsAreIntact && scratch.guardsAreIntact)
        var worst = 0.0
        for row in 0..<rows {
          for column in 0..<columns {
            var sum = Double(start.pointer[column])
            for k in 0..<depth where column < real {
              let right =
                isTransposed
                ? b.pointer[column * (depth + 2) + k] : b.pointer[k * (real + 2) + column]
              sum += Double(PairModel.rounded(a.pointer[row * (depth + 3) + k]))
                * Double(PairModel.rounded(right))
            }
            worst = max(worst, abs(sum - Double(c.pointer[row * columns + column])))
          }
        }
        #expect(worst < 1e-6 * Double(depth + 4), "\(real) columns, depth \(depth)")
      }
    }
  }

  /// A row's bits depend neither on the rows beside it nor on how the sum is cut at even places.
  @Test(arguments: PairKernels.all)
  func rowsAreBitIdenticalAloneAndSplitOverDepth(of pair: PairKernels) {
    let kernels = pair.kernels
    let rows = 29
    let depth = 70
    let columns = 48
    let a = matrix(rows, depth, stride: depth, seed: 3)
    let b = matrix(columns, depth, stride: depth, seed: 4)
    let packed = GuardedFloats(outputCount: columns * kernels.packedDepth(depth))
    kernels.packTransposed(
      PackArguments(
        source: b.pointer, sourceStride: depth, depth: depth, groups: 1, groupColumns: columns,
        groupWidth: columns, panelWidth: kernels.panelWidth, destination: packed.pointer,
        firstPanel: 0,
        endPanel: (columns + kernels.panelWidth - 1) / kernels.panelWidth))
    let scratch = GuardedFloats(outputCount: kernels.scratchCount(depth: depth))
    func product(_ rows: Range<Int>, _ part: Range<Int>, _ c: GuardedFloats) {
      let place = c.pointer + rows.lowerBound * columns
      var arguments = ProductArguments(
        rows: rows.count, columns: columns, segments: 1, segmentLength: part.count,
        segmentStride: 0, a: a.pointer + rows.lowerBound * depth + part.lowerBound,
        aStride: depth, b: packed.pointer, bDepth: depth, bStart: part.lowerBound,
        start: part.lowerBound == 0 ? nil : UnsafePointer(place), startStride: columns, c: place,
        cStride: columns)
      arguments.scratch = scratch.pointer
      kernels.product(arguments)
    }
    let whole = GuardedFloats(outputCount: rows * columns)
    product(0..<rows, 0..<depth, whole)
    let pieces = GuardedFloats(outputCount: rows * columns)
    for row in 0..<rows {
      product(row..<row + 1, 0..<32, pieces)
      product(row..<row + 1, 32..<depth, pieces)
    }
    #expect(firstDifference(pieces.values, whole.values) == nil)
  }

  /// Odd numbers of rows in a shard leave half a pair; biases are fp32 sums, row by row.
  @Test(arguments: PairKernels.all, [1, 2, 3])
  func weightGradientsSumRoundedRows(of pair: PairKernels, perShard: Int) {
    for timeSteps in [1, 2, 5, 60] {
      weightGradientsSumRoundedRows(of: pair.kernels, perShard: perShard, timeSteps: timeSteps)
    }
  }

  private func weightGradientsSumRoundedRows(of kernels: Kernels, perShard: Int, timeSteps: Int) {
    for (outputs, real) in [(1, 1), (5, 16), (13, 33), (25, 100)] {
      let shards = 4
      let sequences = shards * perShard
      let rows = timeSteps * sequences
      let columns = (real + 15) / 16 * 16
      let left = matrix(rows, outputs + 16, stride: outputs + 19, seed: 5)
      let right = matrix(rows, columns, stride: columns, seed: 6)
      let packed = GuardedFloats(
        outputCount: shards * kernels.packedDepth(perShard * timeSteps) * columns)
      let ofLeft = ShardRows(
        base: left.pointer, stride: outputs + 19, timeSteps: timeSteps, sequences: sequences,
        sequencesPerShard: perShard)
      kernels.packShardColumns(
        ShardRows(
          base: right.pointer, stride: columns, timeSteps: timeSteps, sequences: sequences,
          sequencesPerShard: perShard), columns: columns, to: packed.pointer)
      let folds = CanonicalTree.foldsAfterEachLeaf(of: 0..<shards, in: shards)
      let scratch = GuardedFloats(
        outputCount: weightGradientScratch(
          rowsPerShard: perShard * timeSteps, columns: columns, stackDepth: 3))
      let gradient = GuardedFloats(outputCount: outputs * real + outputs)
      var sum = gradient.pointer
      folds.withUnsafeBufferPointer { folds in
        withUnsafePointer(to: &sum) { sums in
          kernels.weightGradient(
            WeightGradientArguments(
              left: ofLeft, outputs: outputs, operands: 1, right0: packed.pointer,
              columns0: columns, right1: packed.pointer, columns1: columns,
              folds: folds.baseAddress!, partialSumCount: 1,
              partialSums: sums, offset0: 0, width0: real,
              offset1: 0, width1: real, biasOffset: outputs * real, scratch: scratch.pointer,
              stackDepth: 3))
        }
      }
      #expect(gradient.guardsAreIntact && packed.guardsAreIntact && scratch.guardsAreIntact)
      for output in 0..<outputs {
        var bias = [Float](repeating: 0, count: shards)
        for t in 0..<timeSteps {
          for sequence in 0..<sequences {
            bias[sequence / perShard] +=
              left.pointer[(t * sequences + sequence) * (outputs + 19) + output]
          }
        }
        #expect(
          gradient.pointer[outputs * real + output]
            == (bias[0] + bias[1]) + (bias[2] + bias[3]))
        for column in 0..<real {
          var sum = 0.0
          for row in 0..<rows {
            sum +=
              Double(PairModel.rounded(left.pointer[row * (outputs + 19) + output]))
              * Double(PairModel.rounded(right.pointer[row * columns + column]))
          }
          let found = Double(gradient.pointer[output * real + column])
          #expect(abs(found - sum) < 1e-6 * Double(rows + 4), "output \(output) \(column)")
        }
      }
    }
  }
}
