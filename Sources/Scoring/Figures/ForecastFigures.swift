import Datasets
import Tasks

/// Errors of forecasts by column and by steps ahead, normalised and in the units of the data, and
/// those of the baselines that repeat the last value, or the value a season before. Of a
/// distribution its middle is measured as the forecast, and of quantiles their coverage too.
/// Missing targets do not count.
struct ForecastFigures: FigureKind {
  struct Column {
    var name: String
    /// Among the values that go in, and what says there that it is missing.
    var place: Int
    var gap: Int?
    /// Mean size of the error of a naive forecast of the next step over the training data.
    var naiveError: Double?
  }

  let columns: [Column]
  let horizon: Int
  /// Columns of one window, and whether each is a series of its own.
  let perWindow: Int
  /// Outputs of a forecast, and the one that is its middle.
  let point: Int
  private let levels: [Double]
  /// What forecasts of distributions and quantiles are measured by too.
  let intervals: ForecastIntervals?
  /// Steps of a season; nil where there is none.
  private let season: Int?
  /// Whether targets may be missing: means over windows and over targets are not the same then.
  private let masksTargets: Bool

  /// The model and the baselines, in the order of the sums.
  enum Forecaster: Int, CaseIterable {
    case model, lastValue, seasonalValue

    var name: String {
      switch self {
      case .model: "model"
      case .lastValue: "last_value"
      case .seasonalValue: "seasonal_value"
      }
    }
  }

  /// What is summed by output and forecaster: how many, size and square of the normalised error,
  /// its share of what is forecast (for sMAPE), the pinball loss, and both errors in the data's
  /// units.
  private enum Measure: Int, CaseIterable {
    case count, size, square, share, pinball, ownSize, ownSquare
  }

  private static let perForecaster = Measure.allCases.count
  private static let perOutput = perForecaster * Forecaster.allCases.count

  /// After these, how many targets lie at or below each level, and its pinball loss.
  private var levelSums: Int { Self.perOutput * columns.count * horizon }
  private var intervalSums: Int { levelSums + 2 * levels.count }
  var sumCount: Int { intervalSums + (intervals?.sumCount ?? 0) }

