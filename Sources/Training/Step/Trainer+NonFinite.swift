import Collectives
package import GRUCore

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
}
