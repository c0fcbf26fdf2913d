/// A number that a task is judged by, beside its loss.
package struct TaskMetric: Sendable, Equatable {
  /// What it is computed from.
  package enum Quantity: Sendable, Equatable {
    /// The mean loss itself.
    case loss
    /// The mean over counted outputs of the metric of the loss (`TaskShape.Loss`).
    case lossMetric
    /// The same, divided by the columns of the output layer.
    case lossMetricPerColumn
    /// e^loss.
    case perplexity
    /// The loss in bits, over the bytes of text that the targets stand for.
    case bitsPerByte
  }

  /// As records name it.
  package var name: String
  /// What stands after the number for people; nil where its name stands before it.
  package var unit: String?
  package var quantity: Quantity
  /// Decimals that people see; nil for four, and an exponent where these would be zeros.
  package var decimals: Int?

  package init(_ name: String, _ quantity: Quantity, unit: String? = nil, decimals: Int? = nil) {
    self.name = name
    self.unit = unit
    self.quantity = quantity
    self.decimals = decimals
  }

  /// Whether a worker must sum the metric of the loss for it.
  package var needsLossMetric: Bool {
    switch quantity {
    case .lossMetric, .lossMetricPerColumn: true
    case .loss, .perplexity, .bitsPerByte: false
    }
  }
}
