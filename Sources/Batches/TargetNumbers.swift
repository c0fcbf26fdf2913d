/// Numbers to predict, as a model says them: of each sequence of a set, or of each step.
package struct TargetNumbers: Sendable, Codable {
  /// A row for each sequence or step, [rows, K]; what is missing is NaN.
  package var values: HostArray<Float>
  /// K.
  package let width: Int
  package let isOfSteps: Bool

  package init(_ values: [Float], width: Int, isOfSteps: Bool) {
    precondition(width > 0, "\(width) numbers to predict")
    self.values = HostArray(values)
    self.width = width
    self.isOfSteps = isOfSteps
  }

  var memoryBytes: Int { values.memoryBytes }

  /// The rows of a sequence.
  package func rows(of sequence: Int, _ set: SequenceSet) -> Range<Int> {
    isOfSteps ? set.starts[sequence]..<set.starts[sequence + 1] : sequence..<sequence + 1
  }

  /// Whether a row has a number.
  @inline(__always) package func isCounted(_ row: Int) -> Bool {
    let first = row * width
    for place in first..<first + width where !values[place].isNaN { return true }
    return false
  }

  /// Writes a row, [K]. Does not allocate.
  @inline(__always) func write(_ row: Int, to target: UnsafeMutablePointer<Float>) {
    for place in 0..<width { unsafe target[place] = values[row * width + place] }
  }
}

/// A label of each step, as a file has them.
package struct StepLabels: Sendable, Codable {
  /// The label of each step, by its place among `names`.
  package private(set) var numbers: [Int32] = []
  package private(set) var names: [String] = []
  /// Where each of them is met first: "line 3".
  package private(set) var firstPlaces: [String] = []
  private var places: [String: Int32] = [:]

  package init() {}

  /// Appends the label of the next step.
  package mutating func append(_ label: String, at place: @autoclosure () -> String) {
    if let number = places[label] {
      numbers.append(number)
      return
    }
    places[label] = Int32(names.count)
    numbers.append(Int32(names.count))
    names.append(label)
    firstPlaces.append(place())
  }
}

extension SequenceSet {
  /// Cuts sequences that are longer than `window` into parts of as many steps, and a rest.
  ///
  /// - Returns: the first part of each sequence, and after the last one the number of all parts.
  package mutating func cut(to window: Int) -> [Int] {
    var (cut, firsts) = ([0], [0])
    for sequence in 0..<count {
      for start in stride(from: starts[sequence] + window, to: starts[sequence + 1], by: window) {
        cut.append(start)
      }
      cut.append(starts[sequence + 1])
      firsts.append(cut.count - 1)
    }
    starts = HostArray(cut)
    return firsts
  }
}
