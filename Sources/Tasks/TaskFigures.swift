/// Figures that a kind of task is judged by beside its loss, each with those of naive models.
///
/// `Scoring` has a `FigureKind` for each, which says what is summed over outputs and what the sums
/// say; its documentation tells how to add one.
package enum TaskFigures: String, CaseIterable, Sendable {
  /// The loss alone.
  case none
  /// Of the tokens of a text; the baseline is a unigram model.
  case text
  /// Of one class for each output: precision, recall and confusion matrix; the baseline is the
  /// largest class.
  case classes
  /// Of the item that comes next: how high it is ranked; the baseline is the most popular items.
  case items
  /// Of several labels of 0 or 1 for each output; the baselines are the vector before, and the
  /// columns' frequencies.
  case labels
  /// Of forecasts: errors by column and step; the baselines are the last value and the value a
  /// season before.
  case forecasts
  /// Of other numbers; the baseline is their mean.
  case values

  /// Whether they are made of the scores of each output.
  package var needsScores: Bool { self != .none && self != .text }
}
