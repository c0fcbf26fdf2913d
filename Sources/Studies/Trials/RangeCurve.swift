/// Losses over learning rates that rise from step to step, and what they suggest.
package struct RangeCurve: Sendable, Equatable {
  /// A step of the test.
  package struct Point: Sendable, Equatable {
    package var step: Int
    package var rate: Double
    package var loss: Double

    package init(step: Int, rate: Double, loss: Double) {
      self.step = step
      self.rate = rate
      self.loss = loss
    }
  }

  package private(set) var points: [Point] = []
  /// The running mean of the losses, which decides when the test ends, and its least value.
  private var mean = 0.0
  private var lowest = Double.infinity

  /// Weights of the mean before, and of a neighbour in the smoothed curve.
  private static let decay = 0.9
  private static let neighbour = 0.6
  /// How far a loss rises above the lowest, in units of its fall or of itself, that has diverged.
  private static let divergence = 3.0
  private static let leastSteps = 10

  package init() {}

  /// Adds a step; returns whether the loss has diverged.
  package mutating func append(_ point: Point) -> Bool {
    points.append(point)
    mean = Self.decay * mean + (1 - Self.decay) * point.loss
    let corrected = mean / (1 - power(Self.decay, points.count))
    lowest = min(lowest, corrected)
    guard points.count >= Self.leastSteps else { return false }
    let scale = max(abs(lowest), points[0].loss - lowest)
    return corrected > lowest + Self.divergence * scale
  }

  /// The losses as means over their neighbours, the nearer the heavier: unlike a running mean they
  /// lag behind nothing.
  package var smoothed: [Double] {
    let weights = (0..<points.count).map { power(Self.neighbour, $0) }
    return points.indices.map { place in
      var (sum, weight) = (0.0, 0.0)
      for other in points.indices {
        sum += weights[abs(place - other)] * points[other].loss
        weight += weights[abs(place - other)]
      }
      return sum / weight
    }
  }

  /// What rates the curve suggests.
  package struct Suggestion: Sendable, Equatable {
    /// Where the smoothed loss falls the most for a rise by a factor.
    package var steepest: Double
    /// Where it is the least.
    package var minimum: Double
    /// Whether that is the last step, so that larger rates may be better.
    package var isMinimumLast: Bool

    /// A tenth of the rate at the minimum.
    package var minimumTenth: Double { minimum / 10 }
  }

  /// Nil where the loss never fell.
  package var suggestion: Suggestion? {
    let losses = smoothed
    guard let least = losses.indices.min(by: { losses[$0] < losses[$1] }), least >= 2 else {
      return nil
    }
    let slopes = (1..<least).map { losses[$0 + 1] - losses[$0 - 1] }
    guard let first = slopes.indices.min(by: { slopes[$0] < slopes[$1] }), slopes[first] < 0 else {
      return nil
    }
    return Suggestion(
      steepest: points[first + 1].rate, minimum: points[least].rate,
      isMinimumLast: least == points.count - 1)
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { product, _ in product * base }
  }
}
