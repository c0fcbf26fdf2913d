import Records

/// Sequences of real vectors, one after another in memory, with the label of each where there are
/// labels.
package struct SequenceSet: Sendable {
  /// Names of the F columns, as errors and checkpoints call them.
  package var columns: [String]
  /// Names of columns that are in the file and are not read.
  package var leftOut: [String] = []
  /// Steps of all sequences, [steps, F].
  package var values: [Float] = []
  /// First step of each sequence, and after the last one the number of all steps.
  package var starts = [0]
  /// One for each sequence, or none at all.
  package var labels: [String] = []

  package init(columns: [String]) { self.columns = columns }

  /// What is left out, for people; empty where nothing is.
  var leftOutWords: String {
    leftOut.isEmpty
      ? ""
      : "; \(Format.count(leftOut.count, "column")) left out: \(DataFileError.list(leftOut))"
  }

  package var count: Int { starts.count - 1 }
  package var features: Int { columns.count }

  /// Bytes of memory that the numbers take.
  var memoryBytes: Int {
    values.count * MemoryLayout<Float>.stride + starts.count * MemoryLayout<Int>.stride
  }

  package func length(_ sequence: Int) -> Int { starts[sequence + 1] - starts[sequence] }

  /// Ends the sequence whose values were appended last.
  package mutating func endSequence() { starts.append(values.count / max(1, features)) }

  /// Mean and standard deviation of each column over some steps of some sequences; a column that
  /// does not vary has a deviation of 1.
  func statistics(of parts: [Range<Int>]) -> (means: [Double], deviations: [Double]) {
    let steps = Double(max(1, parts.reduce(0) { $0 + $1.count }))
    var means = [Double](repeating: 0, count: features)
    var squares = means
    for part in parts {
      for step in part { for j in 0..<features { means[j] += Double(values[step * features + j]) } }
    }
    for j in 0..<features { means[j] /= steps }
    for part in parts {
      for step in part {
        for j in 0..<features {
          let distance = Double(values[step * features + j]) - means[j]
          squares[j] += distance * distance
        }
      }
    }
    return (means, squares.map { $0 > 0 ? ($0 / steps).squareRoot() : 1 })
  }

  /// Moves and scales every column.
  mutating func normalize(means: [Double], deviations: [Double]) {
    for index in values.indices {
      let j = index % features
      values[index] = Float((Double(values[index]) - means[j]) / deviations[j])
    }
  }

  /// The place of each name; of the first where there are several.
  static func places(of names: [String]) -> [String: Int] {
    Dictionary(zip(names, names.indices)) { first, _ in first }
  }

  /// These columns only, in this order.
  func selecting(_ names: [String], path: String, key: String) throws -> SequenceSet {
    if names == columns { return self }
    let known = Self.places(of: columns)
    let places = try names.map { name in
      guard let place = known[name] else {
        throw DataFileError(
          path: path, place: nil, problem: "there is no column \"\(name)\", which \(key) names",
          hint: "the columns are \(DataFileError.list(columns))")
      }
      return place
    }
    var result = self
    result.columns = names
    result.values = []
    result.values.reserveCapacity(starts[count] * names.count)
    for step in 0..<starts[count] {
      for place in places { result.values.append(values[step * features + place]) }
    }
    return result
  }
}

/// Data that cannot be used: which file, where in it, why, and how to mend it.
package struct DataFileError: Error, CustomStringConvertible {
  package var path: String
  /// "line 12", "row 3, column \"x\"".
  package var place: String?
  package var problem: String
  package var hint: String?

  package init(path: String, place: String?, problem: String, hint: String? = nil) {
    self.path = path
    self.place = place
    self.problem = problem
    self.hint = hint
  }

  package var description: String {
    "data '\(path)'" + (place.map { ", \($0)" } ?? "") + ": \(problem)"
      + (hint.map { "; \($0)" } ?? "")
  }

  /// Names, quoted, the first few of them.
  package static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > 12 ? shown + ", ..." : shown
  }
}
