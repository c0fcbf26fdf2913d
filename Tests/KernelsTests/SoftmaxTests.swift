import Foundation
import Kernels
import Testing

@Suite struct SoftmaxTests {
  private static let padding: Float = -1e30

  /// Logits [rows, padded columns] and targets.
  private struct Problem {
    let columns: Int
    let padded: Int
    let stride: Int
    let targets: [Int32]
    var logits: [Float]

    init(rows: Int, columns: Int, scale: Float, seed: UInt64) {
      var random = SeededRandom(seed)
      self.columns = columns
      padded = (columns + 15) / 16 * 16
      stride = padded + 5
      targets = (0..<rows).map { row in
        row % 5 == 3 ? -1 : Int32.random(in: 0..<Int32(columns), using: &random)
      }
      logits = random.floats(rows * stride, in: -scale...scale)
      for row in 0..<rows {
        for j in columns..<padded { logits[row * stride + j] = SoftmaxTests.padding }
      }
    }

    /// Losses of the rows, then the logits or what replaced them, gaps included.
    func run(
      _ kernels: Kernels, backward: Bool, smoothing: Float = 0, weights: [Float]? = nil
    ) -> [Float] {
      let buffer = GuardedFloats(logits)
      let losses = GuardedFloats(outputCount: targets.count)
      (weights ?? [1]).withUnsafeBufferPointer { values in
        kernels.softmaxCrossEntropy(
          SoftmaxArguments(
            rows: targets.count, columns: padded, logits: buffer.pointer, stride: stride,
            targets: targets, losses: losses.pointer, backward: backward ? 1 : 0,
            outputs: columns, smoothing: smoothing,
            weights: weights == nil ? nil : values.baseAddress))
      }
      #expect(buffer.guardsAreIntact)
      #expect(losses.guardsAreIntact)
      return losses.values + buffer.values
    }

    /// Loss and gradient of one row in double precision.
    func exact(row: Int) -> (loss: Double, gradient: [Double]) {
      let target = Int(targets[row])
      if target < 0 { return (0, [Double](repeating: 0, count: padded)) }
      let x = (0..<padded).map { Double(logits[row * stride + $0]) }
      let top = x.max()!
      let exponentials = x.map { Foundation.exp($0 - top) }
      let total = exponentials.reduce(0, +)
      var gradient = exponentials.map { $0 / total }
      gradient[target] -= 1
      return (Foundation.log(total) - (x[target] - top), gradient)
    }
  }

