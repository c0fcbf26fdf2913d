/// What a forecast of the training data by its own past misses: what errors of models are scaled
/// by, and how a season is found.
struct Season {
  /// The lag of a season in steps; nil where there is none.
  var steps: Int?
  /// Mean |y(t) - y(t - steps)| of each column over the training parts, of the step before without
  /// a season.
  var errors: [Double]

  /// Lags that people's seasons have: quarters and months of a year, days and hours of a week, ...
  private static let usual = [
    4, 5, 7, 12, 24, 48, 52, 60, 96, 144, 168, 288, 336, 365, 672, 1440,
  ]
  /// What a season's error must come to at most, as a part of that at half its lag.
  private static let leastGain = 0.9
  /// Errors up to so much more than the least count as equal.
  private static let equalErrors = 1.1
  /// Steps that are looked at for each lag.
  private static let mostSteps = 100_000

  /// - Parameters:
  ///   - asked: steps of a season, 1 for none; nil looks for one.
  ///   - window: steps that a model sees: a longer season is none that a forecast can repeat.
  init(
    of numbers: NumberBlocks, parts: [Range<Int>], places: [Int], asked: Int?, window: Int
  ) {
    let total = parts.reduce(0) { $0 + $1.count }
    let every = max(1, total / Self.mostSteps)
    func errors(_ lag: Int, every: Int = 1) -> [Double] {
      Self.errors(of: numbers, parts: parts, places: places, lag: lag, every: every)
    }
    if let asked {
      steps = asked > 1 ? asked : nil
    } else {
      let next = errors(1, every: every)
      var found: [(lag: Int, error: Double)] = []
      for lag in Self.usual where lag <= window && 2 * lag < total {
        let own = errors(lag, every: every)
        let half = errors(lag / 2, every: every)
        let neighbours = [lag - 1, lag + 1].map { Self.ratio(own, errors($0, every: every)) }
        let isSeason =
          Self.ratio(own, half) < Self.leastGain && neighbours.allSatisfy { $0 <= 1 }
        if isSeason { found.append((lag, Self.ratio(own, next))) }
      }
      // Whatever has a season has its multiples too.
      let least = found.map(\.error).min() ?? 0
      steps = found.first { $0.error <= Self.equalErrors * least }?.lag
    }
    self.errors = errors(steps ?? 1)
  }

  /// The mean over columns of one error over another, of those that are not 0.
  private static func ratio(_ errors: [Double], _ others: [Double]) -> Double {
    let ratios = zip(errors, others).compactMap { $1 > 0 ? $0 / $1 : nil }
    return ratios.isEmpty ? .infinity : ratios.reduce(0, +) / Double(ratios.count)
  }

  private static func errors(
    of numbers: NumberBlocks, parts: [Range<Int>], places: [Int], lag: Int, every: Int
  ) -> [Double] {
    var sums = [Double](repeating: 0, count: places.count)
    var counts = sums
    for part in parts where part.count > lag {
      let rows = part.lowerBound + lag..<part.upperBound
      unsafe numbers.forEachPair(in: rows, every: every, lag: lag) { row, before in
        for (index, place) in places.enumerated() {
          let difference = unsafe row[place] - before[place]
          // One of the two is missing.
          if difference.isNaN { continue }
          sums[index] += abs(difference)
          counts[index] += 1
        }
      }
    }
    return zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
  }
}
