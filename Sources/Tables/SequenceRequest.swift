package import NumericContract
package import Records
package import Tasks

/// What sequences to read or make for a task, and how they lie in batches.
package struct SequenceRequest: Sendable {
  package var task: TaskDescription
  /// The file to train on, and one of its own to validate on. What follows is for files only, but
  /// for the sizes at the end.
  package var train = ""
  package var valid: String?
  /// The part of `train` to validate on where there is no other file.
  package var validFraction = 0.0
  /// The file to test on, or the part of `train`, neither of which training looks at.
  package var test: String?
  package var testFraction = 0.0
  /// What else decides which part something belongs to.
  package var split = DataSplit()
  /// Whether what is held out to test on is measured, in place of what is to validate on.
  package var measuresTest = false
  package var format = SequenceFormat.auto
  /// What stands before decimals of a table; nil for what its head shows.
  package var decimal: String?
  /// What remark lines of a table begin with; nil for # where it cannot be anything else.
  package var remark: String?
  /// Whether the first row of a table names its columns.
  package var hasHeader = true
  /// What becomes of missing numbers, and what stands for them; nil for what most programs write.
  package var missing = MissingPolicy.error
  package var missingWords: [String]?
  /// Columns to read; nil for all that hold numbers.
  package var columns: [String]?
  /// Whether inputs are moved and scaled to mean 0 and deviation 1 over the training data.
  package var normalizes = false
  /// The column of a table that tells sequences apart; nil where all rows are one.
  package var sequenceColumn: String?
  /// The column of a table that holds the class of its sequence.
  package var labelColumn: String
  /// Columns to forecast, nil for all that are read; or what holds the numbers to predict, nil for
  /// what is usual.
  package var targetColumns: [String]?
  /// The label of steps that do not count.
  package var ignoredLabel: String?
  /// Steps to forecast, and steps from one window to the next.
  package var horizon = 1
  package var stride = 1
  /// Steps of a season, 1 for none; nil looks for one in the training data.
  package var season: Int?
  /// How texts become sequences of tokens; nil where sequences are real vectors.
  package var text: TextRequest?
  /// Columns whose numbers are known in the future, and those of one number a sequence.
  package var knownColumns: [String] = []
  package var staticColumns: [String] = []
  /// Columns of dates and times, of which hour, weekday and month are read.
  package var calendarColumns: [String] = []
  /// Columns of categories, and the size of their embeddings; nil for what their number asks for.
  package var categoryColumns: [String] = []
  package var categorySize: Int?
  /// What a series is, and what its numbers are scaled over and relative to.
  package var seriesForm = SeriesForm.rows
  package var scale = ScaleScope.column
  package var origin = WindowOrigin.none
  /// How much the losses of each class count in training.
  package var classWeights = ClassWeights.equal
  /// Columns of JSON lines that name those which are 1; nil where none do.
  package var width: Int?
  /// Sequences to make for validation.
  package var validSequences = 0
  /// Rows of a batch (B) and their steps (T).
  package var rows: Int
  package var window: Int
  package var seed: Int
  /// Whether a sequence that is longer than the window makes the window longer, as it may where
  /// nothing is trained, and is no error.
  package var growsWindow = false
  /// Whether examples of a class that the model lacks are counted and left out, as they may be
  /// where the model was there before the file, and are no error.
  package var countsUnknownClasses = false
  /// How a file is read where a model predicts: in parts, without targets; nil where sequences
  /// train or are measured.
  package var parts: PartRequest?
  /// The version of the numeric contract by which numbers of files become what a model reads.
  package var contract = ContractVersion.newest
  /// Told what is read of files.
  package var progress: ReadingProgress?

  /// Whether numbers are predicted that are no columns which go in.
  package var predictsOthers: Bool {
    parts == nil && task.outputs == .values && task.sequences == .packed
  }
  /// Whether every step has a label or numbers of its own.
  package var isOfSteps: Bool { task.targets == .everyStep }
  /// Whether every step has a label in a file.
  var hasStepLabels: Bool { parts == nil && isOfSteps && task.outputs == .classes }

  /// The defaults of `data.sequence` and `data.label`.
  package static let sequenceColumn = "sequence"
  package static let labelColumn = "label"

  /// The file beside `train` that is measured on; nil where that is a part of `train`.
  package var heldFile: String? { measuresTest ? test : valid }

  /// What is measured on, in a word.
  package var heldWord: String { measuresTest ? "test" : "validation" }

  /// Columns whose dates and times are read.
  var timeColumns: [String] {
    // Nothing is split where all is measured on, or predicted.
    guard let column = split.column, parts == nil, heldFile != train,
      !calendarColumns.contains(column)
    else { return calendarColumns }
    return calendarColumns + [column]
  }

  /// The columns of numbers to read: those that are named in any way, where some are.
  package var numberColumns: [String]? {
    columns.map { named in
      named
        + (knownColumns + staticColumns).reduce(into: [String]()) { others, name in
          if !named.contains(name), !others.contains(name) { others.append(name) }
        }
    }
  }

  /// The columns of a table that are named in any way, where its header has names.
  var namedColumns: [String] {
    guard hasHeader else { return [] }
    let labels = task.outputs == .classes && text == nil ? [labelColumn] : []
    var names = columns ?? []
    names += knownColumns + staticColumns + calendarColumns + categoryColumns
    names += targetColumns ?? []
    if let sequenceColumn { names.append(sequenceColumn) }
    return names + labels
  }

  /// The columns that series read where each column to forecast is one, and names say which these
  /// are; nil where any column may be read.
  package var seriesColumns: Set<String>? {
    guard task.sequences == .windows, seriesForm == .columns, let targetColumns else { return nil }
    return Set(targetColumns + knownColumns + staticColumns)
  }

  package init(
    task: TaskDescription, rows: Int, window: Int, seed: Int, labelColumn: String = Self.labelColumn
  ) {
    self.task = task
    self.rows = rows
    self.window = window
    self.seed = seed
    self.labelColumn = labelColumn
  }
}
