/// The row of `<unk>` that the tables of a file without that token lack.
///
/// Its numbers are the means of the other rows, so that its logit is their mean logit, lowered by
/// `drop`: the others keep their probabilities to the last bit but one.
struct UnknownRow {
  /// The token that the file does not have.
  let token: Int
  /// What its bias is below the mean of the others: a probability of at most e^-30.
  static let drop: Float = 30

  /// A table [V - 1, columns] with the row put in.
  func inserted(into values: [Float], columns: Int, below drop: Float = 0) -> [Float] {
    let rows = max(1, values.count / max(1, columns))
    var sums = [Double](repeating: 0, count: columns)
    for (place, value) in values.enumerated() { sums[place % columns] += Double(value) }
    let row = sums.map { Float($0 / Double(rows)) - drop }
    let place = token * columns
    return Array(values[..<place]) + row + Array(values[place...])
  }

  /// What an import says of it.
  ///
  /// - Parameter isPredicted: whether the model predicts tokens.
  func words(isPredicted: Bool) -> String {
    "the file has no row for <unk> (token \(token)): its embedding is the mean of the others"
      + (isPredicted ? ", and its probability less than 1e-13" : "")
  }
}
