package import Batches
import NumericContract
import Records
package import Tables
package import Tasks

extension SequenceTable {
  /// The sequences as a model of this frame reads them: filled in where numbers are missing, moved
  /// and scaled in double precision, and then rounded. The numbers leave the table as they are
  /// taken, so that memory never holds all of them twice.
  package mutating func taken(
    by frame: TaskFrame, missing: MissingPolicy = .error, path: String
  ) throws -> SequenceSet {
    let places = try places(of: frame.columns, path: path, key: "data.columns")
    try requireOneNumber(frame.statics ?? [], path: path)
    let calendar = try (frame.calendar ?? []).map { name in
      guard let column = times.first(where: { $0.name == name }) else {
        throw DataFileError(
          path: path, place: nil, problem: "there is no column \"\(name)\" of dates and times")
      }
      return column
    }
    let means = frame.means ?? [Double](repeating: 0, count: places.count)
    let deviations = frame.deviations ?? [Double](repeating: 1, count: places.count)
    var set = SequenceSet(columns: frame.columns)
    set.starts = HostArray(starts)
    set.labels = labels
    set.lines = lines
    set.stepLabels = stepLabels
    set.targets = try targets?.taken(by: frame, path: path)
    if let known = frame.categories, let categories {
      set.categories = HostArray(known.rows(of: categories))
      set.categoryCount = known.columns.count
    }
    set.masked = frame.places(of: frame.masked)
    set.calendarWidth = calendar.count * CalendarTime.inputs
    set.calendar = HostArray(TimeColumn.inputs(of: calendar))
    set.columnUnits = SeriesUnits(names: frame.columns, means: means, deviations: deviations)
    set.units = units(by: frame, places)
    var reader = NumberReader(
      set, places, width: numbers.width, missing: missing, fills: frame.fills ?? means)
    reader.reserve(numbers.rows)
    numbers.removeAll { reader.take($0) }
    (set.values, set.hasGaps) = (HostArray(reader.values), reader.hasGaps)
    return set
  }

  /// The scale of each sequence's columns, where series have scales of their own: that which the
  /// model has learnt, and of a series that it does not know that of all its numbers.
  private func units(by frame: TaskFrame, _ places: [Int]) -> [SeriesUnits] {
    guard let known = frame.series, let means = frame.seriesMeans,
      let deviations = frame.seriesDeviations
    else { return [] }
    let numbers = Dictionary(zip(known, known.indices)) { first, _ in first }
    let shared = Set(frame.statics ?? [])
    return sequenceNames.enumerated().map { sequence, name in
      if let number = numbers[name] {
        let range = number * places.count..<(number + 1) * places.count
        return SeriesUnits(
          names: frame.columns, means: Array(means[range]), deviations: Array(deviations[range]))
      }
      let own = ColumnScales(
        of: self.numbers, parts: [starts[sequence]..<starts[sequence + 1]], places: places,
        contract: .newest)
      var units = SeriesUnits(
        names: frame.columns, means: own.means, deviations: own.deviations)
      for (index, column) in frame.columns.enumerated() where shared.contains(column) {
        units.means[index] = frame.means?[index] ?? 0
        units.deviations[index] = frame.deviations?[index] ?? 1
      }
      return units
    }
  }
}

/// Makes numbers of a table what a model reads, block by block.
private struct NumberReader {
  private(set) var values: [Float] = []
  /// Whether some are missing and stay so.
  private(set) var hasGaps = false
  private let places: [Int]
  private let width: Int
  private let missing: MissingPolicy
  private let fills: [Double]
  /// First step of each sequence.
  private let starts: [Int]
  /// The scale of each sequence's columns; none where all have the same.
  private let units: [SeriesUnits]
  /// The step that comes, and its sequence.
  private var row = 0
  private var sequence = 0
  /// What stands for a missing number of each column, and the scales.
  private var last: [Double]
  private var means: [Double]
  private var deviations: [Double]

  /// - Parameter set: knows its sequences and scales.
  init(
    _ set: SequenceSet, _ places: [Int], width: Int, missing: MissingPolicy, fills: [Double]
  ) {
    (self.places, self.width, self.missing, self.fills) = (places, width, missing, fills)
    (starts, units) = (set.starts.array, set.units)
    last = fills
    means = set.columnUnits?.means ?? []
    deviations = set.columnUnits?.deviations ?? []
    begin()
  }

  mutating func reserve(_ rows: Int) {
    values.reserveCapacity(rows * places.count)
    LargePages.advise(for: &values)
  }

  /// Begins the sequence under way.
  private mutating func begin() {
    last = fills
    guard !units.isEmpty else { return }
    (means, deviations) = (units[sequence].means, units[sequence].deviations)
  }

  mutating func take(_ block: [Double]) {
    let isMasked = missing == .mask
    for first in stride(from: 0, to: block.count, by: width) {
      if row == starts[sequence + 1] {
        sequence += 1
        begin()
      }
      row += 1
      for column in places.indices {
        var number = block[first + places[column]]
        if number.isNaN {
          if isMasked { hasGaps = true } else { number = last[column] }
        } else if missing == .forward {
          last[column] = number
        }
        values.append(Float((number - means[column]) / deviations[column]))
      }
    }
  }
}

extension TaskFrame {
  /// Names the series that have no scale of their own; nil where there are none.
  func remark(onSeriesOf table: SequenceTable) -> String? {
    guard let series else { return nil }
    let known = Set(series)
    let others = table.sequenceNames.filter { !known.contains($0) }
    guard let first = others.first else { return nil }
    return "series that training has not, which are scaled by all of their numbers: "
      + "\(Format.grouped(others.count)), first \"\(first)\""
  }
}
