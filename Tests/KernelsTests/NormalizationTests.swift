import Kernels
import SIMDKernels
import Testing

@Suite struct NormalizationTests {
  /// Rows of `groups` gates, random in the columns that count and 0 beyond.
  private struct Problem {
    let rows = 6
    let groups: Int
    let size: Int
    let rowsPerShard: Int
    var columns: Int { (size + 15) / 16 * 16 }
    var width: Int { groups * columns }
    let sums, slopes, gain, bias: [Float]

    init(groups: Int, size: Int, rowsPerShard: Int) {
      self.groups = groups
      self.size = size
      self.rowsPerShard = rowsPerShard
      var random = SeededRandom(UInt64(size))
      let padded = (size + 15) / 16 * 16
      func floats(_ rows: Int) -> [Float] {
        (0..<rows * groups).flatMap { _ in
          random.floats(size) + [Float](repeating: 0, count: padded - size)
        }
      }
      sums = floats(rows)
      slopes = floats(rows)
      gain = floats(1)
      bias = floats(1)
    }

    /// y, ∂/∂a and the shards' gradients of gain and bias, on one instruction set.
    func run(_ set: InstructionSet) -> (values: [Float], slopes: [Float], sums: [Float]) {
      let values = GuardedFloats(sums)
      let normalized = GuardedFloats(outputCount: rows * width)
      let inverses = GuardedFloats(outputCount: rows * groups)
      let shards = rows / rowsPerShard
      let gradients = GuardedFloats([Float](repeating: 0, count: shards * 2 * width))
      let gains = GuardedFloats(gain)
      let biases = GuardedFloats(bias)
      var arguments = NormalizationArguments(
        rows: rows, groups: groups, columns: columns, size: size, values: values.pointer,
        normalized: normalized.pointer, stride: width, inverseDeviations: inverses.pointer,
        deviationStride: groups, gain: gains.pointer, bias: biases.pointer,
        gainGradient: gradients.pointer, biasGradient: gradients.pointer + width,
        shardStride: 2 * width, rowsPerShard: rowsPerShard)
      Kernels(set).normalize(arguments)
      let result = GuardedFloats(slopes)
      arguments.values = result.pointer
      Kernels(set).normalizeBackward(arguments)
      for buffer in [values, normalized, inverses, gradients, result] {
        #expect(buffer.guardsAreIntact)
      }
      return (values.values, result.values, gradients.values)
    }

    /// The same in double precision.
    func expected() -> (values: [Double], slopes: [Double], sums: [Double]) {
      var values = [Double](repeating: 0, count: rows * width)
      var slopes = values
      var sums = [Double](repeating: 0, count: rows / rowsPerShard * 2 * width)
      for row in 0..<rows {
        for group in 0..<groups {
          let first = row * width + group * columns
          let a = (0..<size).map { Double(self.sums[first + $0]) }
          let mean = a.reduce(0, +) / Double(size)
          let variance = a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
          let inverse = 1 / (variance + 1e-5).squareRoot()
          let x = a.map { ($0 - mean) * inverse }
          let slope = (0..<size).map { Double(self.slopes[first + $0]) }
          let g = (0..<size).map { slope[$0] * Double(gain[group * columns + $0]) }
          let gMean = g.reduce(0, +) / Double(size)
          let product = zip(g, x).reduce(0) { $0 + $1.0 * $1.1 } / Double(size)
          for j in 0..<size {
            let column = group * columns + j
            values[first + j] = x[j] * Double(gain[column]) + Double(bias[column])
            slopes[first + j] = (g[j] - gMean - x[j] * product) * inverse
            let shard = row / rowsPerShard * 2 * width
            sums[shard + column] += slope[j] * x[j]
            sums[shard + width + column] += slope[j]
          }
        }
      }
      return (values, slopes, sums)
    }
  }

  /// Rounding of numbers around 1 in sums of up to 200 terms, times up to 1 / σ.
  @Test(arguments: InstructionSet.available, [2, 3, 15, 16, 17, 31, 32, 33, 200])
  func agreesWithTheScalarForm(set: InstructionSet, size: Int) {
    for (groups, rowsPerShard) in [(1, 6), (2, 3), (3, 1)] {
      let problem = Problem(groups: groups, size: size, rowsPerShard: rowsPerShard)
      let found = problem.run(set)
      let expected = problem.expected()
      for (found, expected) in [
        (found.values, expected.values), (found.slopes, expected.slopes),
        (found.sums, expected.sums),
      ] {
        let scale = expected.reduce(1) { max($0, abs($1)) }
        for i in found.indices {
          #expect(abs(Double(found[i]) - expected[i]) <= 2e-5 * scale, "\(groups) \(i)")
        }
      }
      let portable = problem.run(.portable)
      #expect(firstDifference(found.values, portable.values) == nil)
      #expect(firstDifference(found.slopes, portable.slopes) == nil)
      #expect(firstDifference(found.sums, portable.sums) == nil)
    }
  }

  /// A single number has no deviation: its normal form is 0, and nothing flows back.
  @Test func rowOfOneElementBecomesTheBias() {
    let problem = Problem(groups: 2, size: 1, rowsPerShard: 2)
    let found = problem.run(InstructionSet.available.last!)
    for row in 0..<problem.rows {
      for group in 0..<2 {
        let place = row * problem.width + group * problem.columns
        #expect(found.values[place] == problem.bias[group * problem.columns])
        #expect(found.slopes[place] == 0)
      }
    }
  }
}
