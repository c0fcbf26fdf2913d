package import Batches
package import NumericContract

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
  package var numbers: NumberBlocks
  /// First step of each sequence, and after the last one the number of all steps.
  package var starts = [0]
  /// One for each sequence, or none at all.
  package var labels: [String] = []
  /// A label of each step, and numbers to predict, where there are such.
  package var stepLabels: StepLabels?
  package var targets: TargetTable?
  /// The line where each sequence begins; empty where a file has no lines.
  package var lines: [Int] = []
  /// What the sequences are called, where a column says.
  package var names: [String] = []
  /// Tells the content of a file of labels beside it from others'.
  package var otherFingerprint: String?
  /// Columns of dates and times.
  package var times: [TimeColumn] = []
  /// Columns of categories.
  package var categories: CategoryTable?
  /// Where it stands in its file, where it is a part of one.
  package var part = TablePart()

  package init(columns: [String]) {
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
  package mutating func endSequence() { starts.append(numbers.rows) }

  /// Where these columns stand.
  package func places(of names: [String], path: String, key: String) throws -> [Int] {
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

/// Mean and deviation of columns, by which a model reads them.
package struct ColumnScales: Sendable, Equatable {
  package var means: [Double]
  package var deviations: [Double]

  /// Over some steps of some sequences, in two passes; a column that does not vary has a deviation
  /// of 1, and missing numbers (NaN) do not count. How the sums are formed depends on the version
  /// of the contract.
  package init(
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
