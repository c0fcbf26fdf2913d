package import Tasks

/// The keys of `data` that only tasks other than a language model have.
package struct TaskDataConfig: Sendable, Equatable {
  package var format = SequenceFormat.auto
  /// Whether the first row of a CSV names its columns.
  package var header = true
  /// What stands before decimals in a CSV; nil for what its head shows.
  package var decimal: String?
  /// What remark lines of a CSV begin with; nil for # where it cannot be anything else.
  package var comment: String?
  /// What becomes of missing numbers, and what stands for them; nil for the usual words.
  package var missing = MissingPolicy.error
  package var missingValues: [String]?
  /// Columns to read; nil for all that hold numbers.
  package var columns: [String]?
  /// Columns of JSON lines that name those which are 1; nil where none do.
  package var width: Int?
  /// The column of a CSV that tells sequences apart; nil where all rows are one.
  package var sequence: String? = "sequence"
  /// The column of a CSV that holds the class.
  package var label = "label"
  /// Columns to forecast; nil for all that are read.
  package var targets: [String]?
  /// Steps to forecast.
  package var horizon = 1
  /// Steps from one window to the next.
  package var stride = 1
  /// Steps of a season, 1 for none; nil looks for one.
  package var season: Int?
  /// Whether inputs are moved and scaled to mean 0 and deviation 1 over the training data.
  package var normalize = true
  /// What series and their windows are like, and kinds of columns.
  package var series = SeriesForm.rows
  package var scale = ScaleScope.column
  package var relative = WindowOrigin.none
  package var known: [String]?
  package var statics: [String]?
  package var calendar: [String]?
  /// Columns of categories, and the size of their embeddings; nil for what their number asks for.
  package var categories: [String]?
  package var categorySize: Int?
  /// Sequences that a task which makes them up sets aside for validation.
  package var validSequences = 1000

  /// Sets what has another default, or no key, for a task.
  mutating func adopt(_ task: TaskName) {
    if task == .forecasting { sequence = nil }
    if task == .recommendation { sequence = "session" }
    // Inputs of 0 and 1 stay what they are.
    if task == .multilabel { normalize = false }
  }
}

extension DataConfig {
  static let taskKeys: [ConfigKey<DataConfig>] = [
    ConfigKey(
      "format", \.task.format, .choice(), tasks: .fromSequences,
      "The form of the files: a table with a header, JSON lines, the aeon/UCR `.ts`, an array "
        + "of NumPy, or words with labels as of CoNLL; auto goes by the end of the name."),
    ConfigKey(
      "header", \.task.header, .boolean, tasks: .fromTables,
      "Whether the first row of a table names its columns; they are \"column 1\" and so on else."),
    ConfigKey(
      "decimal", \.task.decimal, .optionalChoice([".", ","]), tasks: .fromNumbers,
      "What stands before the decimals of a table's numbers; null for what its head shows."),
    ConfigKey(
      "comment", \.task.comment, .optionalText, tasks: .fromTables,
      "What remark lines of a table begin with; null for #, where such a line can be no row."),
    ConfigKey(
      "missing", \.task.missing, .choice(), tasks: [.classification],
      "What becomes of missing numbers: an error, the number of the step before (at the start of "
        + "a sequence the mean), the column's mean over the training data, or a mask: 0, and an "
        + "input that says so. Of texts without anything in them: an error, or drop, which leaves "
        + "them out and says how many."),
    ConfigKey(
      "missing", \.task.missing, .choice(listing: MissingPolicy.ofNumbers),
      tasks: [.regression, .forecasting],
      "What becomes of missing numbers: an error, the number of the step before (at the start of "
        + "a sequence the mean), the column's mean over the training data, or a mask: 0, an input "
        + "that says so, and no loss where a target is missing (of task `regression` there is none "
        + "with any of them)."),
    ConfigKey(
      "missing_values", \.task.missingValues, .optionalTexts,
      tasks: .withColumns,
      "What stands for a missing number; null for nothing, NA, N/A, #N/A, NaN, null, ? and -."),
    ConfigKey(
      "columns", \.task.columns, .optionalTexts, tasks: .fromNumbers,
      "Columns to read; null for all that hold numbers."),
    ConfigKey(
      "width", \.task.width, .optionalInteger(1...1 << 20),
      tasks: [.classification, .regression, .multilabel],
      "How many columns the steps of JSON lines have whose \"active\" names, from 0, the columns "
        + "that are 1; null where lines have \"values\"."),
    ConfigKey(
      "sequence", \.task.sequence, .text, tasks: [.multilabel, .recommendation],
      "The column of a table that tells sequences apart."),
    ConfigKey(
      "label", \.task.label, .text, tasks: [.classification],
      "The column of a table that holds the class, of a sequence or of every step."),
    ConfigKey(
      "targets", \.task.targets, .optionalTexts, tasks: [.regression],
      "The columns of a table, or the members of a line of JSON, that hold the numbers to predict; "
        + "null for `target` (of JSON also `targets`)."),
    ConfigKey(
      "sequence", \.task.sequence, .optionalText,
      tasks: [.classification, .regression, .forecasting],
      "The column of a table that tells sequences apart; null takes all rows as one."),
    ConfigKey(
      "targets", \.task.targets, .optionalTexts, tasks: [.forecasting],
      "Columns to forecast; null for all that are read."),
    ConfigKey(
      "horizon", \.task.horizon, .integer(1...65_536), tasks: [.forecasting],
      "Steps to forecast."),
    ConfigKey(
      "stride", \.task.stride, .integer(1...1 << 30), tasks: [.forecasting],
      "Steps from one window to the next."),
    ConfigKey(
      "season", \.task.season, .optionalInteger(1...1 << 20), tasks: [.forecasting],
      "Steps of a season, for the baseline that repeats the value a season before, and for `mase`; "
        + "1 is none, and null looks for one in the training data."),
    ConfigKey(
      "normalize", \.task.normalize, .boolean, tasks: .withColumns,
      "Whether inputs are moved and scaled to mean 0 and deviation 1 over the training data."),
    ConfigKey(
      "valid_sequences", \.task.validSequences, .integer(0...1 << 24), tasks: .generated,
      resume: .changesValidations,
      "Sequences set aside for validation by a task that makes its own."),
  ]
}
