import NumericContract
import Records
package import Tasks

/// Sequences that a task makes up: a pure function of seed, batch and place within it, so that
/// nothing depends on who makes them.
package struct GeneratedBatches: Sendable, Codable {
  private let task: GeneratedTask
  /// Sequences of a batch (B), and their length (T).
  let sequences: Int
  let window: Int
  /// Sequences in all; nil for as many as are asked for.
  private let count: Int?
  private let random: Philox

  /// - Parameter count: nil for training, the number of sequences to validate on otherwise.
  package init(task: GeneratedTask, sequences: Int, window: Int, count: Int?, seed: Int) {
    self.task = task
    self.sequences = sequences
    self.window = window
    self.count = count
    random = Philox(
      seed: UInt64(truncatingIfNeeded: seed), purpose: count == nil ? .task : .taskValidation)
  }

  /// Batches of a validation.
  package var batchCount: Int { ((count ?? sequences) + sequences - 1) / sequences }

  /// Targets of one sequence.
  package var targetsPerSequence: Int { task.targets(window: window) }

  /// Writes a worker's sequences of a batch (from 0). Does not allocate.
  package func fill(_ buffers: BatchBuffers, batch: Int) {
    for (row, sequence) in buffers.sequences.enumerated() {
      let isCounted = count.map { batch * sequences + sequence < $0 } ?? true
      switch task {
      case .adding:
        AddingProblem.fill(
          buffers, row: row, isCounted: isCounted, random, batch: batch, sequence: sequence)
      case .copy:
        CopyTask.fill(
          buffers, row: row, isCounted: isCounted, random, batch: batch, sequence: sequence)
      }
    }
  }
}

extension GeneratedTask {
  /// Real values at each step; nil where tokens go in.
  package var features: Int? {
    switch self {
    case .adding: AddingProblem.features
    case .copy: nil
    }
  }

  /// Columns of the output layer.
  package var outputs: Int {
    switch self {
    case .adding: 1
    case .copy: CopyTask.vocabularySize
    }
  }

  /// The loss of a model that remembers nothing.
  package func trivialLoss(window: Int) -> Double {
    switch self {
    case .adding: AddingProblem.trivialLoss
    case .copy: Double(Self.copiedSymbols) * Elementary.log(8) / Double(window)
    }
  }

  /// What there is to train on, in words.
  package func words(window: Int) -> String {
    switch self {
    case .adding: "the adding problem over \(Format.count(window, "step"))"
    case .copy: "the copy task over \(Format.count(window - endSteps, "step"))"
    }
  }
}

/// Numbers between 0 and 1, two of them marked; their sum is asked for after the last step. To
/// answer 1 always has a mean squared error of 1/6.
private enum AddingProblem {
  static let features = 2
  static let trivialLoss = 1.0 / 6

  static func fill(
    _ buffers: BatchBuffers, row: Int, isCounted: Bool, _ random: Philox, batch: Int,
    sequence: Int
  ) {
    let steps = buffers.window
    func words(_ element: Int, kind: UInt32) -> SIMD4<UInt32> {
      random.block(
        step: UInt32(truncatingIfNeeded: batch), stream: UInt32(sequence), layer: kind,
        element: UInt32(element))
    }
    for t in 0..<steps {
      let values = unsafe buffers.inputRow(t, row)
      unsafe values[0] = Philox.unit(words(t / 4, kind: 0)[t % 4])
      unsafe values[1] = 0
    }
    let draws = words(0, kind: 1)
    let first = Int(draws[0]) % steps
    let other = Int(draws[1]) % (steps - 1)
    let second = other >= first ? other + 1 : other
    unsafe buffers.inputRow(first, row)[1] = 1
    unsafe buffers.inputRow(second, row)[1] = 1
    unsafe buffers.targets[row] = isCounted ? 0 : -1
    unsafe buffers.targetRow(row)[0] =
      unsafe buffers.inputRow(first, row)[0] + buffers.inputRow(second, row)[0]
  }
}

/// Ten symbols from 1 to 8, a gap of blanks (0), a mark (9), and then the ten are asked for; blanks
/// are, at every other step. Who remembers nothing has a loss of 10 ln 8 / T.
private enum CopyTask {
  static let symbols = GeneratedTask.copiedSymbols
  static let vocabularySize = 10

  static func fill(
    _ buffers: BatchBuffers, row: Int, isCounted: Bool, _ random: Philox, batch: Int,
    sequence: Int
  ) {
    let steps = buffers.window
    let width = buffers.width
    for t in 0..<steps {
      unsafe buffers.inputs[t * width + row] = t >= steps - symbols - 1 ? Int32(symbols) - 1 : 0
      unsafe buffers.targets[t * width + row] = isCounted ? 0 : -1
    }
    for index in 0..<symbols {
      let word = random.block(
        step: UInt32(truncatingIfNeeded: batch), stream: UInt32(sequence), layer: 0,
        element: UInt32(index))[0]
      let symbol = Int32(1 + word % 8)
      unsafe buffers.inputs[index * width + row] = symbol
      if isCounted { unsafe buffers.targets[(steps - symbols + index) * width + row] = symbol }
    }
  }
}
