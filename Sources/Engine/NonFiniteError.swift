import Collectives
import GRUCore

/// A loss or gradient that is not finite: thrown on every rank alike.
package struct NonFiniteError: CommonError, CustomStringConvertible {
  /// Counted from 1.
  package var step: Int
  package var loss: Double
  /// Global gradient norm.
  package var norm: Double
  /// The first value at fault, where one was found.
  package var place: String?
  /// What any rank asked for in the step.
  package var requests: StepRequests = []

  /// What was found, without advice.
  package var finding: String {
    "step \(step): loss \(loss) and gradient norm \(norm), expected finite values; "
      + (place.map { "first in \($0)" } ?? cause)
  }

  /// What is too large where every value is finite.
  var cause: String {
    norm.isFinite
      ? "the loss of finite logits is too large" : "the squares of finite gradients are too large"
  }

  package var description: String {
    finding + "; lower optimizer.learning_rate or set optimizer.clip_norm, and resume from "
      + "the newest checkpoint, if there is one"
  }
}

/// A value that is not finite among gradients or parameters.
package struct NonFiniteFinding: Error, CustomStringConvertible {
  /// Counted from 1.
  package var step: Int
  /// The tensor and the element, with the value.
  package var place: String

  package init(step: Int, place: String) {
    self.step = step
    self.place = place
  }

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

extension Communicator {
  /// The place that the lowest rank with one names, with the rank where there are several.
  func firstPlace(_ mine: String?) throws -> String? {
    do {
      try agree { if let mine { throw Place(description: mine) } }
      return nil
    } catch let found as AgreedError {
      return found.description
    }
  }
}

/// A place on its way to the other ranks.
private struct Place: Error, CustomStringConvertible { let description: String }
