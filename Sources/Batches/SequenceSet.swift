/// Sequences of real vectors or of tokens as a model reads them, one after another in memory, with
/// the label of each where there are labels.
package struct SequenceSet: Sendable, Codable {
  /// Names of the F columns, as errors and checkpoints call them.
  package var columns: [String]
  /// Steps of all sequences, [steps, F]; a number that is missing and not filled in is NaN.
  package var values: HostArray<Float> = []
  /// The token of each step; empty where steps are real vectors.
  package var tokens: HostArray<Int32> = []
  /// The categories of each step, [steps, K], as rows of the embedding.
  package var categories: HostArray<Int32> = []
  package var categoryCount = 0
  /// Columns whose gaps an input of its own says.
  package var masked: [Int] = []
  /// Whether some numbers are missing.
  package var hasGaps = false
  /// What dates and times are as inputs, [steps, C].
  package var calendar: HostArray<Float> = []
  package var calendarWidth = 0
  /// The scale of the columns, and of each sequence's where they have not all the same.
  package var columnUnits: SeriesUnits?
  package var units: [SeriesUnits] = []
  /// First step of each sequence, and after the last one the number of all steps.
  package var starts: HostArray<Int> = [0]
  /// One for each sequence, or none at all.
  package var labels: [String] = []
  /// A label of each step, and numbers to predict, where there are such.
  package var stepLabels: StepLabels?
  package var targets: TargetNumbers?
  /// The line of the file where each sequence begins; empty where it has no lines.
  package var lines: [Int] = []

  package init(columns: [String]) { self.columns = columns }

  /// Real values of a step that go in: columns, what says where they are missing, calendars.
  package var inputWidth: Int { features + masked.count + calendarWidth }

  package var count: Int { starts.count - 1 }
  package var features: Int { columns.count }

  /// Bytes of memory that the numbers take.
  var memoryBytes: Int {
    values.memoryBytes + categories.memoryBytes + calendar.memoryBytes + tokens.memoryBytes
      + starts.memoryBytes
  }

  /// Where a sequence stands in its file.
  package func place(of sequence: Int) -> String {
    lines.count == count ? "line \(lines[sequence])" : "sequence \(sequence + 1)"
  }

  package func length(_ sequence: Int) -> Int { starts[sequence + 1] - starts[sequence] }

  /// Steps of all sequences, and of one.
  package var stepCount: Int { starts[count] }
  package func steps(of sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }

  /// Ends the sequence whose values were appended last.
  package mutating func endSequence() { starts.append(values.count / max(1, features)) }

  /// The place of each name; of the first where there are several.
  package static func places(of names: [String]) -> [String: Int] {
    Dictionary(zip(names, names.indices)) { first, _ in first }
  }
}

extension SequenceSet {
  /// Writes what goes in at a step, [`inputWidth`]. Does not allocate.
  @inline(__always) package func writeInputs(step: Int, to row: UnsafeMutablePointer<Float>) {
    let features = features
    for j in 0..<features { unsafe row[j] = values[step * features + j] }
    if hasGaps {
      for j in 0..<features where unsafe row[j].isNaN { unsafe row[j] = 0 }
    }
    unsafe writeExtras(step: step, to: row + features)
  }

  /// Writes the categories of a step, [K]. Does not allocate.
  @inline(__always) func writeCategories(step: Int, to row: UnsafeMutablePointer<Int32>) {
    for place in 0..<categoryCount {
      unsafe row[place] = categories[step * categoryCount + place]
    }
  }

  /// Writes what stands after the columns.
  @inline(__always) func writeExtras(step: Int, to row: UnsafeMutablePointer<Float>) {
    let features = features
    for (place, column) in masked.enumerated() {
      unsafe row[place] = values[step * features + column].isNaN ? 1 : 0
    }
    for place in 0..<calendarWidth {
      unsafe row[masked.count + place] = calendar[step * calendarWidth + place]
    }
  }

  /// Every column of every sequence as a sequence of its own, with one column before those that
  /// `shared` names; sequence by sequence, and within it column by column.
  package func unpivoted(_ columns: [Int], shared: [Int]) -> SequenceSet {
    var other = SequenceSet(columns: ["value"] + shared.map { self.columns[$0] })
    other.hasGaps = hasGaps
    other.masked = masked.isEmpty ? [] : [0]
    other.calendarWidth = calendarWidth
    other.categoryCount = categoryCount
    other.values.reserveCapacity(starts[count] * columns.count * (1 + shared.count))
    for sequence in 0..<count {
      let own = units.isEmpty ? columnUnits : units[sequence]
      for column in columns {
        let places = [column] + shared
        for step in starts[sequence]..<starts[sequence + 1] {
          for place in places { other.values.append(values[step * features + place]) }
          for place in 0..<categoryCount {
            other.categories.append(categories[step * categoryCount + place])
          }
          for place in 0..<calendarWidth {
            other.calendar.append(calendar[step * calendarWidth + place])
          }
        }
        other.endSequence()
        other.units.append(
          SeriesUnits(
            names: places.map { self.columns[$0] }, means: places.map { own?.means[$0] ?? 0 },
            deviations: places.map { own?.deviations[$0] ?? 1 }))
      }
    }
    return other
  }

  /// The sequence that a step belongs to.
  func sequence(ofStep step: Int) -> Int {
    var (low, high) = (0, count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= step { low = middle } else { high = middle }
    }
    return low
  }
}

/// Names and scales of a sequence's columns: what its numbers are in the data's units.
package struct SeriesUnits: Sendable, Equatable, Codable {
  package var names: [String]
  package var means: [Double]
  package var deviations: [Double]

  package init(names: [String], means: [Double], deviations: [Double]) {
    self.names = names
    self.means = means
    self.deviations = deviations
  }
}
