import Kernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct ValueLossTests {
  /// Scores of all sizes, and some beyond what a naive sigmoid bears.
  private func problem(outputs: Int, rows: Int) -> (scores: [Float], targets: [Float]) {
    let stride = (outputs + 15) & ~15
    var scores = [Float](repeating: -1e30, count: rows * stride)
    var targets = [Float](repeating: 0, count: rows * stride)
    for row in 0..<rows {
      for j in 0..<outputs {
        let word = UInt32(truncatingIfNeeded: (row * 131 + j) &* 2_654_435_761)
        scores[row * stride + j] = (Float(word >> 8) * 0x1p-24 - 0.5) * (j % 7 == 3 ? 300 : 6)
        targets[row * stride + j] = word % 3 == 0 ? 1 : 0
      }
    }
    return (scores, targets)
  }

  @Test(arguments: InstructionSet.available, [1, 2, 15, 16, 17, 31, 88, 512, 529, 1031])
  func agreesWithScalarLoops(set: InstructionSet, outputs: Int) {
    let rows = 3
    let stride = (outputs + 15) & ~15
    for kind in [ValueLossKind.squared, .absolute, .sigmoid] {
      var (scores, targets) = problem(outputs: outputs, rows: rows)
      let original = scores
      let counted: [Int32] = [0, -1, 0]
      var losses = [Float](repeating: 7, count: rows)
      var metrics = losses
      Kernels(set).valueLoss(
        ValueLossArguments(
          kind: kind, rows: rows, columns: stride, outputs: outputs, scores: &scores,
          targets: &targets, stride: stride, counted: counted, losses: &losses,
          metrics: &metrics, backward: 1))
      #expect(losses[1] == 0)
      #expect(metrics[1] == 0)
      #expect(scores[stride..<stride + outputs].allSatisfy { $0 == 0 })
      for row in [0, 2] {
        var (loss, metric) = (0.0, 0.0)
        for j in row * stride..<row * stride + outputs {
          let (x, t) = (Double(original[j]), Double(targets[j]))
          var slope = 0.0
          switch kind {
          case .squared:
            loss += (x - t) * (x - t) / Double(outputs)
            metric += abs(x - t) / Double(outputs)
            slope = 2 * (x - t) / Double(outputs)
          case .absolute:
            loss += abs(x - t) / Double(outputs)
            metric += (x - t) * (x - t) / Double(outputs)
            slope = (x < t ? -1 : x > t ? 1 : 0) / Double(outputs)
          case .sigmoid:
            loss += max(x, 0) - x * t + log1p(exp(-abs(x)))
            metric += (x > 0) == (t > 0.5) ? 1 : 0
            slope = 1 / (1 + exp(-x)) - t
          case .quantile, .gaussian, .studentT: Issue.record("\(kind) is tested elsewhere")
          }
          #expect(abs(Double(scores[j]) - slope) <= 1e-6 * max(1, abs(slope)), "\(kind) \(j)")
        }
        #expect(abs(Double(losses[row]) - loss) <= 2e-6 * max(1, loss), "\(kind)")
        #expect(abs(Double(metrics[row]) - metric) <= 2e-6 * max(1, metric), "\(kind)")
      }
    }
  }

  @Test(arguments: [ValueLossKind.squared, .absolute, .sigmoid])
  func everyInstructionSetIsBitIdentical(kind: ValueLossKind) {
    let results = InstructionSet.available.map { set in
      var (scores, targets) = problem(outputs: 45, rows: 2)
      var losses = [Float](repeating: 0, count: 2)
      var metrics = losses
      Kernels(set).valueLoss(
        ValueLossArguments(
          kind: kind, rows: 2, columns: 48, outputs: 45, scores: &scores, targets: &targets,
          stride: 48, counted: [0, 0], losses: &losses, metrics: &metrics, backward: 1))
      return (scores + losses + metrics).map(\.bitPattern)
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
