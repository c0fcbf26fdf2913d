package import Checkpoints
package import Configuration
package import Tasks

/// What follows from a validation.
package struct ValidationDecisions: Equatable, Sendable {
  /// The learning rate falls.
  package var rateFalls = false
  /// From now on parameters are averaged.
  package var startsAveraging = false
}

extension ValidationMemory {
  /// Takes note of a validation and decides what follows from it, alike on every rank.
  ///
  /// - Parameters:
  ///   - value: of `measure`, by which a model is the best; learning rate and average go by the
  ///     loss always.
  package mutating func note(
    loss: Double, value: Double, by measure: TaskMetric, optimizer: OptimizerConfig
  ) -> ValidationDecisions {
    var decisions = ValidationDecisions()
    let isLower = TaskMetric.loss.isBetter(loss, than: best)
    let isBest = measure == .loss ? isLower : measure.isBetter(value, than: bestValue)
    if isLower { best = loss }
    if isBest, measure != .loss { bestValue = value }
    let fellBehind = isBehind(loss, patience: optimizer.averagePatience)
    if optimizer.name == .asgd, !isAveraging, fellBehind {
      isAveraging = true
      decisions.startsAveraging = true
    }
    stalled = isBest ? 0 : stalled + 1
    stalledSinceDecay = isLower ? 0 : stalledSinceDecay + 1
    if isLower { return decisions }
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
