import Cells
import GRUCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Losses of real targets, by the functions of the C library.
extension ReferenceModel {
  /// The summed loss of real targets.
  func valueLoss(of trace: Trace, _ window: Window) -> Double {
    var sum = 0.0
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let outputs = outputs(row, trace, window)
      for output in outputs { sum += loss(output) / Double(outputs.count) }
    }
    return shape.task.loss == .sigmoid ? sum * Double(shape.vocabularySize) : sum
  }

  /// ∂ loss / ∂ score: softmax − one-hot; of real targets the slope of their loss.
  func errors(_ row: Int, _ target: Int32, _ trace: Trace, _ window: Window) -> [Double] {
    if shape.task.loss == .softmax {
      return softmaxErrors(scores(trace.logits, row: row), target: Int(target))
    }
    var errors = [Double](repeating: 0, count: shape.vocabularySize)
    let outputs = outputs(row, trace, window)
    let values = shape.vocabularySize / shape.task.outputsPerTarget
    let count = shape.task.loss == .sigmoid ? 1 : Double(outputs.count)
    for output in outputs {
      for (part, slope) in slopes(output).enumerated() {
        errors[part * values + output.index] = slope / count
      }
    }
    return errors
  }

  /// What the model says of one target.
  private struct Output {
    var index: Int
    /// Its distribution's numbers.
    var scores: [Double]
    var target: Double
  }

  /// The outputs of a row whose targets are there.
  private func outputs(_ row: Int, _ trace: Trace, _ window: Window) -> [Output] {
    let values = shape.vocabularySize / shape.task.outputsPerTarget
    return (0..<values).compactMap { index in
      let target = window.targetValues[row * values + index]
      if shape.task.masksTargets, target.isNaN { return nil }
      let first = row * shape.vocabularySize + index
      return Output(
        index: index,
        scores: (0..<shape.task.outputsPerTarget).map { trace.logits[first + $0 * values] },
        target: target)
    }
  }

  /// The deviation of a distribution, and its degrees of freedom.
  private func spread(_ output: Output) -> (deviation: Double, freedom: Double) {
    func softPlus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
    return (
      1e-3 + softPlus(output.scores[1]),
      output.scores.count > 2 ? 2 + softPlus(output.scores[2]) : .infinity
    )
  }

  private func loss(_ output: Output) -> Double {
    let distance = output.scores[0] - output.target
    switch shape.task.loss {
    case .squaredError: return distance * distance
    case .absoluteError: return abs(distance)
    case .sigmoid:
      let score = output.scores[0]
      return max(score, 0) - output.target * score + log1p(exp(-abs(score)))
    case .quantile:
      return zip(output.scores, shape.task.quantiles).reduce(0) { sum, pair in
        let (level, rest) = (Double(Float(pair.1)), output.target - pair.0)
        return sum + max(level * rest, (level - 1) * rest) / Double(output.scores.count)
      }
    case .gaussian:
      let deviation = spread(output).deviation
      return 0.5 * log(2 * .pi) + log(deviation) + distance * distance / (2 * deviation * deviation)
    case .studentT:
      let (deviation, freedom) = spread(output)
      let ratio = distance * distance / (freedom * deviation * deviation)
      return lgamma(freedom / 2) - lgamma((freedom + 1) / 2) + 0.5 * log(freedom * .pi)
        + log(deviation) + (freedom + 1) / 2 * log1p(ratio)
    case .softmax: return 0
    }
  }

  /// Of the loss, by the outputs of one target.
  private func slopes(_ output: Output) -> [Double] {
    let distance = output.scores[0] - output.target
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    switch shape.task.loss {
    case .squaredError: return [2 * distance]
    case .absoluteError: return [distance < 0 ? -1 : distance > 0 ? 1 : 0]
    case .sigmoid: return [sigmoid(output.scores[0]) - output.target]
    case .quantile:
      return zip(output.scores, shape.task.quantiles).map { score, level in
        let level = Double(Float(level))
        let slope = score < output.target ? -level : score > output.target ? 1 - level : 0
        return slope / Double(output.scores.count)
      }
    case .gaussian:
      let deviation = spread(output).deviation
      let slope = 1 / deviation - distance * distance / (deviation * deviation * deviation)
      return [distance / (deviation * deviation), slope * sigmoid(output.scores[1])]
    case .studentT:
      let (deviation, freedom) = spread(output)
      let variance = deviation * deviation
      let whole = freedom * variance + distance * distance
      let slope = 1 / deviation - (freedom + 1) * distance * distance / (deviation * whole)
      let bend =
        digamma(freedom / 2) - digamma((freedom + 1) / 2) + 1 / freedom
        + log1p(distance * distance / (freedom * variance))
        - (freedom + 1) * distance * distance / (freedom * whole)
      return [
        (freedom + 1) * distance / whole, slope * sigmoid(output.scores[1]),
        0.5 * bend * sigmoid(output.scores[2]),
      ]
    case .softmax: return []
    }
  }

  /// The slope of log Γ, by the recurrence and, from 20 on, its asymptotic series.
  private func digamma(_ x: Double) -> Double {
    if x < 20 { return digamma(x + 1) - 1 / x }
    let u = 1 / (x * x)
    return log(x) - 0.5 / x - u * (1.0 / 12 - u * (1.0 / 120 - u * (1.0 / 252 - u / 240)))
  }
}
