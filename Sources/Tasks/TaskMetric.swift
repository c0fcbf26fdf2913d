/// A number that a task is judged by, beside its loss.
package struct TaskMetric: Sendable, Equatable {
  /// What it is computed from.
  package enum Quantity: Sendable, Equatable {
    /// The mean loss itself.
    case loss
    /// The mean over counted outputs of the metric of the loss (`TaskShape.Loss`).
    case lossMetric(Direction)
    /// The same, divided by the columns of the output layer.
    case lossMetricPerColumn(Direction)
    /// e^loss.
    case perplexity
    /// The loss in bits, over the bytes of text that the targets stand for.
    case bitsPerByte
    /// The same over the characters.
    case bitsPerCharacter
    /// What the task's figures (`TaskFigures`) say under this name.
    case figure(Direction)
  }

  /// Which of two values is the better one.
  package enum Direction: Sendable, Equatable { case lower, higher }

  /// As records name it.
  package var name: String
  /// What stands after the number for people; nil where its name stands before it.
  package var unit: String?
  package var quantity: Quantity
  /// Decimals that people see; nil for four, and an exponent where these would be zeros.
  package var decimals: Int?

  /// The mean loss, which every task has.
  package static let loss = TaskMetric("loss", .loss)

  package init(_ name: String, _ quantity: Quantity, unit: String? = nil, decimals: Int? = nil) {
    self.name = name
    self.unit = unit
    self.quantity = quantity
    self.decimals = decimals
  }

  /// Which of two values is the better one.
  package var direction: Direction {
    switch quantity {
    case .loss, .perplexity, .bitsPerByte, .bitsPerCharacter: .lower
    case .lossMetric(let direction), .lossMetricPerColumn(let direction), .figure(let direction):
      direction
    }
  }

  /// Whether a value is better than the best one so far; one that is not finite never is.
  package func isBetter(_ value: Double, than best: Double?) -> Bool {
    guard value.isFinite else { return false }
    guard let best else { return true }
    return direction == .lower ? value < best : value > best
  }

  /// Whether models can be ranked by it. Bits per byte or character are not defined for every text,
  /// and rank as the loss does.
  var ranks: Bool { quantity != .bitsPerByte && quantity != .bitsPerCharacter }

  /// Whether a worker must sum the metric of the loss for it.
  package var needsLossMetric: Bool {
    switch quantity {
    case .lossMetric, .lossMetricPerColumn: true
    case .loss, .perplexity, .bitsPerByte, .bitsPerCharacter, .figure: false
    }
  }
}
