/// How a model's real inputs and outputs stand to the numbers of its data: it reads
/// (number − mean) / deviation of every column, computed in double precision and rounded once, and
/// forecasts in these units too.
package struct DataScales: Sendable, Equatable {
  /// Mean and deviation of columns.
  package struct Columns: Sendable, Equatable {
    package var means: [Double]
    package var deviations: [Double]

    package init(means: [Double], deviations: [Double]) {
      precondition(
        means.count == deviations.count, "\(means.count) means, \(deviations.count) deviations")
      self.means = means
      self.deviations = deviations
    }
  }

  /// Of the inputs; nil where the model reads the data's numbers as they are.
  package var inputs: Columns?
  /// The places among the inputs of the columns that are forecast; nil for a model that does not
  /// forecast. The outputs of a model that does are [horizon, columns].
  package var forecast: [Int]?
  /// Of the numbers that a model predicts which are no columns that go in, an element for each
  /// output; nil where they are in the data's units already.
  package var predicted: Columns?
  /// Whether numbers go in and forecasts come out in double precision where they are scaled; a
  /// model of version 1 of the numeric contract takes numbers that are rounded before.
  package var keepsDoubles = false

  package init() {}

  /// Of the columns that are forecast or predicted; nil where that is in the data's units already.
  package var targets: Columns? {
    if let predicted { return predicted }
    guard let inputs, let forecast else { return nil }
    return Columns(
      means: forecast.map { inputs.means[$0] }, deviations: forecast.map { inputs.deviations[$0] })
  }

  /// The vectors that an export has beside the weights, by name.
  var vectors: [(name: String, values: [Double])] {
    [("input", inputs), ("target", targets)].flatMap { name, columns in
      columns.map { [("\(name)_mean", $0.means), ("\(name)_deviation", $0.deviations)] } ?? []
    }
  }
}
