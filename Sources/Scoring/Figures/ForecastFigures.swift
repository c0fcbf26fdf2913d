import Datasets

/// Errors of forecasts by column and by how far ahead they look, normalised and in the units of the
/// data, beside whoever repeats the last value, and whoever repeats that of a season before.
struct ForecastFigures: FigureKind {
  private struct Column {
    var name: String
    /// Among the values that go in.
    var place: Int
    var mean: Double
    var deviation: Double
    /// Mean size of the error of a naive forecast of the next step over the training data.
    var naiveError: Double?
  }

  private let columns: [Column]
  private let horizon: Int
  /// Steps of a season; nil where there is none.
  private let season: Int?

  /// Who forecasts: the model and the naive ones, in the order of the sums.
  private enum Forecaster: Int, CaseIterable {
    case model, lastValue, seasonalValue

    var name: String {
      switch self {
      case .model: "model"
      case .lastValue: "last_value"
      case .seasonalValue: "seasonal_value"
      }
    }
  }

  // By output and forecaster: size and square of the normalised error, and its share of what is
  // forecast (for sMAPE); before these the number of windows.
  private static let perForecaster = 3
  private static let perOutput = perForecaster * Forecaster.allCases.count
  var sumCount: Int { 1 + Self.perOutput * columns.count * horizon }

