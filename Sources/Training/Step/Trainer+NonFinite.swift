import Collectives
package import GRUCore
import Kernels

/// A loss or gradient that is not finite, which ends a run.
package struct NonFiniteError: Error, CustomStringConvertible {
  /// Counted from 1.
  package var step: Int
  package var loss: Double
  /// Global gradient norm.
  package var norm: Double
  /// The first value at fault, where one was found.
  package var site: NonFiniteSite?

  package var description: String {
    var text = "step \(step): loss \(loss) and gradient norm \(norm), expected finite values"
    if let site { text += "; first in \(site.words)" }
    return text + "; lower optimizer.learning_rate or set optimizer.clip_norm, and resume from "
      + "the newest checkpoint"
  }
}

/// A value that is not finite among gradients or parameters.
package struct NonFiniteFinding: Error, CustomStringConvertible {
  package var step: Int
  package var place: String
  package var description: String {
    "step \(step): not a finite value in \(place); lower optimizer.learning_rate or set "
      + "optimizer.clip_norm"
  }
}

extension NonFiniteSite {
  /// The place in words.
  package var words: String {
    let place = layer < 0 ? "output layer" : "layer \(layer)"
    return "\(tensor), \(place), time step \(timeStep), row \(sequence) of the global batch, "
      + "column \(column): \(value)"
  }
}

extension Trainer {
  /// The first value that is not finite among what this rank's workers computed.
  package func firstNonFinite() -> NonFiniteSite? {
    for worker in replica.workers {
      if let site = worker.firstNonFinite() { return site }
    }
    return nil
  }

  /// Throws on every rank, with the place that the lowest rank to find one names.
  func reportNonFinite(loss: Double, norm: Double) throws {
    let site = firstNonFinite()
    var error = NonFiniteError(step: step, loss: loss, norm: norm, site: site)
    try communicator.agree { if site != nil { throw error } }
    error.site = nil
    try communicator.agree { throw error }
  }

  /// Throws where the last update left a value that is not finite, as a learning rate beyond all
  /// bounds does: on every rank alike, because all hold the same parameters.
  package func requireFiniteParameters() throws(NonFiniteFinding) {
    try requireFinite(UnsafePointer(replica.parameters.pointer), of: "")
  }

  /// Throws for the first value of an arena that is not finite; `prefix` says whose values they
  /// are.
  func requireFinite(
    _ arena: UnsafePointer<Float>, of prefix: String
  ) throws(NonFiniteFinding) {
    for parameter in replica.table.parameters {
      let values = UnsafeBufferPointer(start: arena + parameter.offset, count: parameter.count)
      guard let index = values.firstIndex(where: { !$0.isFinite }) else { continue }
      throw NonFiniteFinding(
        step: step,
        place: "\(prefix)\(parameter.name), element \(parameter.place(of: index)): "
          + "\(values[index])")
    }
  }
}
