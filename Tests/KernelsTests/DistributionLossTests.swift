import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Losses of targets that may be missing, and of distributions.
@Suite struct DistributionLossTests {
  /// What a call left.
  private struct Result: Equatable {
    var scores: [Float]
    var losses: [Float]
    var metrics: [Float]

    var bits: [UInt32] { (scores + losses + metrics).map(\.bitPattern) }
  }

  private struct Problem {
    var kind: ValueLossKind
    var parts = 1
    var values: Int
    var rows = 3
    var levels: [Float] = []
    var point = 0
    var scores: [Float] = []
    var targets: [Float] = []
    var stride: Int { (parts * values + 15) & ~15 }

    init(_ kind: ValueLossKind, values: Int, missing: Int, levels: [Float] = []) {
      self.kind = kind
      self.values = values
      self.levels = levels
      switch kind {
      case .quantile: parts = levels.count
      case .gaussian: parts = 2
      case .studentT: parts = 3
      case .squared, .absolute, .sigmoid: parts = 1
      }
      point = parts / 2
      scores = [Float](repeating: -1e30, count: rows * stride)
      targets = [Float](repeating: 0, count: rows * stride)
      for row in 0..<rows {
        for j in 0..<parts * values {
          let word = UInt32(truncatingIfNeeded: (row * 131 + j) &* 2_654_435_761)
          scores[row * stride + j] = (Float(word >> 8) * 0x1p-24 - 0.5) * (j % 7 == 3 ? 60 : 6)
        }
        for i in 0..<values {
          let word = UInt32(truncatingIfNeeded: (row * 577 + i) &* 2_246_822_519)
          targets[row * stride + i] = (Float(word >> 8) * 0x1p-24 - 0.5) * 8
          if missing > 0, word % UInt32(missing) == 0 || row == 2 {
            targets[row * stride + i] = .nan
          }
        }
      }
    }

    func run(_ set: InstructionSet, masked: Int = 1, backward: Int = 1) -> Result {
      var result = Result(
        scores: scores, losses: [Float](repeating: 7, count: rows),
        metrics: [Float](repeating: 7, count: rows))
      Kernels(set).valueLoss(
        ValueLossArguments(
          kind: kind, rows: rows, columns: stride, outputs: parts * values,
          scores: &result.scores, targets: targets, stride: stride, counted: [0, -1, 0],
          losses: &result.losses, metrics: &result.metrics, backward: backward, masked: masked,
          parts: parts, levels: levels, point: point))
      return result
    }

    /// Loss and metric of a row, and the slope at each output.
    func expected(_ row: Int) -> (loss: Double, metric: Double, slopes: [Double]) {
      var (loss, metric) = (0.0, 0.0)
      var slopes = [Double](repeating: 0, count: parts * values)
      let present = (0..<values).filter { !targets[row * stride + $0].isNaN }
      for i in present {
        let t = Double(targets[row * stride + i])
        let x = (0..<parts).map { Double(scores[row * stride + $0 * values + i]) }
        let share = 1 / Double(present.count)
        let (own, point, slope) = one(x, t)
        loss += own * share
        metric += point * share
        for part in 0..<parts { slopes[part * values + i] = slope[part] * share }
      }
      return (loss, metric, slopes)
    }

