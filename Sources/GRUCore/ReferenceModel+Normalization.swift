/// Layer normalisation in the reference model: with μ and σ² the mean and variance over one gate's
/// sums a, x = (a − μ) / √(σ² + ε), and the gate takes gain ⊙ x + bias in place of a.
extension ReferenceModel {
  /// What one gate takes in place of its sums; the sums themselves where nothing is normalised.
  func normalized(
    _ sums: [Double], direction: Int, gate: Int, _ parameters: [Double]
  ) -> [Double] {
    guard shape.normalizesGates else { return sums }
    let (gain, bias) = places(direction: direction, gate: gate)
    return standardized(sums).values.enumerated().map {
      parameters[gain + $0.offset] * $0.element + parameters[bias + $0.offset]
    }
  }

  /// ∂/∂a = (g − mean(g) − x mean(g ⊙ x)) / √(σ² + ε) with g = gain ⊙ errors.
  ///
  /// - Parameter errors: the gradient of what the gate took.
  /// - Returns: the gradient of its sums.
  func normalizedBackward(
    _ errors: [Double], direction: Int, row: Int, gate: Int, _ parameters: [Double], _ trace: Trace,
    _ gradient: inout [Double]
  ) -> [Double] {
    guard shape.normalizesGates else { return errors }
    let start = (row * shape.cell.gateCount + gate) * shape.hiddenSize
    let sums = Array(trace.sums[direction][start..<start + shape.hiddenSize])
    let (gain, bias) = places(direction: direction, gate: gate)
    let (x, inverse) = standardized(sums)
    for i in errors.indices {
      gradient[gain + i] += errors[i] * x[i]
      gradient[bias + i] += errors[i]
    }
    let g = errors.enumerated().map { parameters[gain + $0.offset] * $0.element }
    let count = Double(g.count)
    let mean = g.reduce(0, +) / count
    let product = zip(g, x).reduce(0) { $0 + $1.0 * $1.1 } / count
    return g.indices.map { (g[$0] - mean - x[$0] * product) * inverse }
  }

  private func standardized(_ sums: [Double]) -> (values: [Double], inverse: Double) {
    let count = Double(sums.count)
    let mean = sums.reduce(0, +) / count
    let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let inverse = 1 / (variance + 1e-5).squareRoot()
    return (sums.map { ($0 - mean) * inverse }, inverse)
  }

  private func places(direction: Int, gate: Int) -> (gain: Int, bias: Int) {
    let offset = gate * shape.hiddenSize
    let prefix = shape.prefix(ofDirection: direction)
    return (
      table["\(prefix).norm.weight"].offset + offset,
      table["\(prefix).norm.bias"].offset + offset
    )
  }
}
