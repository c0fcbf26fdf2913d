import NumericContract

/// Yes and no of several columns, each told from its score at one half: beside whoever repeats the
/// vector before, and whoever knows how often each column is a yes.
///
/// The frame accuracy is that of transcribed music (Bay, Ehmann and Downie, 2009): rightly told yes
/// over all that are told, or should be.
struct LabelFigures: FigureKind {
  let columns: [String]

  private var count: Int { columns.count }

  // Outputs, those that are right in every column, and the same of the vector before; then by
  // column: yes that are true, told, rightly told, repeated, rightly repeated.
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
      let told = unsafe scores[place] > 0
      let repeated = unsafe before[place] > 0.5
      if truth != told { isExact = false }
      if truth != repeated { isSame = false }
      let own = unsafe sums + Self.heads + Self.perColumn * place
      if truth { unsafe own[0] += 1 }
      if told { unsafe own[1] += 1 }
      if truth && told { unsafe own[2] += 1 }
      if repeated { unsafe own[3] += 1 }
      if truth && repeated { unsafe own[4] += 1 }
    }
    unsafe sums[0] += 1
    if isExact { unsafe sums[1] += 1 }
    if isSame { unsafe sums[2] += 1 }
  }

  /// Yes of one or all columns.
  private struct Yes {
    var truth = 0.0
    var told = 0.0
    var right = 0.0

    var precision: Double? { Figures.ratio(right, told) }
    var recall: Double? { Figures.ratio(right, truth) }
    var f1: Double? { Figures.ratio(2 * right, truth + told) }
    var frameAccuracy: Double? { Figures.ratio(right, truth + told - right) }
    /// Those that are told wrongly.
    var wrong: Double { truth + told - 2 * right }

    mutating func add(_ other: Yes) {
      truth += other.truth
      told += other.told
      right += other.right
    }
  }

  func figures(of sums: [Double]) -> Figures {
    let outputs = sums[0]
    var (model, same) = (Yes(), Yes())
    var loss = 0.0
    var rows: [[FigureTable.Cell]] = []
    for (place, name) in columns.enumerated() {
      let own = sums[(Self.heads + Self.perColumn * place)...].prefix(Self.perColumn).map { $0 }
      let yes = Yes(truth: own[0], told: own[1], right: own[2])
      model.add(yes)
      same.add(Yes(truth: own[0], told: own[3], right: own[4]))
      loss += Self.entropy(own[0], outputs)
      rows.append([
        .text(name), .count(Int(yes.truth)), .count(Int(yes.told)), .number(yes.precision),
        .number(yes.recall), .number(yes.f1),
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
          "columns", title: "columns, of which a yes is told from one half on",
          columns: ["column", "count", "predicted", "precision", "recall", "f1"], rows: rows)
      ])
  }

  /// The loss of a column, summed over nothing but its share of yes, in nats an output.
  private static func entropy(_ yes: Double, _ outputs: Double) -> Double {
    guard yes > 0, yes < outputs else { return 0 }
    let share = yes / outputs
    return -share * Elementary.log(share) - (1 - share) * Elementary.log(1 - share)
  }
}
