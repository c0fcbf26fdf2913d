package import Checkpoints
package import Configuration

/// What follows from a validation.
package struct ValidationDecisions: Equatable, Sendable {
  /// The learning rate falls.
  package var rateFalls = false
  /// From now on parameters are averaged.
  package var startsAveraging = false
}

extension ValidationMemory {
  /// Takes note of a validation's loss and decides what follows from it, alike on every rank.
  package mutating func note(loss: Double, optimizer: OptimizerConfig) -> ValidationDecisions {
    var decisions = ValidationDecisions()
    let fellBehind = isBehind(loss, patience: optimizer.averagePatience)
    if optimizer.name == .asgd, !isAveraging, fellBehind {
      isAveraging = true
      decisions.startsAveraging = true
    }
    if loss.isFinite, loss < best ?? .infinity {
      best = loss
      stalled = 0
      stalledSinceDecay = 0
      return decisions
    }
    stalled += 1
    stalledSinceDecay += 1
    let schedule = optimizer.schedule
    if schedule.name == .plateau, stalledSinceDecay >= schedule.patience {
      stalledSinceDecay = 0
      decays += 1
      decisions.rateFalls = true
    }
    return decisions
  }

  /// Whether a loss is above the lowest one before the last `patience`: the non-monotone trigger of
  /// Merity, Keskar and Socher (2018).
  private mutating func isBehind(_ loss: Double, patience: Int) -> Bool {
    let value = loss.isFinite ? loss : .greatestFiniteMagnitude
    defer {
      recent.append(value)
      while recent.count > patience {
        earlierBest = min(earlierBest ?? .greatestFiniteMagnitude, recent.removeFirst())
      }
    }
    return earlierBest.map { value > $0 } ?? false
  }
}
