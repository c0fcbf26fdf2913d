/// What a model's outputs say of it beyond the mean loss, and what naive models reach on the same
/// data.
package struct Figures: Sendable {
  /// A naive model, which a trained one should beat.
  package struct Baseline: Sendable, Equatable {
    /// As records name it: "largest_class".
    package var name: String
    /// The values that it reaches, by the metrics' names; "loss" is the loss.
    package var values: [String: Double]

    package init(_ name: String, _ values: [String: Double?]) {
      self.name = name
      self.values = values.compactMapValues { $0 }
    }

    /// As people read it: "largest class".
    package var words: String { name.replacing("_", with: " ") }

    /// As records name the value of a metric.
    package func key(of metric: String) -> String { "\(metric)_of_\(name)" }
  }

  /// The task's metrics that are figures, by name; one that is not defined is left out.
  package var values: [String: Double]
  package var baselines: [Baseline]
  /// What `evaluate` shows besides.
  package var tables: [FigureTable]
  /// Metrics that a short line leaves out.
  package var minor: Set<String> = []

  package init(
    values: [String: Double?] = [:], baselines: [Baseline] = [], tables: [FigureTable] = []
  ) {
    self.values = values.compactMapValues { $0 }
    self.baselines = baselines
    self.tables = tables
  }

  /// What the naive models reach by a metric.
  package func baselines(of metric: String) -> [(words: String, value: Double)] {
    baselines.compactMap { baseline in baseline.values[metric].map { (baseline.words, $0) } }
  }

  /// The mean of what is defined; nil where nothing is.
  static func mean(_ values: [Double?]) -> Double? {
    let defined = values.compactMap { $0 }
    return defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
  }

  /// A part of a whole; nil of nothing.
  static func ratio(_ part: Double, _ whole: Double) -> Double? {
    whole > 0 ? part / whole : nil
  }
}
