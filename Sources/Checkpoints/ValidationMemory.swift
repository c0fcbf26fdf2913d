/// What later steps must know of the validations so far, where anything depends on them.
package struct ValidationMemory: Sendable, Equatable, Codable {
  /// The lowest loss so far, in nats per token.
  package var best: Double?
  /// Validations since the lowest loss.
  package var stalled = 0
  /// Validations since the lowest loss or the last fall of the learning rate.
  package var stalledSinceDecay = 0
  /// How often the learning rate fell because of stalled validations.
  package var decays = 0
  /// The last losses, and the lowest one before them; for those who compare a loss with earlier
  /// ones. One that was not finite counts as the greatest number.
  package var recent: [Double] = []
  package var earlierBest: Double?
  /// Whether the parameters are averaged since a loss fell behind.
  package var isAveraging = false

  package init() {}

  /// Whether the numbers can be those of a run.
  var isPlausible: Bool {
    best?.isFinite != false && stalled >= 0 && stalledSinceDecay >= 0 && decays >= 0
      && recent.allSatisfy(\.isFinite) && earlierBest?.isFinite != false
  }

  private enum CodingKeys: String, CodingKey {
    case best, stalled, decays, recent
    case earlierBest = "earlier_best"
    case isAveraging = "is_averaging"
    case stalledSinceDecay = "stalled_since_decay"
  }
}
