package import GRUCore
import Kernels

/// Sequences that a task makes up: a pure function of seed, batch and place within it, so that
/// nothing depends on who makes them.
package struct GeneratedBatches: Sendable {
  package enum Kind: Sendable { case adding, copy }

  let kind: Kind
  /// Sequences of a batch (B), and their length (T).
  let sequences: Int
  let window: Int
  /// Sequences in all; nil for as many as are asked for.
  let count: Int?
  private let random: Philox

  /// - Parameter count: nil for training, the number of sequences to validate on otherwise.
  package init(kind: Kind, sequences: Int, window: Int, count: Int?, seed: Int) {
    self.kind = kind
    self.sequences = sequences
    self.window = window
    self.count = count
    random = Philox(
      seed: UInt64(truncatingIfNeeded: seed), purpose: count == nil ? .task : .taskValidation)
  }

  /// Batches of a validation.
  package var batchCount: Int { ((count ?? sequences) + sequences - 1) / sequences }

  /// Targets of one sequence.
  package var targetsPerSequence: Int { kind == .adding ? 1 : window }

  /// Writes a worker's sequences of a batch (from 0). Does not allocate.
  package func fill(_ worker: SequenceWorker, batch: Int) {
    for (row, sequence) in worker.sequences.enumerated() {
      let isCounted = count.map { batch * sequences + sequence < $0 } ?? true
      switch kind {
      case .adding:
        AddingProblem.fill(
          worker, row: row, isCounted: isCounted, random, batch: batch, sequence: sequence)
      case .copy:
        CopyTask.fill(
          worker, row: row, isCounted: isCounted, random, batch: batch, sequence: sequence)
      }
    }
  }
}

/// Numbers between 0 and 1, two of them marked; their sum is asked for after the last step. To
/// answer 1 always has a mean squared error of 1/6.
package enum AddingProblem {
  /// A number, and whether it is marked.
  package static let features = 2
  /// The loss of who remembers nothing.
  package static let trivialLoss = 1.0 / 6

  static func fill(
    _ worker: SequenceWorker, row: Int, isCounted: Bool, _ random: Philox, batch: Int,
    sequence: Int
  ) {
    let steps = worker.window
    let width = worker.sequences.count
    let stride = worker.inputStride
    let values = worker.inputValues + row * stride
    func words(_ element: Int, kind: UInt32) -> SIMD4<UInt32> {
      random.block(
        step: UInt32(truncatingIfNeeded: batch), stream: UInt32(sequence), layer: kind,
        element: UInt32(element))
    }
    for t in 0..<steps {
      values[t * width * stride] = Philox.unit(words(t / 4, kind: 0)[t % 4])
      values[t * width * stride + 1] = 0
    }
    let draws = words(0, kind: 1)
    let first = Int(draws[0]) % steps
    let other = Int(draws[1]) % (steps - 1)
    let second = other >= first ? other + 1 : other
    values[first * width * stride + 1] = 1
    values[second * width * stride + 1] = 1
    worker.targets[row] = isCounted ? 0 : -1
    worker.targetValues[row * worker.targetStride] =
      values[first * width * stride] + values[second * width * stride]
  }
}

/// Ten symbols from 1 to 8, a gap of blanks (0), a mark (9), and then the ten are asked for; blanks
/// are, at every other step. Who remembers nothing has a loss of 10 ln 8 / T.
package enum CopyTask {
  /// To be kept in mind.
  package static let symbols = 10
  /// The symbols, a blank and a mark.
  package static let vocabularySize = 10
  /// Steps that are not gap: the symbols, and the room for them at the end.
  package static let ends = 2 * symbols

  /// The loss of who remembers nothing.
  package static func trivialLoss(window: Int) -> Double {
    Double(symbols) * Elementary.log(8) / Double(window)
  }

  static func fill(
    _ worker: SequenceWorker, row: Int, isCounted: Bool, _ random: Philox, batch: Int,
    sequence: Int
  ) {
    let steps = worker.window
    let width = worker.sequences.count
    for t in 0..<steps {
      worker.inputs[t * width + row] = t >= steps - symbols - 1 ? Int32(symbols) - 1 : 0
      worker.targets[t * width + row] = isCounted ? 0 : -1
    }
    for index in 0..<symbols {
      let word = random.block(
        step: UInt32(truncatingIfNeeded: batch), stream: UInt32(sequence), layer: 0,
        element: UInt32(index))[0]
      let symbol = Int32(1 + word % 8)
      worker.inputs[index * width + row] = symbol
      if isCounted { worker.targets[(steps - symbols + index) * width + row] = symbol }
    }
  }
}
