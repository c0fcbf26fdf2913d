import Datasets
import Engine
package import GRUCore
package import Kernels

/// What a model says, row by row.
extension Scorer {
  /// Where an output belongs.
  package struct Place: Sendable, Equatable {
    /// The batch, counted from 0, and the row in it.
    package var batch: Int
    package var row: Int
    /// The time step, or which of the sequences laid end to end in the row, from 0.
    package var index: Int
  }

  /// Gives what the model says of every target of this rank's sequences that is not masked, batch
  /// by batch, row by row, and within a row in the order of time.
  ///
  /// Preconditions: the output layer is one matrix.
  package func forEachOutput(
    of subject: Subject, _ body: (Place, DecodedOutput) throws -> Void
  ) throws {
    replica.workers.forEach { $0.keepsScores = true }
    defer { replica.workers.forEach { $0.keepsScores = false } }
    _ = try forEachBatch(of: subject) { batch in
      for worker in replica.workers {
        for (column, row) in worker.sequences.enumerated() {
          for index in 0..<worker.outputSteps {
            let output = index * worker.sequences.count + column
            if unsafe worker.targets[output] < 0 { continue }
            var units: [TargetUnit]?
            if case .sequences(let batches) = subject {
              units = batches.units(batch: batch, row: row)
            }
            unsafe try body(
              Place(batch: batch, row: row, index: index),
              decoder.decode(worker.scores(ofRow: output), units: units))
          }
        }
      }
      return true
    }
  }

  /// The kernels that it computes by.
  package var kernels: Kernels { replica.kernels }

  /// What reads one sequence token by token from the start.
  ///
  /// Preconditions: what the model says it can read again.
  package func generator() -> Generator {
    replica.refreshOutput()
    let generator = Generator(
      shape: replica.shape, table: replica.table, kernels: replica.kernels)
    generator.reset()
    return generator
  }

  /// The scores [V] of what follows when `generator` has read one token more; valid until it reads
  /// the next.
  package func scores(
    after token: Int32, by generator: Generator
  ) -> UnsafeBufferPointer<Float> {
    unsafe UnsafeBufferPointer(
      start: generator.step(
        token: token, parameters: replica.parameters.pointer, weights: replica.weights),
      count: replica.shape.vocabularySize)
  }
}
