/// Figures that a kind of task is judged by beside its loss, each with those of naive models.
///
/// `Scoring` has a `FigureKind` for each, which says what is summed over outputs and what the sums
/// say; its documentation tells how to add one.
package enum TaskFigures: String, CaseIterable, Sendable {
  /// The loss alone.
  case none
  /// Of tokens of a text: beside a unigram model.
  case text
  /// Of one class for each output: precision, recall and confusions of classes, beside the largest
  /// class.
  case classes
  /// Of several yes or no for each output: beside the vector before, and columns by frequency.
  case labels
  /// Of the coming values of series: errors by column and step, beside the last value and that of a
  /// season before.
  case forecasts
  /// Of other numbers: beside their mean.
  case values

  /// Whether they are made of the scores of each output.
  package var needsScores: Bool { self != .none && self != .text }
}
