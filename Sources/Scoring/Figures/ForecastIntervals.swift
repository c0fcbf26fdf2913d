import Kernels
import Tasks

/// Central intervals of forecasts that say more than a point: how many targets each covers, how
/// wide it is, and of distributions the CRPS.
///
/// The steps of a forecast are predicted independently: paths drawn step by step would not be
/// realistic, and the interval of each step needs no draws.
struct ForecastIntervals: Sendable {
  private enum Kind: Sendable {
    /// By which of the quantiles each begins and ends.
    case quantiles([(low: Int, high: Int)])
    case gaussian([IntervalReach])
    case student([IntervalReach])
  }

  private let kind: Kind
  let levels: [Double]

  /// The levels where nobody asks for others.
  static let usual = [0.5, 0.8, 0.95]

  /// Nil for a forecast of points, or of quantiles that lie around no middle.
  init?(_ task: TaskDescription, levels asked: [Double]) {
    switch task.loss {
    case .gaussian:
      kind = .gaussian(asked.map { IntervalReach(level: $0) })
      levels = asked
    case .studentT:
      kind = .student(asked.map { IntervalReach(level: $0) })
      levels = asked
    case .quantile:
      let all = task.quantiles
      let pairs = all.indices.compactMap { low -> (low: Int, high: Int)? in
        guard all[low] < 0.5 else { return nil }
        return all.firstIndex { abs($0 + all[low] - 1) < 1e-6 }.map { (low, $0) }
      }.reversed()
      guard !pairs.isEmpty else { return nil }
      kind = .quantiles(Array(pairs))
      levels = pairs.map { all[$0.high] - all[$0.low] }
    case .softmax, .sigmoid, .squaredError, .absoluteError: return nil
    }
  }

  /// Whether there is a CRPS.
  var hasScore: Bool { if case .quantiles = kind { false } else { true } }

  /// Of each level how many targets it covers and its width, then the CRPS.
  var sumCount: Int { 2 * levels.count + 1 }

  /// Adds what a forecast says of a target.
  ///
  /// - Parameters:
  ///   - scores: the outputs of the target, `stride` apart.
  @inline(__always) func add(
    _ scores: UnsafePointer<Float>, stride: Int, _ target: Double,
    to sums: UnsafeMutablePointer<Double>
  ) {
    func note(_ index: Int, covers: Bool, width: Double) {
      unsafe sums[2 * index] += covers ? 1 : 0
      unsafe sums[2 * index + 1] += width
    }
    let first = unsafe Double(scores[0])
    switch kind {
    case .quantiles(let pairs):
      for (index, pair) in pairs.enumerated() {
        let low = unsafe Double(scores[pair.low * stride])
        let high = unsafe Double(scores[pair.high * stride])
        note(index, covers: low <= target && target <= high, width: high - low)
      }
    case .gaussian(let reaches):
      let scale = unsafe 1e-3 + softPlus(Double(scores[stride]))
      let distance = abs(target - first) / scale
      for (index, reach) in reaches.enumerated() {
        note(index, covers: distance <= reach.ofNormal, width: 2 * scale * reach.ofNormal)
      }
      unsafe sums[2 * levels.count] += scale * PredictiveDistribution.normalScore(distance)
    case .student(let reaches):
      let scale = unsafe 1e-3 + softPlus(Double(scores[stride]))
      let freedom = unsafe 2 + softPlus(Double(scores[2 * stride]))
      let distance = abs(target - first) / scale
      for (index, reach) in reaches.enumerated() {
        let own = reach.ofStudent(freedom: freedom)
        note(index, covers: distance <= own, width: 2 * scale * own)
      }
      unsafe sums[2 * levels.count] +=
        scale * PredictiveDistribution.studentScore(distance, freedom: freedom)
    }
  }

  /// Where each interval of a target lies.
  ///
  /// - Parameter scores: the outputs of the target, `stride` apart.
  func bounds(
    _ scores: UnsafePointer<Float>, stride: Int
  ) -> [(low: Double, high: Double)] {
    let first = unsafe Double(scores[0])
    func around(_ distance: Double) -> (Double, Double) { (first - distance, first + distance) }
    switch kind {
    case .quantiles(let pairs):
      return pairs.map { pair in
        unsafe (Double(scores[pair.low * stride]), Double(scores[pair.high * stride]))
      }
    case .gaussian(let reaches):
      let scale = unsafe 1e-3 + softPlus(Double(scores[stride]))
      return reaches.map { around(scale * $0.ofNormal) }
    case .student(let reaches):
      let scale = unsafe 1e-3 + softPlus(Double(scores[stride]))
      let freedom = unsafe 2 + softPlus(Double(scores[2 * stride]))
      return reaches.map { around(scale * $0.ofStudent(freedom: freedom)) }
    }
  }

  /// What the sums of so many targets say.
  func table(of sums: ArraySlice<Double>, count: Double) -> FigureTable {
    FigureTable(
      "intervals",
      title: "central intervals: coverage is the share of targets within, the width normalised",
      columns: ["level", "coverage", "width"],
      rows: levels.enumerated().map { index, level in
        [
          .number((level * 1e9).rounded() / 1e9),
          .number(Figures.ratio(sums[sums.startIndex + 2 * index], count)),
          .number(Figures.ratio(sums[sums.startIndex + 2 * index + 1], count)),
        ]
      })
  }

  func score(of sums: ArraySlice<Double>, count: Double) -> Double? {
    hasScore ? Figures.ratio(sums[sums.startIndex + 2 * levels.count], count) : nil
  }
}
