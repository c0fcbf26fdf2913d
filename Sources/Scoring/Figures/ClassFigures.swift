import NumericContract

/// Precision, recall and the confusion matrix of a classifier, and the baseline that always
/// predicts the largest class.
struct ClassFigures: FigureKind {
  let classes: [String]

  /// Most classes that have a confusion matrix.
  private static let mostConfused = 64
  /// Part of an equal share below which a class is rare.
  private static let rareShare = 0.5

  private var count: Int { classes.count }
  private var hasConfusions: Bool { count <= Self.mostConfused }

  // By class: how often it is the target, the prediction, and both; then the confusion matrix.
  var sumCount: Int { 3 * count + (hasConfusions ? count * count : 0) }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let target = output.target
    // The first of the highest scores, as accuracy has it.
    var best = 0
    for place in 1..<max(1, count) where unsafe scores[place] > scores[best] { best = place }
    unsafe sums[target] += 1
    unsafe sums[count + best] += 1
    if best == target { unsafe sums[2 * count + target] += 1 }
    if hasConfusions { unsafe sums[3 * count + target * count + best] += 1 }
  }

  /// How well one class is predicted.
  private struct ClassResult {
    var count: Double
    var predicted: Double
    var right: Double
    var precision: Double? { Figures.ratio(right, predicted) }
    var recall: Double? { Figures.ratio(right, count) }
    var f1: Double? { Figures.ratio(2 * right, count + predicted) }
  }

  func figures(of sums: [Double]) -> Figures {
    let results = classes.indices.map {
      ClassResult(count: sums[$0], predicted: sums[count + $0], right: sums[2 * count + $0])
    }
    let total = results.reduce(0) { $0 + $1.count }
    let occurring = results.filter { $0.count > 0 }
    // With a single class it is 0, which no model can beat.
    let entropy = occurring.count > 1 ? Self.entropy(results.map(\.count), total) : nil
    let largest = results.map(\.count).max() ?? 0
    let share = Figures.ratio(largest, total)
    let baselines = [
      Figures.Baseline(
        "largest_class",
        [
          "accuracy": share, "balanced_accuracy": Figures.ratio(1, Double(occurring.count)),
          // Of the class that is always predicted: precision is its share, recall 1.
          "macro_f1": share.map { 2 * $0 / (1 + $0) / Double(occurring.count) },
        ]),
      Figures.Baseline("class_frequencies", ["loss": entropy]),
    ]
    var figures = Figures(
      values: [
        // Of classes that occur or are predicted.
        "macro_f1": Figures.mean(results.map(\.f1)),
        "balanced_accuracy": Figures.mean(occurring.map(\.recall)),
      ], baselines: baselines, tables: [classTable(results)])
    let rarest = occurring.map(\.count).min() ?? 0
    if rarest * Double(count) >= Self.rareShare * total { figures.minor = ["balanced_accuracy"] }
    if hasConfusions { figures.tables.append(confusionTable(sums)) }
    return figures
  }

  /// The loss of a model that knows how often each class occurs; nil of nothing.
  private static func entropy(_ counts: [Double], _ total: Double) -> Double? {
    total == 0
      ? nil
      : counts.reduce(0) { $1 == 0 ? $0 : $0 - $1 / total * Elementary.log($1 / total) }
  }

  private func classTable(_ results: [ClassResult]) -> FigureTable {
    FigureTable(
      "classes", title: "classes",
      columns: ["class", "count", "predicted", "precision", "recall", "f1"],
      rows: zip(classes, results).map { name, result in
        [
          .text(name), .count(Int(result.count)), .count(Int(result.predicted)),
          .number(result.precision), .number(result.recall), .number(result.f1),
        ]
      })
  }

  /// Classes that people can take in as columns.
  private static let mostShown = 12

  private func confusionTable(_ sums: [Double]) -> FigureTable {
    var table = FigureTable(
      "confusion", title: "confusion matrix: rows are the true classes, columns the predicted ones",
      columns: ["class"] + classes,
      rows: classes.indices.map { target in
        let first = 3 * count + target * count
        return [.text(classes[target])] + sums[first..<first + count].map { .count(Int($0)) }
      })
    table.isMatrix = true
    table.isForPrograms = count > Self.mostShown
    return table
  }
}
