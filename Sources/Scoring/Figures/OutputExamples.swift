import GRUCore
import Records
import Synchronization

/// Some of the outputs that a model is measured by, beside what was to come out, for people to look
/// at: forecasts with their intervals, or predicted numbers.
///
/// They are of the first shard, which every number of ranks and threads has on the first worker of
/// rank 0, so that a run has the same examples on any of them.
final class OutputExamples: Sendable {
  private enum Kind: Sendable {
    case forecasts(ForecastFigures)
    case numbers(ValueFigures)
  }

  private struct Pair: Sendable {
    var truth: Double
    var predicted: Double
  }

  private struct State: Sendable {
    var forecasts: [OrderedJSON] = []
    /// By column, every so many of the outputs.
    var pairs: [[Pair]]
    var stride = 1
    var outputs = 0
  }

  private let kind: Kind
  /// Rows of the first shard, and batches.
  private let rows: Int
  private let batches: Int
  private let state: Mutex<State>

  /// Windows whose forecasts are kept, columns of each, and steps before a forecast.
  private static let mostWindows = 6
  private static let mostColumns = 4
  private static let mostSteps = 192
  /// Pairs of a column.
  private static let mostPairs = 400

  /// Nil for tasks that have no such examples.
  ///
  /// - Parameters:
  ///   - rows: of the first shard in each batch.
  init?(_ figures: any FigureKind, rows: Int, batches: Int) {
    var columns = 0
    if let forecasts = figures as? ForecastFigures {
      kind = .forecasts(forecasts)
    } else if let numbers = figures as? ValueFigures {
      kind = .numbers(numbers)
      columns = numbers.columns.count
    } else {
      return nil
    }
    self.rows = rows
    self.batches = batches
    state = Mutex(State(pairs: [[Pair]](repeating: [], count: columns)))
  }

  /// Looks at what the worker of the first shard has left of a batch.
  func add(_ worker: SequenceWorker, batch: Int, of subject: Scorer.Subject) {
    guard worker.sequences.lowerBound == 0 else { return }
    let width = worker.sequences.count
    for step in 0..<worker.outputSteps {
      for column in 0..<min(rows, width)
      where unsafe worker.targets[step * width + column] >= 0 {
        let output = ScoredOutput(
          worker: worker, batch: batch, subject: subject, step: step, column: column)
        switch kind {
        case .forecasts(let figures):
          guard isChosen(batch * rows + column) else { continue }
          let examples = figures.examples(of: output, mostColumns: Self.mostColumns)
          state.withLock { $0.forecasts += examples.map { $0.json(mostSteps: Self.mostSteps) } }
        case .numbers(let figures): note(output, figures)
        }
      }
    }
  }

  /// Whether a window is one of those that lie evenly among all.
  private func isChosen(_ number: Int) -> Bool {
    let last = rows * batches - 1
    let count = min(Self.mostWindows, last + 1)
    if count < 2 { return number == 0 }
    return (0..<count).contains { $0 * last / (count - 1) == number }
  }

  /// Keeps every output, then every second, fourth, ... one.
  private func note(_ output: ScoredOutput, _ figures: ValueFigures) {
    state.withLock { state in
      defer { state.outputs += 1 }
      guard state.outputs.isMultiple(of: state.stride) else { return }
      figures.forEachPair(of: output) { column, truth, predicted in
        state.pairs[column].append(Pair(truth: truth, predicted: predicted))
      }
      guard state.pairs.contains(where: { $0.count > Self.mostPairs }) else { return }
      state.stride *= 2
      for column in state.pairs.indices {
        let pairs = state.pairs[column]
        state.pairs[column] = stride(from: 0, to: pairs.count, by: 2).map { pairs[$0] }
      }
    }
  }

  /// What was kept, by name; nothing on ranks that do not have the first shard.
  var json: OrderedJSON {
    state.withLock { state in
      switch kind {
      case .forecasts: return ["forecasts": .array(state.forecasts)]
      case .numbers(let figures):
        let columns = zip(figures.columns, state.pairs).map { name, pairs -> OrderedJSON in
          [
            "column": .string(name), "truth": .array(pairs.map { .rounded($0.truth) }),
            "predicted": .array(pairs.map { .rounded($0.predicted) }),
          ]
        }
        return ["numbers": .array(columns)]
      }
    }
  }
}

/// A forecast of one column, the steps before it and those that came, in units of the data.
struct ForecastExample: Sendable {
  var column: String
  /// Not a number where the data have a gap.
  var past: [Double]
  var truth: [Double]
  var forecast: [Double]
  /// By level, widest last: where each interval begins and ends at each step.
  var bands: [(level: Double, low: [Double], high: [Double])]

  /// - Parameter mostSteps: of those before the forecast.
  func json(mostSteps: Int) -> OrderedJSON {
    func numbers(_ values: some Sequence<Double>) -> OrderedJSON {
      .array(values.map { .rounded($0) })
    }
    return [
      "column": .string(column), "past": numbers(past.suffix(mostSteps)), "truth": numbers(truth),
      "forecast": numbers(forecast),
      "bands": .array(
        bands.map { band in
          [
            "level": .rounded(band.level), "low": numbers(band.low), "high": numbers(band.high),
          ]
        }),
    ]
  }
}

extension ForecastFigures {
  /// What an output forecasts, a column after the other.
  func examples(of output: ScoredOutput, mostColumns: Int) -> [ForecastExample] {
    let scores = unsafe output.scores
    let values = perWindow * horizon
    guard let first = scores.baseAddress else { return [] }
    return (0..<min(perWindow, mostColumns)).compactMap { index in
      guard let scale = output.scale(ofTarget: index) else { return nil }
      func own(_ value: Double) -> Double { (value + scale.origin) * scale.deviation + scale.mean }
      let column = columns[scale.column]
      let places = (0..<horizon).map { $0 * perWindow + index }
      var example = ForecastExample(
        column: column.name,
        past: (0..<output.window).map { step in
          own(lastValue(output, column, from: step, by: output.window) ?? .nan)
        },
        truth: places.map { unsafe own(Double(output.targets[$0])) },
        forecast: places.map { unsafe own(Double(scores[point * values + $0])) }, bands: [])
      guard let intervals else { return example }
      let bounds = places.map { unsafe intervals.bounds(first + $0, stride: values) }
      example.bands = intervals.levels.enumerated().map { number, level in
        (level, bounds.map { own($0[number].low) }, bounds.map { own($0[number].high) })
      }
      return example
    }
  }
}

extension OrderedJSON {
  /// A number to six digits, as people look at it; null where it is none.
  fileprivate static func rounded(_ value: Double) -> OrderedJSON {
    guard value.isFinite, value != 0 else { return value == 0 ? .number(0) : .null }
    let exponent = value.magnitude.exponent10
    guard let scale = Double("1e\(5 - exponent)"), scale.isFinite, scale > 0 else {
      return .number(value)
    }
    return .number((value * scale).rounded() / scale)
  }
}

extension Double {
  /// The power of ten of the first digit.
  fileprivate var exponent10: Int {
    var (power, rest) = (0, self)
    while rest >= 10 { (power, rest) = (power + 1, rest / 10) }
    while rest < 1 { (power, rest) = (power - 1, rest * 10) }
    return power
  }
}
