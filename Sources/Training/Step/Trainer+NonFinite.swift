import Collectives
package import GRUCore
import Kernels

/// A loss or gradient that is not finite: thrown on every rank alike.
package struct NonFiniteError: Error, CustomStringConvertible {
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

  /// The error of the step under way, the same on every rank, with the place that the lowest rank
  /// to find one names; takes the step back.
  ///
  /// - Throws: `CorruptionError` where the reason is that the ranks' parameters differ.
  func nonFinite(
    loss: Double, norm: Double, requests: StepRequests
  ) throws -> NonFiniteError {
    _ = try verifyParameters()
    var error = NonFiniteError(step: step, loss: loss, norm: norm, requests: requests)
    error.place = try communicator.firstPlace(firstNonFinite()?.words)
    if error.place == nil {
      error.place = try communicator.firstPlace(nonFiniteSum("the gradient of"))
    }
    takeBack()
    return error
  }

  /// Compares the parameters of all ranks now.
  ///
  /// - Returns: their fingerprint, as `fingerprint()` gives it.
  /// - Throws: `CorruptionError` on every rank where they are not the same bits.
  package func verifyParameters() throws -> String {
    replica.team.runPrepared(hashJob)
    return try compareHashes()
  }

  /// As `verifyParameters`, where all threads have hashed their shares just now.
  func compareHashes() throws -> String {
    let hash = verification.hash
    if communicator.worldSize == 1 { return hash.fingerprint }
    let hashes = try communicator.allGather([hash.high, hash.low]).map {
      ParameterHash(high: $0[0], low: $0[1])
    }
    if hashes.contains(where: { $0 != hashes[0] }) {
      throw try verification.error(for: hashes, step: step)
    }
    return hash.fingerprint
  }

  /// The first summed element that is not finite, among those this rank owns; `words` say what the
  /// sums are.
  func nonFiniteSum(_ words: String) -> String? {
    for parameter in replica.table.parameters {
      for slice in optimizer.slices {
        let range = parameter.range.clamped(to: slice.elements)
        for element in range where !rankNodes[0][element].isFinite {
          return "\(words) \(parameter.name), element "
            + "\(parameter.place(of: element - parameter.offset)): \(rankNodes[0][element])"
        }
      }
    }
    return nil
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
