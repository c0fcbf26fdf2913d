/// How high a model ranks the item that comes next, and the baseline that always recommends the
/// most popular ones.
struct ItemFigures: FigureKind {
  /// Items that are recommended at a time.
  static let lengths = [1, 5, 10, 20]
  /// The first item; items are numbered by how often they occur in training.
  let first: Int

  // Targets; then of the model and of the baseline, by length: targets among the recommended items,
  // and the sum of 1 / rank of these.
  var sumCount: Int { 1 + 4 * Self.lengths.count }

  func add(_ output: ScoredOutput, to sums: UnsafeMutablePointer<Double>) {
    unsafe sums[0] += 1
    for (model, rank) in [output.rank, output.target - first + 1].enumerated() {
      for (place, length) in Self.lengths.enumerated() where rank <= length {
        let hits = 1 + 2 * (model * Self.lengths.count + place)
        unsafe sums[hits] += 1
        unsafe sums[hits + 1] += 1 / Double(rank)
      }
    }
  }

  func figures(of sums: [Double]) -> Figures {
    func values(_ model: Int) -> [(recall: Double?, rank: Double?)] {
      Self.lengths.indices.map { place in
        let hits = 1 + 2 * (model * Self.lengths.count + place)
        return (Figures.ratio(sums[hits], sums[0]), Figures.ratio(sums[hits + 1], sums[0]))
      }
    }
    func named(_ values: [(recall: Double?, rank: Double?)]) -> [String: Double?] {
      var named: [String: Double?] = [:]
      for (length, value) in zip(Self.lengths, values) {
        named["recall_at_\(length)"] = value.recall
        named["mrr_at_\(length)"] = value.rank
      }
      return named
    }
    let (model, popular) = (values(0), values(1))
    let table = FigureTable(
      "recommendations", title: "recommended items",
      columns: ["items", "recall", "mrr", "recall of most popular", "mrr of most popular"],
      rows: Self.lengths.indices.map { place in
        [
          .count(Self.lengths[place]), .number(model[place].recall), .number(model[place].rank),
          .number(popular[place].recall), .number(popular[place].rank),
        ]
      })
    var figures = Figures(
      values: named(model), baselines: [Figures.Baseline("most_popular", named(popular))],
      tables: [table])
    figures.minor = Set(Self.lengths.dropLast().flatMap { ["recall_at_\($0)", "mrr_at_\($0)"] })
    return figures
  }
}
