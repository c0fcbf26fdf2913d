package import Records

/// What later steps must know of the validations so far, where anything depends on them.
package struct ValidationMemory: Sendable, Equatable {
  /// The lowest loss so far, in the unit of the task.
  package var best: Double?
  /// The best value so far of the measure that decides which model is the best; nil where that is
  /// the loss.
  package var bestValue: Double?
  /// Validations since the best one.
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

  /// What is known where nothing has depended on validations so far.
  package init(lowestLoss: Double?) {
    best = lowestLoss
    recent = [lowestLoss].compactMap { $0 }
  }

  /// Losses that are compared with, at most.
  private static let mostRecent = 1000

  /// Whether the numbers can be those of a run.
  var isPlausible: Bool {
    best?.isFinite != false && bestValue?.isFinite != false
      && recent.count <= Self.mostRecent
      && [stalled, stalledSinceDecay, decays].allSatisfy { (0...1 << 40).contains($0) }
      && recent.allSatisfy(\.isFinite) && earlierBest?.isFinite != false
  }
}

extension ValidationMemory {
  /// The form in which checkpoints keep it; what is nil is left out.
  package var json: OrderedJSON {
    var members: [OrderedJSON.Member] = [
      .init("stalled", .integer(stalled)),
      .init("stalled_since_decay", .integer(stalledSinceDecay)),
      .init("decays", .integer(decays)),
      .init("recent", .array(recent.map { .number($0) })),
      .init("is_averaging", .bool(isAveraging)),
    ]
    if let best { members.append(.init("best", .number(best))) }
    if let bestValue { members.append(.init("best_value", .number(bestValue))) }
    if let earlierBest { members.append(.init("earlier_best", .number(earlierBest))) }
    return .object(members)
  }

  /// Reads what `json` says.
  package init(json fields: JSONFields) throws(JSONFieldError) {
    best = try fields.number(ifPresent: "best")
    bestValue = try fields.number(ifPresent: "best_value")
    stalled = try fields.integer("stalled")
    stalledSinceDecay = try fields.integer("stalled_since_decay")
    decays = try fields.integer("decays")
    recent = try fields.numbers("recent")
    earlierBest = try fields.number(ifPresent: "earlier_best")
    isAveraging = try fields.bool("is_averaging")
  }
}
