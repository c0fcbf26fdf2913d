package import Batches
import NumericContract
import Records
package import Tasks

/// Sequences as a file has them: the numbers in double precision, and the label of each sequence
/// where there are labels.
package struct SequenceTable: Sendable {
  /// Names of the F columns, as errors and checkpoints call them.
  package var columns: [String]
  /// Names of columns that are in the file and are not read.
  package var leftOut: [String] = []
  /// How the file is written, in words: "separated by commas"; nil where there is but one way.
  package var form: String?
  /// What a person is to know of how the file was read, a line each.
  package var remarks: [String] = []
  /// The columns that tell sequences apart and their classes, where the file has such.
  package var sequenceColumn: String?
  package var labelColumn: String?
  /// Of all sequences, a row for each step.
  var numbers: NumberBlocks
  /// First step of each sequence, and after the last one the number of all steps.
  package var starts = [0]
  /// One for each sequence, or none at all.
  package var labels: [String] = []
  /// A label of each step, and numbers to predict, where there are such.
  var stepLabels: StepLabels?
  var targets: TargetTable?
  /// The line where each sequence begins; empty where a file has no lines.
  var lines: [Int] = []
  /// What the sequences are called, where a column says.
  var names: [String] = []
  /// Tells the content of a file of labels beside it from others'.
  var otherFingerprint: String?
  /// Columns of dates and times.
  var times: [TimeColumn] = []
  /// Where it stands in its file, where it is a part of one.
  package var part = TablePart()

  init(columns: [String]) {
    self.columns = columns
    numbers = NumberBlocks(width: columns.count)
  }

  package var count: Int { starts.count - 1 }
  package var features: Int { columns.count }

  /// What the sequences are called; by their number where nothing says.
  package var sequenceNames: [String] {
    names.count == count ? names : (0..<count).map { "\(part.sequencesBefore + $0 + 1)" }
  }

  /// All numbers, [steps, F].
  package var values: [Double] {
    var values: [Double] = []
    numbers.forEach(in: 0..<starts[count], Array(columns.indices)) { values.append($1) }
    return values
  }

  /// Ends the sequence whose numbers were appended last.
  mutating func endSequence() { starts.append(numbers.rows) }

  /// Where these columns stand.
  func places(of names: [String], path: String, key: String) throws -> [Int] {
    if names == columns { return Array(columns.indices) }
    let known = SequenceSet.places(of: columns)
    return try names.map { name in
      guard let place = known[name] else {
        throw DataFileError(
          path: path, place: nil, problem: "there is no column \"\(name)\", which \(key) names",
          hint: "the columns are \(DataFileError.list(columns))")
      }
      return place
    }
  }
}

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
    let fills = frame.fills ?? means
    var set = SequenceSet(columns: frame.columns)
    set.starts = HostArray(starts)
    set.labels = labels
    set.lines = lines
    set.stepLabels = stepLabels
    set.targets = try targets?.taken(by: frame, path: path)
    set.masked = frame.places(of: frame.masked)
    set.calendarWidth = calendar.count * CalendarTime.inputs
    set.calendar = HostArray(TimeColumn.inputs(of: calendar))
    set.columnUnits = SeriesUnits(names: frame.columns, means: means, deviations: deviations)
    set.units = units(by: frame, places)
    set.values.reserveCapacity(numbers.rows * places.count)
    let isMasked = missing == .mask
    let width = numbers.width
    var last = fills
    var (row, sequence) = (0, 0)
    var (centres, widths) = (means, deviations)
    func begin() {
      guard !set.units.isEmpty else { return }
      (centres, widths) = (set.units[sequence].means, set.units[sequence].deviations)
    }
    begin()
    numbers.removeAll { block in
      for first in stride(from: 0, to: block.count, by: width) {
        if row == set.starts[sequence + 1] {
          sequence += 1
          last = fills
          begin()
        }
        row += 1
        for (column, place) in places.enumerated() {
          var number = block[first + place]
          if number.isNaN {
            if isMasked { set.hasGaps = true } else { number = last[column] }
          } else if missing == .forward {
            last[column] = number
          }
          set.values.append(Float((number - centres[column]) / widths[column]))
        }
      }
    }
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

/// Mean and deviation of columns, by which a model reads them.
struct ColumnScales: Sendable, Equatable {
  var means: [Double]
  var deviations: [Double]

  /// Over some steps of some sequences, in two passes; a column that does not vary has a deviation
  /// of 1, and missing numbers (NaN) do not count. How the sums are formed depends on the version
  /// of the contract.
  init(
    of numbers: NumberBlocks, parts: [Range<Int>], places: [Int], contract: ContractVersion
  ) {
    // Distances from a number of the column itself are small where the numbers are not, so that
    // an offset, however large, costs no digits.
    let origins =
      contract >= .two
      ? numbers.first(in: parts, places).map { $0 ?? 0 }
      : [Double](repeating: 0, count: places.count)
    var sums = [Double](repeating: 0, count: places.count)
    var counts = sums
    for part in parts {
      numbers.forEach(in: part, places) { column, number in
        if number.isNaN { return }
        sums[column] += number - origins[column]
        counts[column] += 1
      }
    }
    let steps = counts.map { max(1, $0) }
    let centres = zip(sums, steps).map { $0 / $1 }
    var squares = [Double](repeating: 0, count: places.count)
    var rests = squares
    for part in parts {
      numbers.forEach(in: part, places) { column, number in
        if number.isNaN { return }
        let distance = (number - origins[column]) - centres[column]
        rests[column] += distance
        squares[column] += distance * distance
      }
    }
    means = zip(origins, centres).map { $0 + $1 }
    if contract >= .two {
      // Without what the rounding of the centre adds.
      for column in squares.indices {
        squares[column] -= rests[column] * rests[column] / steps[column]
      }
    }
    deviations = zip(squares, steps).map { $0 > 0 ? ($0 / $1).squareRoot() : 1 }
  }
}
