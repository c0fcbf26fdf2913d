import Collectives
import GRUCore
import Kernels

/// The checks of a debug run, which is a single process and so holds all gradients.
package final class DebugChecks {
  private let trainer: Trainer
  private let seed: Int

  package init(trainer: Trainer, seed: Int) {
    precondition(trainer.communicator.worldSize == 1, "debug checks need a single rank")
    self.trainer = trainer
    self.seed = seed
  }

  /// Compares gradients with central differences on a slice of the next batch.
  package func checkGradients() throws -> GradientTable {
    GradientCheck(replica: trainer.replica, source: trainer.source, seed: seed)
      .table(step: trainer.step + 1)
  }

  /// Looks for a value that is not finite after a step, in what was computed, in the gradients and
  /// in the updated parameters.
  package func checkValues() throws {
    if let site = trainer.firstNonFinite() {
      throw DebugFinding(step: trainer.step, place: site.words)
    }
    let arenas = [
      ("gradient of ", trainer.gradient), ("", UnsafePointer(trainer.replica.parameters.pointer)),
    ]
    for (prefix, arena) in arenas {
      for parameter in trainer.replica.table.parameters {
        let values = UnsafeBufferPointer(
          start: arena + parameter.offset, count: parameter.count)
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { continue }
        throw DebugFinding(
          step: trainer.step,
          place: "\(prefix)\(parameter.name), element \(parameter.place(of: index)): "
            + "\(values[index])")
      }
    }
  }

  /// The statistics of every tensor after a step, as records of the metrics.
  package func tensorRecords() -> [OrderedJSON] {
    let tokens = Double(trainer.lastTokenCount)
    return trainer.replica.table.parameters.map { parameter in
      let values = TensorStatistics(
        trainer.replica.parameters.pointer + parameter.offset, count: parameter.count)
      let gradients = TensorStatistics(
        trainer.gradient + parameter.offset, count: parameter.count, divisor: tokens)
      return [
        "kind": "tensor", "step": .integer(trainer.step), "tensor": .string(parameter.name),
        "values": values.json, "gradients": gradients.json,
      ]
    }
  }
}

/// A value that is not finite, found by a debug run.
package struct DebugFinding: Error, CustomStringConvertible {
  package var step: Int
  package var place: String
  package var description: String {
    "step \(step): not a finite value in \(place); lower optimizer.learning_rate or set "
      + "optimizer.clip_norm"
  }
}

extension Parameter {
  /// The indices of an element, as [row, column].
  func place(of element: Int) -> String {
    var rest = element
    var indices: [Int] = []
    for size in shape.reversed() {
      indices.insert(rest % size, at: 0)
      rest /= size
    }
    return "[" + indices.map(String.init).joined(separator: ", ") + "]"
  }
}
