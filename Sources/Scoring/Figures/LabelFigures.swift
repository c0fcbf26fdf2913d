import NumericContract

/// Several labels of 0 or 1 for each output; 1 is predicted where its probability is above one
/// half. The baselines repeat the vector before, or know how often each label is 1.
///
/// The frame accuracy is that of transcribed music (Bay, Ehmann and Downie, 2009): true positives
/// over true positives, false positives and false negatives.
struct LabelFigures: FigureKind {
  let columns: [String]

  private var count: Int { columns.count }

  // Outputs, those that are right in every column, and the same of the vector before; then by
  // column: ones in the targets, predicted, predicted rightly, repeated, repeated rightly.
  private static let heads = 3
  private static let perColumn = 5
  var sumCount: Int { Self.heads + Self.perColumn * count }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    let before = unsafe output.input(atStep: output.step)
    var isExact = true
    var isSame = true
    for place in 0..<count {
      let truth = unsafe targets[place] > 0.5
      let predicted = unsafe scores[place] > 0
      let repeated = unsafe before[place] > 0.5
      if truth != predicted { isExact = false }
      if truth != repeated { isSame = false }
      let own = unsafe sums + Self.heads + Self.perColumn * place
      if truth { unsafe own[0] += 1 }
      if predicted { unsafe own[1] += 1 }
      if truth && predicted { unsafe own[2] += 1 }
      if repeated { unsafe own[3] += 1 }
      if truth && repeated { unsafe own[4] += 1 }
    }
    unsafe sums[0] += 1
    if isExact { unsafe sums[1] += 1 }
    if isSame { unsafe sums[2] += 1 }
  }

  /// Ones of one or all columns.
  private struct Ones {
    var truth = 0.0
    var predicted = 0.0
    var right = 0.0

    var precision: Double? { Figures.ratio(right, predicted) }
    var recall: Double? { Figures.ratio(right, truth) }
    var f1: Double? { Figures.ratio(2 * right, truth + predicted) }
    var frameAccuracy: Double? { Figures.ratio(right, truth + predicted - right) }
    /// False positives and false negatives.
    var wrong: Double { truth + predicted - 2 * right }

    mutating func add(_ other: Ones) {
      truth += other.truth
      predicted += other.predicted
      right += other.right
    }
  }

  func figures(of sums: [Double]) -> Figures {
    let outputs = sums[0]
    var (model, same) = (Ones(), Ones())
    var loss = 0.0
    var rows: [[FigureTable.Cell]] = []
    for (place, name) in columns.enumerated() {
      let own = sums[(Self.heads + Self.perColumn * place)...].prefix(Self.perColumn).map { $0 }
      let ones = Ones(truth: own[0], predicted: own[1], right: own[2])
      model.add(ones)
      same.add(Ones(truth: own[0], predicted: own[3], right: own[4]))
      loss += Self.entropy(own[0], outputs)
      rows.append([
        .text(name), .count(Int(ones.truth)), .count(Int(ones.predicted)), .number(ones.precision),
        .number(ones.recall), .number(ones.f1),
      ])
    }
    return Figures(
      values: [
        "frame_accuracy": model.frameAccuracy, "micro_f1": model.f1,
        "exact_match": Figures.ratio(sums[1], outputs),
      ],
      baselines: [
        Figures.Baseline("column_frequencies", ["loss": loss, "nll": loss]),
        Figures.Baseline(
          "vector_before",
          [
            "frame_accuracy": same.frameAccuracy, "micro_f1": same.f1,
            "exact_match": Figures.ratio(sums[2], outputs),
            "label_accuracy": Figures.ratio(
              outputs * Double(count) - same.wrong, outputs * Double(count)),
          ]),
      ],
      tables: [
        FigureTable(
          "columns", title: "columns; 1 is predicted where its probability is above one half",
          columns: ["column", "count", "predicted", "precision", "recall", "f1"], rows: rows)
      ])
  }

  /// The loss, in nats an output, of a column whose share of ones is all that is known.
  private static func entropy(_ ones: Double, _ outputs: Double) -> Double {
    guard ones > 0, ones < outputs else { return 0 }
    let share = ones / outputs
    return -share * Elementary.log(share) - (1 - share) * Elementary.log(1 - share)
  }
}
