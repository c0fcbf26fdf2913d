/// A cell's equations and their derivatives once more, in `Double`, for one sequence at a time:
/// what the fast path is checked against. Written to be read, not to be fast.
package protocol CellReference: Sendable {
  /// Turns the gates of `row`, which hold W x + b, into activations, and sets the next states and
  /// what the backward step needs beside them.
  func forward(_ row: inout ReferenceRow)

  /// Turns activations into the gradients of what the gates summed up, adds the gradients of the
  /// recurrent weights and biases to `gradient`, and returns those of the previous states [S, H].
  ///
  /// - Parameter total: the gradients of the next states [S, H].
  func backward(
    _ row: inout ReferenceRow, total: [[Double]], _ gradient: inout [Double]
  ) -> [[Double]]
}

/// One step of one sequence in the reference model, and the weights that it uses.
package struct ReferenceRow {
  /// H.
  package let hidden: Int
  /// [G, H]: W x + b, activations, and in the end gradients of what the gates summed up.
  package var gates: [Double]
  /// Whatever a cell keeps for its backward step, [H].
  package var inner: [Double] = []
  /// What gates summed up before it was normalised, [G, H].
  private var sums: [Double]
  /// States before and after the step, [S, H].
  package let previous: [[Double]]
  package var next: [[Double]] = []
  /// The arena of parameters and where the direction's tensors are in it.
  private let parameters: [Double]
  private let places: Places

  /// First elements of tensors within an arena; nil for one that the model does not have.
  package struct Places {
    package var recurrentWeight: Int?
    package var recurrentBias: Int?
    package var gain: Int?
    package var normBias: Int?

    package init(recurrentWeight: Int?, recurrentBias: Int?, gain: Int?, normBias: Int?) {
      self.recurrentWeight = recurrentWeight
      self.recurrentBias = recurrentBias
      self.gain = gain
      self.normBias = normBias
    }
  }

  /// A row whose gates hold W x + b.
  package init(
    hidden: Int, gates: [Double], previous: [[Double]], parameters: [Double], places: Places
  ) {
    self.hidden = hidden
    self.gates = gates
    self.previous = previous
    self.parameters = parameters
    self.places = places
    sums = gates
  }

  /// The values of some gates, [gates, H].
  package subscript(_ gates: Range<Int>) -> [Double] {
    get { Array(self.gates[gates.lowerBound * hidden..<gates.upperBound * hidden]) }
    set {
      self.gates.replaceSubrange(
        gates.lowerBound * hidden..<gates.upperBound * hidden, with: newValue)
    }
  }

  package subscript(_ gate: Int) -> [Double] {
    get { self[gate..<gate + 1] }
    set { self[gate..<gate + 1] = newValue }
  }

  // MARK: - Recurrent weights

  /// y += U x, with as many rows of U from those of `gate` on as `y` has.
  package func addRecurrent(gate: Int, _ x: [Double], to y: inout [Double]) {
    addProduct(
      parameters, at: recurrentRow(gate), columns: hidden, x, at: 0, to: &y)
  }

  /// x += Uᵀ a, with the rows of U from those of `gate` on.
  package func addRecurrentTransposed(gate: Int, _ a: [Double], to x: inout [Double]) {
    addTransposed(parameters, at: recurrentRow(gate), columns: hidden, a, to: &x, at: 0)
  }

  /// dU += a xᵀ, with the rows of U from those of `gate` on.
  package func addRecurrentGradient(
    gate: Int, _ a: [Double], _ x: [Double], to gradient: inout [Double]
  ) {
    addOuter(a, x, at: 0, columns: hidden, to: &gradient, at: recurrentRow(gate))
  }

  /// The bias of the recurrent part, [H].
  package var recurrentBias: [Double] {
    guard let place = places.recurrentBias else { preconditionFailure("no recurrent bias") }
    return Array(parameters[place..<place + hidden])
  }

  package func addRecurrentBiasGradient(_ a: [Double], to gradient: inout [Double]) {
    guard let place = places.recurrentBias else { preconditionFailure("no recurrent bias") }
    for i in a.indices { gradient[place + i] += a[i] }
  }

  private func recurrentRow(_ gate: Int) -> Int {
    guard let place = places.recurrentWeight else { preconditionFailure("no recurrent weight") }
    return place + gate * hidden * hidden
  }

  // MARK: - Normalisation

  /// Replaces the sums of some gates by what these take in their place: with μ and σ² the mean and
  /// variance over one gate's sums a, x = (a − μ) / √(σ² + ε), and the gate takes
  /// gain ⊙ x + bias. Nothing changes where nothing is normalised.
  package mutating func normalize(_ normalized: Range<Int>) {
    guard let gain = places.gain, let bias = places.normBias else { return }
    for gate in normalized {
      let start = gate * hidden
      sums.replaceSubrange(start..<start + hidden, with: self[gate])
      self[gate] = Self.standardized(self[gate]).values.enumerated().map {
        parameters[gain + start + $0.offset] * $0.element + parameters[bias + start + $0.offset]
      }
    }
  }

  /// ∂/∂a = (g − mean(g) − x mean(g ⊙ x)) / √(σ² + ε) with g = gain ⊙ ∂/∂y, in its place.
  package mutating func normalizeBackward(
    _ normalized: Range<Int>, _ gradient: inout [Double]
  ) {
    guard let gain = places.gain, let bias = places.normBias else { return }
    for gate in normalized {
      let start = gate * hidden
      let errors = self[gate]
      let (x, inverse) = Self.standardized(Array(sums[start..<start + hidden]))
      for i in errors.indices {
        gradient[gain + start + i] += errors[i] * x[i]
        gradient[bias + start + i] += errors[i]
      }
      let g = errors.enumerated().map { parameters[gain + start + $0.offset] * $0.element }
      let count = Double(g.count)
      let mean = g.reduce(0, +) / count
      let product = zip(g, x).reduce(0) { $0 + $1.0 * $1.1 } / count
      self[gate] = g.indices.map { (g[$0] - mean - x[$0] * product) * inverse }
    }
  }

  private static func standardized(_ sums: [Double]) -> (values: [Double], inverse: Double) {
    let count = Double(sums.count)
    let mean = sums.reduce(0, +) / count
    let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let inverse = 1 / (variance + 1e-5).squareRoot()
    return (sums.map { ($0 - mean) * inverse }, inverse)
  }
}

// MARK: - Products of arenas

/// y += M x, for the rows of M that `y` has room for.
package func addProduct(
  _ matrix: [Double], at offset: Int, columns: Int, _ x: [Double], at start: Int,
  to y: inout [Double]
) {
  for i in y.indices {
    var sum = y[i]
    for j in 0..<columns { sum += matrix[offset + i * columns + j] * x[start + j] }
    y[i] = sum
  }
}

/// M += a xᵀ, M with `a.count` rows.
package func addOuter(
  _ a: [Double], _ x: [Double], at start: Int, columns: Int, to matrix: inout [Double],
  at offset: Int
) {
  for i in a.indices {
    for j in 0..<columns { matrix[offset + i * columns + j] += a[i] * x[start + j] }
  }
}

/// y += Mᵀ a, M with `a.count` rows.
package func addTransposed(
  _ matrix: [Double], at offset: Int, columns: Int, _ a: [Double], to y: inout [Double],
  at start: Int
) {
  for i in a.indices {
    for j in 0..<columns { y[start + j] += matrix[offset + i * columns + j] * a[i] }
  }
}
