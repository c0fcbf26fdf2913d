/// Notices a loss that leaps above the recent ones.
package struct LossWatch: Sendable {
  /// Steps before anything is said, and the weight of the newest one afterwards.
  private static let settling = 20
  private static let weight = 0.02
  /// How many mean deviations, and what part of the mean, a loss must lie above the mean.
  private static let deviations = 6.0
  private static let leastPart = 0.1

  private var count = 0
  private var mean = 0.0
  private var deviation = 0.0

  package init() {}

  /// Takes note of a step's loss.
  ///
  /// - Returns: the mean of the losses before, where this one is a spike.
  package mutating func spike(_ loss: Double) -> Double? {
    let distance = loss - mean
    let isSpike =
      count >= Self.settling
      && distance > max(Self.deviations * deviation, Self.leastPart * mean)
    let usual = mean
    count += 1
    let weight = max(Self.weight, 1 / Double(count))
    if count > 1 { deviation += weight * (abs(distance) - deviation) }
    mean += weight * distance
    return isSpike ? usual : nil
  }
}
