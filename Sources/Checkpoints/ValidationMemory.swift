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

  package init() {}

  /// Whether the numbers can be those of a run.
  var isPlausible: Bool {
    best?.isFinite != false && stalled >= 0 && stalledSinceDecay >= 0 && decays >= 0
  }

  private enum CodingKeys: String, CodingKey {
    case best, stalled, decays
    case stalledSinceDecay = "stalled_since_decay"
  }
}
