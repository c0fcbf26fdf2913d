package import Checkpoints

extension ValidationMemory {
  /// Takes note of a validation's loss and decides what follows from it, alike on every rank.
  ///
  /// - Returns: whether the learning rate falls.
  package mutating func note(loss: Double, schedule: ScheduleConfig) -> Bool {
    if loss.isFinite, loss < best ?? .infinity {
      best = loss
      stalled = 0
      stalledSinceDecay = 0
      return false
    }
    stalled += 1
    stalledSinceDecay += 1
    guard schedule.name == .plateau, stalledSinceDecay >= schedule.patience else { return false }
    stalledSinceDecay = 0
    decays += 1
    return true
  }
}