  /// Nil where the frame is not that of such a model.
  init?(_ frame: TaskFrame, outputs: Int) {
    let targets = frame.targets ?? []
    guard !targets.isEmpty, outputs.isMultiple(of: targets.count) else { return nil }
    var columns: [Column] = []
    for (index, name) in targets.enumerated() {
      guard let place = frame.columns.firstIndex(of: name) else { return nil }
      columns.append(
        Column(
          name: name, place: place, mean: frame.means?[place] ?? 0,
          deviation: frame.deviations?[place] ?? 1, naiveError: frame.naiveErrors?[index]))
    }
    self.columns = columns
    horizon = outputs / targets.count
    season = frame.season
  }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    let window = output.window
    let last = unsafe output.input(atStep: window - 1)
    let season = season.flatMap { $0 <= window ? $0 : nil }
    unsafe sums[0] += 1
    for ahead in 0..<horizon {
      let seasonal = unsafe season.map { unsafe output.input(atStep: window - $0 + ahead % $0) }
      for (index, column) in columns.enumerated() {
        let place = ahead * columns.count + index
        let own = unsafe sums + 1 + Self.perOutput * place
        let target = unsafe Double(targets[place])
        unsafe Self.add(Double(scores[place]), target, column, to: own)
        unsafe Self.add(Double(last[column.place]), target, column, to: own + Self.perForecaster)
        if let seasonal = unsafe seasonal {
          unsafe Self.add(
            Double(seasonal[column.place]), target, column, to: own + 2 * Self.perForecaster)
        }
      }
    }
  }

  @inline(__always) private static func add(
    _ forecast: Double, _ target: Double, _ column: Column, to sums: UnsafeMutablePointer<Double>
  ) {
    let error = forecast - target
    unsafe sums[0] += abs(error)
    unsafe sums[1] += error * error
    let size =
      abs(forecast * column.deviation + column.mean) + abs(target * column.deviation + column.mean)
    if size > 0 { unsafe sums[2] += 2 * abs(error) * column.deviation / size }
  }

  /// Means over windows, by forecaster, step and column.
  private struct Errors {
    let sums: [Double]
    let columns: Int

    /// Of some steps of some columns.
    func mean(
      _ measure: Int, _ forecaster: Forecaster, steps: Range<Int>, columns: Range<Int>
    ) -> Double? {
      var sum = 0.0
      for step in steps {
        for column in columns {
          let output = step * self.columns + column
          sum += sums[
            1 + perOutput * output + perForecaster * forecaster.rawValue + measure]
        }
      }
      return Figures.ratio(sum, sums[0] * Double(steps.count * columns.count))
    }
  }

  private var forecasters: [Forecaster] {
    season == nil ? [.model, .lastValue] : Forecaster.allCases
  }

  func figures(of sums: [Double]) -> Figures {
    let errors = Errors(sums: sums, columns: columns.count)
    func values(_ forecaster: Forecaster) -> [String: Double?] {
      let steps = 0..<horizon
      let all = columns.indices
      return [
        "mse": errors.mean(1, forecaster, steps: steps, columns: all),
        "mae": errors.mean(0, forecaster, steps: steps, columns: all),
        "mase": Figures.mean(all.map { scaledError(errors, forecaster, $0) }),
        "smape": errors.mean(2, forecaster, steps: steps, columns: all).map { 100 * $0 },
      ]
    }
    var figures = Figures(
      values: values(.model).filter { ["mase", "smape"].contains($0.key) },
      baselines: [Figures.Baseline("last_value", values(.lastValue))],
      tables: [columnTable(errors), stepTable(errors), errorTable(errors)])
    // A longer one reaches beyond what went in.
    if season != nil, errors.mean(0, .seasonalValue, steps: 0..<1, columns: columns.indices) != 0 {
      figures.baselines.append(Figures.Baseline("seasonal_value", values(.seasonalValue)))
    }
    return figures
  }

  /// The mean size of a column's errors in units of the data, over that of a naive forecast of the
  /// next step in training (Hyndman and Koehler, 2006).
  private func scaledError(_ errors: Errors, _ forecaster: Forecaster, _ column: Int) -> Double? {
    guard let naive = columns[column].naiveError, naive > 0,
      let size = errors.mean(0, forecaster, steps: 0..<horizon, columns: column..<column + 1)
    else { return nil }
    return size * columns[column].deviation / naive
  }

  private func columnTable(_ errors: Errors) -> FigureTable {
    let naive = forecasters.dropFirst()
    return FigureTable(
      "columns", title: "columns, in units of the data but for mse, which is normalised",
      columns: ["column", "mae", "rmse", "mse", "mase", "smape"]
        + naive.map { "mae_of_\($0.name)" },
      rows: columns.indices.map { index in
        let (column, own) = (columns[index], index..<index + 1)
        func mean(_ measure: Int, _ forecaster: Forecaster) -> Double? {
          errors.mean(measure, forecaster, steps: 0..<horizon, columns: own)
        }
        func size(_ forecaster: Forecaster) -> Double? {
          mean(0, forecaster).map { $0 * column.deviation }
        }
        return [
          .text(column.name), .number(size(.model)),
          .number(mean(1, .model).map { $0.squareRoot() * column.deviation }),
          .number(mean(1, .model)), .number(scaledError(errors, .model, index)),
          .number(mean(2, .model).map { 100 * $0 }),
        ] + naive.map { .number(size($0)) }
      })
  }

  private func stepTable(_ errors: Errors) -> FigureTable {
    FigureTable(
      "horizon", title: "steps ahead, normalised, all columns",
      columns: ["step"]
        + forecasters.flatMap { forecaster in
          ["mse", "mae"].map { forecaster == .model ? $0 : "\($0)_of_\(forecaster.name)" }
        },
      rows: (0..<horizon).map { step in
        [.count(step + 1)]
          + forecasters.flatMap { forecaster in
            [1, 0].map {
              .number(
                errors.mean($0, forecaster, steps: step..<step + 1, columns: columns.indices))
            }
          }
      })
  }

  /// By column, a number for each step ahead.
  private func errorTable(_ errors: Errors) -> FigureTable {
    var table = FigureTable(
      "errors", title: "errors by column and step ahead",
      columns: ["column", "mae", "rmse", "normalized_mae", "normalized_mse"],
      rows: columns.indices.map { index in
        func steps(_ measure: Int) -> [Double?] {
          (0..<horizon).map { step in
            errors.mean(measure, .model, steps: step..<step + 1, columns: index..<index + 1)
          }
        }
        let deviation = columns[index].deviation
        let (sizes, squares) = (steps(0), steps(1))
        return [
          .text(columns[index].name), .numbers(sizes.map { $0.map { $0 * deviation } }),
          .numbers(squares.map { $0.map { $0.squareRoot() * deviation } }), .numbers(sizes),
          .numbers(squares),
        ]
      })
    table.isForPrograms = true
    return table
  }
}
