/// Errors of predicted numbers, and the baseline that always predicts their mean.
struct ValueFigures: FigureKind {
  let columns: [String]

  // By column: outputs, sums of targets and their squares, and of the errors' sizes and squares.
  private static let perColumn = 5
  var sumCount: Int { Self.perColumn * columns.count }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    let scores = unsafe output.scores
    let targets = unsafe output.targets
    for place in columns.indices {
      let target = unsafe Double(targets[place])
      let error = unsafe Double(scores[place]) - target
      let own = unsafe sums + Self.perColumn * place
      unsafe own[0] += 1
      unsafe own[1] += target
      unsafe own[2] += target * target
      unsafe own[3] += abs(error)
      unsafe own[4] += error * error
    }
  }

  func figures(of sums: [Double]) -> Figures {
    var variances: [Double?] = []
    var shares: [Double?] = []
    var rows: [[FigureTable.Cell]] = []
    for (place, name) in columns.enumerated() {
      let own = sums[(Self.perColumn * place)...].prefix(Self.perColumn).map { $0 }
      let count = own[0]
      // What the rounding of sums leaves of numbers that do not vary is no variance.
      let squares = own[2] - own[1] * own[1] / max(1, count)
      let variance = squares > 1e-12 * own[2] ? Figures.ratio(squares, count) : nil
      variances.append(variance)
      let share = variance.map { 1 - own[4] / count / $0 }
      shares.append(share)
      rows.append([
        .text(name), .count(Int(count)), .number(Figures.ratio(own[3], count)),
        .number(Figures.ratio(own[4], count)?.squareRoot()), .number(share),
        .number(variance?.squareRoot()),
      ])
    }
    return Figures(
      values: ["r2": Figures.mean(shares)],
      baselines: [Figures.Baseline("mean", ["mse": Figures.mean(variances), "r2": 0])],
      tables: [
        FigureTable(
          "columns", title: "numbers",
          columns: ["column", "count", "mae", "rmse", "r2", "rmse_of_mean"], rows: rows)
      ])
  }
}
