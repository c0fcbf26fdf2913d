import Tasks

/// Figures of forecasts, and beside them those of each origin that they were made at: all windows
/// that end at the same step of their series, or the same number of steps after the start of what
/// is measured on.
struct BacktestFigures: FigureKind {
  private let forecasts: ForecastFigures
  /// The steps of a series before each origin; nil where that depends on the series.
  private let origins: [Int]?
  private let count: Int

  /// Targets, sizes and squares of errors of each forecaster.
  private static let perForecaster = 3
  private static let perOrigin = perForecaster * ForecastFigures.Forecaster.allCases.count

  init(_ forecasts: ForecastFigures, count: Int, origins: [Int]?) {
    self.forecasts = forecasts
    self.count = count
    self.origins = origins
  }

  var sumCount: Int { forecasts.sumCount + Self.perOrigin * count }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    unsafe forecasts.add(output, to: sums)
    guard let origin = output.origin else { return }
    let own = unsafe sums + forecasts.sumCount + Self.perOrigin * origin
    forecasts.forEachForecast(of: output) { forecaster, error in
      let place = unsafe own + Self.perForecaster * forecaster.rawValue
      unsafe place[0] += 1
      unsafe place[1] += abs(error)
      unsafe place[2] += error * error
    }
  }

  func figures(of sums: [Double]) -> Figures {
    var figures = forecasts.figures(of: Array(sums.prefix(forecasts.sumCount)))
    let forecasters = forecasts.forecasters
    func mean(_ origin: Int, _ forecaster: ForecastFigures.Forecaster, _ measure: Int) -> Double? {
      let place =
        forecasts.sumCount + Self.perOrigin * origin + Self.perForecaster * forecaster.rawValue
      return Figures.ratio(sums[place + measure], sums[place])
    }
    let measured = (0..<count).filter { mean($0, .model, 1) != nil }
    let better = forecasters.dropFirst().map { naive in
      let wins = measured.count { origin in
        guard let own = mean(origin, .model, 1), let other = mean(origin, naive, 1) else {
          return false
        }
        return own < other
      }
      return "by mae better than \(naive.name) at \(wins) of \(measured.count)"
    }
    let table = FigureTable(
      "origins", title: "origins, normalised; " + better.joined(separator: ", "),
      columns: ["origin"] + (origins == nil ? [] : ["after_row"]) + ["targets"]
        + forecasters.flatMap { forecaster in
          ["mse", "mae"].map { forecaster == .model ? $0 : "\($0)_of_\(forecaster.name)" }
        },
      rows: measured.map { origin in
        let targets = sums[forecasts.sumCount + Self.perOrigin * origin]
        return [.count(origin + 1)] + (origins.map { [.count($0[origin])] } ?? [])
          + [.count(Int(targets))]
          + forecasters.flatMap { forecaster in
            [2, 1].map { .number(mean(origin, forecaster, $0)) }
          }
      })
    figures.tables.append(table)
    return figures
  }
}