    private func one(_ x: [Double], _ t: Double) -> (Double, Double, [Double]) {
      let d = x[0] - t
      func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
      switch kind {
      case .squared, .sigmoid: return (d * d, abs(d), [2 * d])
      case .absolute: return (abs(d), d * d, [d < 0 ? -1 : d > 0 ? 1 : 0])
      case .quantile:
        let share = 1 / Double(parts)
        let losses = zip(x, levels).map { max(Double($1) * (t - $0), (Double($1) - 1) * (t - $0)) }
        return (
          losses.reduce(0, +) * share, abs(x[point] - t),
          zip(x, levels).map { ($0 < t ? -Double($1) : $0 > t ? 1 - Double($1) : 0) * share }
        )
      case .gaussian, .studentT:
        func value(_ x: [Double]) -> Double {
          let deviation = 1e-3 + max(x[1], 0) + log1p(exp(-abs(x[1])))
          let z = (x[0] - t) / deviation
          if kind == .gaussian { return 0.5 * log(2 * .pi) + log(deviation) + 0.5 * z * z }
          let freedom = 2 + max(x[2], 0) + log1p(exp(-abs(x[2])))
          return lgamma(freedom / 2) - lgamma((freedom + 1) / 2) + 0.5 * log(freedom * .pi)
            + log(deviation) + (freedom + 1) / 2 * log1p(z * z / freedom)
        }
        // Central differences, whose error is some 1e-9 of the loss.
        let slopes = x.indices.map { part in
          var (above, below) = (x, x)
          let step = 1e-5 * max(1, abs(x[part]))
          above[part] += step
          below[part] -= step
          return (value(above) - value(below)) / (2 * step)
        }
        return (value(x), d * d, slopes)
      }
    }
  }

  private static let levels: [Float] = [0.05, 0.5, 0.9]

  private static func problem(_ kind: ValueLossKind, _ values: Int, missing: Int) -> Problem {
    Problem(kind, values: values, missing: missing, levels: kind == .quantile ? levels : [])
  }

  @Test(
    arguments: [ValueLossKind.squared, .absolute, .quantile, .gaussian, .studentT],
    [1, 2, 5, 15, 16, 17, 48, 168])
  func agreesWithScalarLoops(kind: ValueLossKind, values: Int) {
    for missing in [0, 3] {
      let problem = Self.problem(kind, values, missing: missing)
      for set in InstructionSet.available {
        let found = problem.run(set)
        for row in 0..<problem.rows {
          let isCounted = row != 1
          let (loss, metric, slopes) = isCounted ? problem.expected(row) : (0, 0, [])
          let name = "\(kind) \(set) row \(row)"
          #expect(abs(Double(found.losses[row]) - loss) <= 1e-5 * max(1, abs(loss)), "\(name)")
          #expect(abs(Double(found.metrics[row]) - metric) <= 1e-5 * max(1, metric), "\(name)")
          for j in 0..<problem.stride {
            let slope = j < slopes.count ? slopes[j] : 0
            let score = Double(found.scores[row * problem.stride + j])
            #expect(abs(score - slope) <= 2e-5 * max(1e-2, abs(slope)), "\(name) \(j)")
          }
        }
      }
    }
  }

  @Test(arguments: [ValueLossKind.squared, .absolute, .quantile, .gaussian, .studentT])
  func everyInstructionSetIsBitIdentical(kind: ValueLossKind) {
    let problem = Self.problem(kind, 45, missing: 4)
    let results = InstructionSet.available.map { problem.run($0).bits }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  /// A mask costs nothing, and changes nothing, where no target is missing.
  @Test(arguments: [ValueLossKind.squared, .absolute])
  func aMaskWithoutGapsChangesNoBit(kind: ValueLossKind) {
    for values in [1, 7, 16, 45, 130] {
      let problem = Self.problem(kind, values, missing: 0)
      for set in InstructionSet.available {
        #expect(problem.run(set, masked: 1).bits == problem.run(set, masked: 0).bits)
      }
    }
  }

  /// Scores that are not finite are seen in the loss, whatever output they are of.
  @Test(arguments: [ValueLossKind.squared, .quantile, .gaussian, .studentT])
  func scoresThatAreNotFiniteShow(kind: ValueLossKind) {
    for part in 0..<Self.problem(kind, 5, missing: 0).parts {
      for bad in [Float.nan, .infinity] {
        var problem = Self.problem(kind, 5, missing: 0)
        problem.scores[part * 5 + 2] = bad
        for set in InstructionSet.available {
          #expect(!problem.run(set).losses[0].isFinite, "\(kind) \(part) \(bad)")
        }
      }
    }
  }
}
