import Records

/// Sequences of real vectors or of tokens as a model reads them, one after another in memory, with
/// the label of each where there are labels.
package struct SequenceSet: Sendable {
  /// Names of the F columns, as errors and checkpoints call them.
  package var columns: [String]
  /// Steps of all sequences, [steps, F].
  package var values: [Float] = []
  /// The token of each step; empty where steps are real vectors.
  package var tokens: [Int32] = []
  /// First step of each sequence, and after the last one the number of all steps.
  package var starts = [0]
  /// One for each sequence, or none at all.
  package var labels: [String] = []

  package init(columns: [String]) { self.columns = columns }

  package var count: Int { starts.count - 1 }
  package var features: Int { columns.count }

  /// Bytes of memory that the numbers take.
  var memoryBytes: Int {
    values.count * MemoryLayout<Float>.stride + tokens.count * MemoryLayout<Int32>.stride
      + starts.count * MemoryLayout<Int>.stride
  }

  package func length(_ sequence: Int) -> Int { starts[sequence + 1] - starts[sequence] }

  /// Ends the sequence whose values were appended last.
  package mutating func endSequence() { starts.append(values.count / max(1, features)) }

  /// The place of each name; of the first where there are several.
  static func places(of names: [String]) -> [String: Int] {
    Dictionary(zip(names, names.indices)) { first, _ in first }
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
