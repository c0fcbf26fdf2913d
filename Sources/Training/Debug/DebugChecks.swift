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
      throw NonFiniteFinding(step: trainer.step, place: site.words)
    }
    try trainer.requireFinite(trainer.gradient, of: "gradient of ")
    try trainer.requireFiniteParameters()
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
