import Datasets
import Tasks

/// Errors of predicted numbers, normalised and in the data's units, and the baseline that always
/// predicts their mean: over the training data where that is known.
struct ValueFigures: FigureKind {
  let columns: [String]
  /// Of each number in the data's units, and what the mean of training is as an output.
  private let deviations: [Double]
  private let means: [Double]?
  /// What 0 as an output is in the data's units.
  private let origins: [Double]
  /// The output that is the middle of a distribution.
  private let point: Int
  private let masksTargets: Bool

  /// - Parameter predicted: what is known of the numbers; nil where they are made up.
  init(_ predicted: PredictedNumbers?, task: TaskDescription, columns: [String]) {
    let count = predicted?.names.count ?? columns.count
    self.columns = predicted?.names ?? columns
    deviations = predicted?.outputDeviations ?? [Double](repeating: 1, count: count)
    means = predicted?.meanOutputs
    origins = predicted?.outputMeans ?? [Double](repeating: 0, count: count)
    point = TaskShape.middle(of: task.quantiles)
    masksTargets = task.masksTargets
  }

  /// What is summed by column: targets, their sum and that of their squares, sizes and squares of
  /// the errors, and of those of the mean of training.
  private enum Measure: Int, CaseIterable {
    case count, sum, squares, size, square, meanSize, meanSquare
  }

  private static let perColumn = Measure.allCases.count
  var sumCount: Int { Self.perColumn * columns.count }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    for place in columns.indices {
      let target = unsafe Double(targets[place])
      if masksTargets, target.isNaN { continue }
      let error = unsafe Double(scores[point * columns.count + place]) - target
      let own = unsafe sums + Self.perColumn * place
      unsafe own[0] += 1
      unsafe own[1] += target
      unsafe own[2] += target * target
      unsafe own[3] += abs(error)
      unsafe own[4] += error * error
      guard let means else { continue }
      let distance = means[place] - target
      unsafe own[5] += abs(distance)
      unsafe own[6] += distance * distance
    }
  }

  /// Gives the number that an output says, and the true one, in the data's units; not those that
  /// are missing.
  func forEachPair(of output: ScoredOutput, _ body: (Int, _ truth: Double, Double) -> Void) {
    for place in columns.indices {
      let target = unsafe Double(output.targets[place])
      if target.isNaN { continue }
      let score = unsafe Double(output.scores[point * columns.count + place])
      func own(_ value: Double) -> Double { value * deviations[place] + origins[place] }
      body(place, own(target), own(score))
    }
  }

  /// What is known of one column.
  private struct Column {
    var count, size, square, variance: Double?
    var meanSize, meanSquare: Double?

    init(_ own: [Double], hasMean: Bool) {
      count = own[Measure.count.rawValue]
      func mean(_ measure: Measure) -> Double? {
        Figures.ratio(own[measure.rawValue], own[Measure.count.rawValue])
      }
      (size, square) = (mean(.size), mean(.square))
      // What the rounding of sums leaves of numbers that do not vary is no variance.
      let sum = own[Measure.sum.rawValue]
      let squares = own[Measure.squares.rawValue] - sum * sum / max(1, count ?? 0)
      let varies = squares > 1e-12 * own[Measure.squares.rawValue]
      variance = varies ? Figures.ratio(squares, count ?? 0) : nil
      (meanSize, meanSquare) = hasMean ? (mean(.meanSize), mean(.meanSquare)) : (nil, variance)
    }

    /// The share of the variance that a mean squared error leaves explained.
    func explained(_ square: Double?) -> Double? {
      guard let square, let variance else { return nil }
      return 1 - square / variance
    }
  }

  func figures(of sums: [Double]) -> Figures {
    let all = columns.indices.map { place in
      Column(
        Array(sums[(Self.perColumn * place)...].prefix(Self.perColumn)), hasMean: means != nil)
    }
    var values = ["r2": Figures.mean(all.map { $0.explained($0.square) })]
    if masksTargets {
      // The loss is a mean of the outputs' means; these count each target once.
      let count = all.reduce(0) { $0 + ($1.count ?? 0) }
      func mean(_ measure: Measure) -> Double? {
        Figures.ratio(
          columns.indices.reduce(0) { $0 + sums[Self.perColumn * $1 + measure.rawValue] }, count)
      }
      (values["mse"], values["mae"]) = (mean(.square), mean(.size))
    }
    let baseline = Figures.Baseline(
      "mean",
      [
        "mse": Figures.mean(all.map(\.meanSquare)), "mae": Figures.mean(all.map(\.meanSize)),
        "r2": means == nil ? 0 : Figures.mean(all.map { $0.explained($0.meanSquare) }),
      ])
    return Figures(values: values, baselines: [baseline], tables: [table(all)])
  }

  private func table(_ all: [Column]) -> FigureTable {
    let isScaled = deviations.contains { $0 != 1 }
    return FigureTable(
      "columns",
      title: "numbers"
        + (isScaled ? ", in units of the data but for mse, which is normalised" : ""),
      columns: ["column", "count", "mae", "rmse"] + (isScaled ? ["mse"] : [])
        + ["r2"] + (means == nil ? [] : ["mae_of_mean"]) + ["rmse_of_mean"],
      rows: columns.indices.map { place in
        let (own, deviation) = (all[place], deviations[place])
        func size(_ value: Double?) -> FigureTable.Cell { .number(value.map { $0 * deviation }) }
        let root = size(own.square.map { $0.squareRoot() })
        return [.text(columns[place]), .count(Int(own.count ?? 0)), size(own.size), root]
          + (isScaled ? [.number(own.square)] : []) + [.number(own.explained(own.square))]
          + (means == nil ? [] : [size(own.meanSize)])
          + [size(own.meanSquare.map { $0.squareRoot() })]
      })
  }
}