  /// Nil where the frame is not that of such a model.
  ///
  /// - Parameter asked: levels of intervals, of distributions.
  init?(
    _ frame: TaskFrame, task: TaskDescription, outputs: Int,
    intervals asked: [Double] = ForecastIntervals.usual
  ) {
    let targets = frame.targets ?? []
    let isEach = frame.form == .columns
    let shown = (isEach ? 1 : targets.count) * task.outputsPerTarget
    guard !targets.isEmpty, outputs.isMultiple(of: shown) else { return nil }
    var columns: [Column] = []
    for (index, name) in targets.enumerated() {
      guard let place = frame.columns.firstIndex(of: name) else { return nil }
      let gap = isEach ? frame.masked.map { _ in 0 } : frame.masked?.firstIndex(of: name)
      let width =
        isEach ? 1 + (frame.known ?? []).count + (frame.statics ?? []).count : frame.columns.count
      columns.append(
        Column(
          name: name, place: isEach ? 0 : place, gap: gap.map { width + $0 },
          naiveError: frame.naiveErrors?[index]))
    }
    self.columns = columns
    perWindow = isEach ? 1 : targets.count
    horizon = outputs / shown
    levels = task.quantiles
    point = TaskShape.middle(of: levels)
    season = frame.season
    masksTargets = task.masksTargets
    intervals = ForecastIntervals(task, levels: asked)
  }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    let values = perWindow * horizon
    for index in 0..<perWindow {
      guard let scale = output.scale(ofTarget: index) else { continue }
      let column = columns[scale.column]
      for ahead in 0..<horizon {
        let place = ahead * perWindow + index
        let target = unsafe Double(targets[place])
        if target.isNaN { continue }
        let own = unsafe sums + Self.perOutput * (ahead * columns.count + scale.column)
        func add(_ forecaster: Forecaster, _ forecast: Double) {
          let sums = unsafe own + Self.perForecaster * forecaster.rawValue
          unsafe self.add(
            forecast, target, (scale.mean, scale.deviation, scale.origin), to: sums)
        }
        unsafe add(.model, Double(scores[point * values + place]))
        for (number, level) in levels.enumerated() {
          let score = unsafe Double(scores[number * values + place])
          let rest = target - score
          unsafe sums[levelSums + 2 * number] += rest <= 0 ? 1 : 0
          let loss = max(level * rest, (level - 1) * rest)
          unsafe sums[levelSums + 2 * number + 1] += loss
          // The model's is that of its own levels, and not of its middle at all of them.
          let middle = unsafe target - Double(scores[point * values + place])
          let wrong = max(level * middle, (level - 1) * middle)
          unsafe own[Measure.pinball.rawValue] += (loss - wrong) / Double(levels.count)
        }
        if let intervals, let first = scores.baseAddress {
          unsafe intervals.add(
            first + place, stride: values, target, to: sums + intervalSums)
        }
        forEachNaive(output, column, ahead, add)
      }
    }
  }

  /// Gives what the naive forecasters say of a step ahead.
  @inline(__always) private func forEachNaive(
    _ output: ScoredOutput, _ column: Column, _ ahead: Int, _ body: (Forecaster, Double) -> Void
  ) {
    // A window with nothing but gaps leaves the mean: every forecaster has all targets.
    let last = lastValue(output, column, from: output.window - 1, by: 1) ?? 0
    body(.lastValue, last)
    if let season, season <= output.window {
      let first = output.window - season + ahead % season
      body(.seasonalValue, lastValue(output, column, from: first, by: season) ?? last)
    }
  }

  /// Gives the normalised error of each forecaster for each target of an output that is there.
  func forEachForecast(of output: ScoredOutput, _ body: (Forecaster, Double) -> Void) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    let values = perWindow * horizon
    for index in 0..<perWindow {
      guard let scale = output.scale(ofTarget: index) else { continue }
      for ahead in 0..<horizon {
        let place = ahead * perWindow + index
        let target = unsafe Double(targets[place])
        if target.isNaN { continue }
        body(.model, unsafe Double(scores[point * values + place]) - target)
        forEachNaive(output, columns[scale.column], ahead) { body($0, $1 - target) }
      }
    }
  }

  /// The value of a column at a step of the window, or the first before it that is there.
  func lastValue(
    _ output: ScoredOutput, _ column: Column, from step: Int, by lag: Int
  ) -> Double? {
    var step = step
    while step >= 0 {
      let input = unsafe output.input(atStep: step)
      guard let gap = column.gap, unsafe input[gap] != 0 else {
        return unsafe Double(input[column.place])
      }
      step -= lag
    }
    return nil
  }

  @inline(__always) private func add(
    _ forecast: Double, _ target: Double,
    _ scale: (mean: Double, deviation: Double, origin: Double),
    to sums: UnsafeMutablePointer<Double>
  ) {
    let error = forecast - target
    func own(_ value: Double) -> Double {
      abs((value + scale.origin) * scale.deviation + scale.mean)
    }
    let ownError = error * scale.deviation
    unsafe sums[Measure.count.rawValue] += 1
    unsafe sums[Measure.size.rawValue] += abs(error)
    unsafe sums[Measure.square.rawValue] += error * error
    let size = own(forecast) + own(target)
    if size > 0 { unsafe sums[Measure.share.rawValue] += 2 * abs(ownError) / size }
    for level in levels {
      unsafe sums[Measure.pinball.rawValue] +=
        max(-level * error, (1 - level) * error) / Double(levels.count)
    }
    unsafe sums[Measure.ownSize.rawValue] += abs(ownError)
    unsafe sums[Measure.ownSquare.rawValue] += ownError * ownError
  }

  /// Means over targets, by forecaster, step and column.
  private struct Errors {
    let sums: [Double]
    let columns: Int

    /// Of some steps of some columns.
    func mean(
      _ measure: Measure, _ forecaster: Forecaster, steps: Range<Int>, columns: Range<Int>
    ) -> Double? {
      var (sum, count) = (0.0, 0.0)
      for step in steps {
        for column in columns {
          let first =
            perOutput * (step * self.columns + column)
            + perForecaster * forecaster.rawValue
          sum += sums[first + measure.rawValue]
          count += sums[first + Measure.count.rawValue]
        }
      }
      return Figures.ratio(sum, count)
    }
  }

  var forecasters: [Forecaster] {
    season == nil ? [.model, .lastValue] : Forecaster.allCases
  }

  func figures(of sums: [Double]) -> Figures {
    let errors = Errors(sums: sums, columns: columns.count)
    let count = (0..<columns.count * horizon).reduce(0) { $0 + sums[Self.perOutput * $1] }
    let own = sums[intervalSums...]
    func values(_ forecaster: Forecaster) -> [String: Double?] {
      // That of a point is the size of its error.
      let crps =
        forecaster == .model
        ? intervals?.score(of: own, count: count)
        : errors.mean(.size, forecaster, steps: 0..<horizon, columns: columns.indices)
      let steps = 0..<horizon
      let all = columns.indices
      return [
        "crps": intervals?.hasScore == true ? crps : nil,
        "mse": errors.mean(.square, forecaster, steps: steps, columns: all),
        "mae": errors.mean(.size, forecaster, steps: steps, columns: all),
        "pinball":
          levels.isEmpty ? nil : errors.mean(.pinball, forecaster, steps: steps, columns: all),
        "mase": Figures.mean(all.map { scaledError(errors, forecaster, $0) }),
        "smape": errors.mean(.share, forecaster, steps: steps, columns: all).map { 100 * $0 },
      ]
    }
    var figures = Figures(
      // With masks the loss is a mean of windows' means; these count each target once.
      values: values(.model).filter { masksTargets || ["crps", "mase", "smape"].contains($0.key) },
      baselines: [Figures.Baseline("last_value", values(.lastValue))],
      tables: [columnTable(errors), stepTable(errors)] + levelTable(sums, count)
        + (intervals.map { [$0.table(of: own, count: count)] } ?? []) + [errorTable(errors)])
    // A longer one reaches beyond what went in.
    if season != nil,
      errors.mean(.size, .seasonalValue, steps: 0..<horizon, columns: columns.indices) != nil
    {
      figures.baselines.append(Figures.Baseline("seasonal_value", values(.seasonalValue)))
    }
    return figures
  }

  /// The mean size of a column's errors in units of the data, over that of a naive forecast of the
  /// next step in training (Hyndman and Koehler, 2006).
  private func scaledError(_ errors: Errors, _ forecaster: Forecaster, _ column: Int) -> Double? {
    guard let naive = columns[column].naiveError, naive > 0,
      let size = errors.mean(.ownSize, forecaster, steps: 0..<horizon, columns: column..<column + 1)
    else { return nil }
    return size / naive
  }

  private func columnTable(_ errors: Errors) -> FigureTable {
    let naive = forecasters.dropFirst()
    return FigureTable(
      "columns", title: "columns, in units of the data but for mse, which is normalised",
      columns: ["column", "mae", "rmse", "mse", "mase", "smape"]
        + naive.map { "mae_of_\($0.name)" },
      rows: columns.indices.map { index in
        func mean(_ measure: Measure, _ forecaster: Forecaster) -> Double? {
          errors.mean(measure, forecaster, steps: 0..<horizon, columns: index..<index + 1)
        }
        return [
          .text(columns[index].name), .number(mean(.ownSize, .model)),
          .number(mean(.ownSquare, .model).map { $0.squareRoot() }),
          .number(mean(.square, .model)), .number(scaledError(errors, .model, index)),
          .number(mean(.share, .model).map { 100 * $0 }),
        ] + naive.map { .number(mean(.ownSize, $0)) }
      })
  }

  /// The coverage of each quantile.
  private func levelTable(_ sums: [Double], _ count: Double) -> [FigureTable] {
    if levels.isEmpty { return [] }
    return [
      FigureTable(
        "quantiles", title: "quantiles: coverage is the share of targets at or below each",
        columns: ["quantile", "coverage", "pinball"],
        rows: levels.enumerated().map { number, level in
          [
            .number(level), .number(Figures.ratio(sums[levelSums + 2 * number], count)),
            .number(Figures.ratio(sums[levelSums + 2 * number + 1], count)),
          ]
        })
    ]
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
            [Measure.square, .size].map {
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
        func steps(_ measure: Measure) -> [Double?] {
          (0..<horizon).map { step in
            errors.mean(measure, .model, steps: step..<step + 1, columns: index..<index + 1)
          }
        }
        return [
          .text(columns[index].name), .numbers(steps(.ownSize)),
          .numbers(steps(.ownSquare).map { $0.map { $0.squareRoot() } }), .numbers(steps(.size)),
          .numbers(steps(.square)),
        ]
      })
    table.isForPrograms = true
    return table
  }
}