  @Test(arguments: [1, 5, 16, 17, 100, 256], [0.5, 8, 1e4] as [Float])
  func agreesWithDoublePrecision(columns: Int, scale: Float) {
    let rows = 9
    let problem = Problem(rows: rows, columns: columns, scale: scale, seed: UInt64(columns))
    let losses = onEveryInstructionSet { problem.run($0, backward: false) }
    #expect(firstDifference(Array(losses[rows...]), problem.logits) == nil)
    let both = onEveryInstructionSet { problem.run($0, backward: true) }
    #expect(firstDifference(Array(both[..<rows]), Array(losses[..<rows])) == nil)
    for row in 0..<rows {
      let exact = problem.exact(row: row)
      // The argument of exp is rounded once, exp and the sum add a few; the loss is a logarithm
      // of their sum, so that relative errors of the sum become absolute ones.
      #expect(
        isClose(both[row], exact.loss, scale: 1 + exact.loss.magnitude, roundings: 8),
        "row \(row)")
      let start = rows + row * problem.stride
      for j in 0..<problem.padded {
        // An argument −d is off by up to d rounding errors, and d p ≤ d e^−d < 1.
        let onTarget = j == Int(problem.targets[row]) ? 1.0 : 0
        let probability = exact.gradient[j] + onTarget
        #expect(
          isClose(
            both[start + j], exact.gradient[j], scale: probability + 0x1p-4, roundings: 16),
          "row \(row), \(j)")
      }
      for j in problem.padded..<problem.stride {
        let found = both[start + j]
        #expect(found == problem.logits[row * problem.stride + j])
      }
    }
  }

  /// Targets of (1 − ε) onehot + ε / V, and rows that count as their class does.
  @Test(arguments: [1, 2, 15, 16, 17, 100, 256], [0.1, 0.9] as [Float])
  func smoothedAndWeightedLossesAgreeWithDoublePrecision(columns: Int, smoothing: Float) {
    let rows = 9
    let problem = Problem(rows: rows, columns: columns, scale: 6, seed: UInt64(columns))
    let weights = (0..<columns).map { 0.25 + Float($0 * 7 % 11) / 4 }
    let found = onEveryInstructionSet {
      problem.run($0, backward: true, smoothing: smoothing, weights: weights)
    }
    for row in 0..<rows where problem.targets[row] >= 0 {
      let target = Int(problem.targets[row])
      let x = (0..<columns).map { Double(problem.logits[row * problem.stride + $0]) }
      let mean = x.reduce(0, +) / Double(columns)
      let plain = problem.exact(row: row)
      let weight = Double(weights[target])
      let loss = weight * (plain.loss + Double(smoothing) * (x[target] - mean))
      #expect(isClose(found[row], loss, scale: 8 * weight, roundings: 16), "row \(row)")
      let start = rows + row * problem.stride
      for j in 0..<problem.padded {
        let share = j < columns ? Double(smoothing) / Double(columns) : 0
        let onTarget = j == target ? Double(smoothing) : 0
        let expected = weight * (plain.gradient[j] + onTarget - share)
        #expect(
          isClose(found[start + j], expected, scale: 2 * weight, roundings: 16), "row \(row), \(j)")
        if j >= columns { #expect(found[start + j] == 0) }
      }
    }
    // Ignored rows stay so.
    #expect(found[3] == 0)
    // Weights alone of 1, and none, are the same bits.
    let ones = onEveryInstructionSet {
      problem.run($0, backward: true, weights: [Float](repeating: 1, count: columns))
    }
    let none = onEveryInstructionSet { problem.run($0, backward: true) }
    #expect(firstDifference(ones, none) == nil)
  }

  @Test func paddingGetsNoProbability() {
    let problem = Problem(rows: 6, columns: 3, scale: 2, seed: 3)
    let values = onEveryInstructionSet { problem.run($0, backward: true) }
    for row in 0..<6 {
      for j in 3..<16 { #expect(values[6 + row * problem.stride + j] == 0) }
    }
  }

  @Test func ignoredRowsHaveNoLossAndNoGradient() {
    var problem = Problem(rows: 4, columns: 20, scale: 3, seed: 4)
    problem.logits[3 * problem.stride] = .nan
    let values = onEveryInstructionSet { problem.run($0, backward: true) }
    #expect(values[3] == 0)
    let start = 4 + 3 * problem.stride
    #expect(values[start..<start + problem.padded].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [Float.nan, .infinity]) func nonFiniteLogitsGiveANonFiniteLoss(bad: Float) {
    for position in [0, 1, 15, 16, 19] {
      var problem = Problem(rows: 1, columns: 20, scale: 3, seed: 5)
      problem.logits[position] = bad
      for set in InstructionSet.available {
        let loss = problem.run(Kernels(set), backward: true)[0]
        #expect(!loss.isFinite, "\(set.rawValue), \(bad) at \(position)")
      }
    }
  }

  @Test func extremeLogitsGiveZeroLossOrTheirDifference() {
    var problem = Problem(rows: 1, columns: 16, scale: 1, seed: 6)
    let target = Int(problem.targets[0])
    problem.logits = [Float](repeating: -1e4, count: problem.stride)
    problem.logits[target] = 1e4
    #expect(onEveryInstructionSet { problem.run($0, backward: true) }[0] == 0)
    problem.logits = [Float](repeating: 1e4, count: problem.stride)
    for j in 0..<16 where j != (target + 1) % 16 { problem.logits[j] = -1e4 }
    #expect(onEveryInstructionSet { problem.run($0, backward: true) }[0] == 2e4)
  }
}
