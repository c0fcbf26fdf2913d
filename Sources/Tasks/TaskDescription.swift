/// What a model learns: what goes in, what is to come out and when, what it is trained and judged
/// by, and what an output means to a person.
///
/// Whoever needs to know something of a task asks this value for that property and never for the
/// task's name, so that a new task is a new value. A worker sees only `shape`.
package struct TaskDescription: Sendable, Equatable {
  /// What stands at each step of a sequence.
  package struct Inputs: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Tokens, which an embedding turns into vectors.
    package static let tokens = Inputs(rawValue: 1)
    /// Real values.
    package static let values = Inputs(rawValue: 2)
  }

  /// Where sequences come from, and how they lie in the rows of a batch. That decides which steps
  /// are masked.
  package enum Sequences: Sendable, Equatable {
    /// A text, cut into streams whose hidden states are carried from batch to batch. No step is
    /// masked.
    case streams
    /// Sequences of several lengths out of a file, laid end to end. Steps that none fills are
    /// masked, and so are rows of the last batch that nothing is left for.
    case packed
    /// Windows of a file's series, each a row of its own. Rows of the last batch that nothing is
    /// left for are masked.
    case windows
    /// Made up, a row each. Those beyond the number to validate on are masked.
    case generated(GeneratedTask)
  }

  /// When there is something to predict.
  package enum Targets: Sendable, Equatable {
    /// At every step but a sequence's last: what the next step has.
    case nextStep
    /// At every step, which has a target of its own.
    case everyStep
    /// Once for each sequence.
    case onePerSequence
    /// Once for each sequence, several steps of values.
    case severalPerSequence
  }

  /// What a column of the output layer stands for: what a decoder makes of it.
  package enum Outputs: Sendable, Equatable {
    /// A token of the text's tokenizer.
    case textTokens
    /// An item of the vocabulary of sessions.
    case items
    /// One of the symbols that go in, which have no names.
    case symbols
    /// A class, by name.
    case classes
    /// A yes or no, one for each input column.
    case labels
    /// A number in the units of the data.
    case values
  }

  /// What losses, and the speed of training, are counted by.
  package enum Unit: String, Sendable { case tokens, items, steps, sequences }

  /// As configs and errors call it.
  package var name: String
  package var inputs: Inputs
  package var sequences: Sequences
  package var targets: Targets
  /// Whether a target may lie after the step that predicts it.
  package var looksAhead: Bool
  package var outputs: Outputs
  package var readout: TaskShape.Readout
  package var loss: TaskShape.Loss
  /// What a quantile loss predicts of each target; nothing for other losses.
  package var quantiles: [Double] = []
  /// Whether targets may be missing, which do not count.
  package var masksTargets = false
  /// Columns of categories that go in beside real values, each with embeddings of its own.
  package var categories = 0
  package var metrics: [TaskMetric]
  /// What is summed over outputs for those of them that are figures, and set beside naive ones.
  package var figures: TaskFigures
  /// What speed is counted by.
  package var unit: Unit
  /// Decimals of a loss that people see; nil for four, and an exponent where these would be zeros.
  package var lossDecimals: Int?

  package init(
    name: String, inputs: Inputs, sequences: Sequences, targets: Targets, looksAhead: Bool,
    outputs: Outputs, readout: TaskShape.Readout, loss: TaskShape.Loss, metrics: [TaskMetric],
    figures: TaskFigures = .none, unit: Unit, lossDecimals: Int? = nil
  ) {
    self.name = name
    self.inputs = inputs
    self.sequences = sequences
    self.targets = targets
    self.looksAhead = looksAhead
    self.outputs = outputs
    self.readout = readout
    self.loss = loss
    self.metrics = metrics
    self.figures = figures
    self.unit = unit
    self.lossDecimals = lossDecimals
  }
}

extension TaskDescription {
  /// Whether tokens go in, so that the model has an embedding.
  package var readsTokens: Bool { inputs.contains(.tokens) }

  /// Whether real values go in.
  package var readsValues: Bool { inputs.contains(.values) }

  /// What models of the task can be ranked by, the loss first.
  package var measures: [TaskMetric] { [.loss] + metrics.filter(\.ranks) }

  /// Whether it trains on a text by a tokenizer, which checkpoints keep.
  package var readsText: Bool { sequences == .streams }

  /// Whether a tokenizer made the tokens that it reads, which checkpoints keep.
  package var hasTokenizer: Bool { readsTokens && !isGenerated }

  /// The same of tokens in place of real values.
  package var ofTokens: TaskDescription {
    var task = self
    task.inputs = .tokens
    return task
  }

  /// Outputs for each real target.
  package var outputsPerTarget: Int { loss.outputsPerTarget(quantiles: quantiles.count) }

  /// The same of documents that each begin anew, in place of one stream of text.
  package var ofDocuments: TaskDescription {
    var task = self
    task.sequences = .packed
    return task
  }

  /// Whether its sequences are made up, so that it needs no file.
  package var isGenerated: Bool { generated != nil }

  /// What makes its sequences up; nil where they are read.
  package var generated: GeneratedTask? {
    if case .generated(let task) = sequences { task } else { nil }
  }

  /// Whether hidden states are carried from batch to batch.
  package var carriesState: Bool { sequences == .streams }

  /// Whether outputs are tokens that a tokenizer turns into text, so that the model can write.
  package var writesText: Bool { outputs == .textTokens }

  /// Whether outputs are those of the vocabulary that goes in, so that the tokenizer says all that
  /// is to be known of them.
  package var predictsVocabulary: Bool { outputs == .textTokens || outputs == .items }

  /// Whether outputs are among the kinds of tokens that go in.
  package var predictsInputTokens: Bool {
    readsTokens && (predictsVocabulary || outputs == .symbols)
  }

  /// Whether layers may read a sequence from its end too: they may not where that shows the target.
  package var allowsBothDirections: Bool { !looksAhead }

  /// Fewest steps of a sequence that something can be predicted in.
  package var leastSteps: Int { targets == .nextStep ? 2 : 1 }

  /// What the targets of a score are counted by: what speed is counted by, except that made-up
  /// symbols are steps there.
  package var scoreUnit: Unit {
    if outputs == .items { return .items }
    if hasTokenizer, readout == .every { return .tokens }
    return readout == .every ? .steps : .sequences
  }

  /// What a loss is counted in: "nats per token", or the error that it is a mean of.
  package var lossUnit: String {
    switch loss {
    case .softmax, .sigmoid: "nats per \(scoreUnit.rawValue.dropLast())"
    case .squaredError: "mean squared error"
    case .absoluteError: "mean absolute error"
    case .quantile: "mean pinball loss"
    case .gaussian, .studentT: "nats per number"
    }
  }

  /// What a worker sees of the task.
  ///
  /// - Parameter inputVocabularySize: kinds of input tokens, of which outputs are none.
  package func shape(inputVocabularySize: Int? = nil) -> TaskShape {
    precondition(readsTokens || readsValues, "task \"\(name)\" reads nothing")
    precondition(
      categories == 0 || readsValues && !readsTokens, "categories stand beside real values")
    precondition(
      !readsTokens || predictsInputTokens == (inputVocabularySize == nil),
      "task \"\(name)\": \(inputVocabularySize.map { "\($0)" } ?? "unknown") kinds of tokens")
    var shape = TaskShape(
      input: !readsValues ? .tokens : readsTokens || categories > 0 ? .both : .values,
      tokensPerStep: max(1, categories), readout: readout, loss: loss,
      inputVocabularySize: inputVocabularySize, quantiles: quantiles, masksTargets: masksTargets,
      sumsMetric: metrics.contains(where: \.needsLossMetric), looksAhead: looksAhead)
    // Behind the tokens for unknown items and for ends, which nobody recommends.
    if outputs == .items { shape.rankedFrom = 2 }
    return shape
  }
}

/// A task whose sequences a function of the seed makes.
package enum GeneratedTask: Sendable, Equatable, Codable {
  /// The sum of two marked numbers among many.
  case adding
  /// Ten symbols, to be repeated after a long gap.
  case copy

  /// Symbols to repeat in the copy task.
  package static let copiedSymbols = 10

  /// Steps of a sequence that are not gap.
  package var endSteps: Int {
    switch self {
    case .adding: 0
    case .copy: 2 * Self.copiedSymbols
    }
  }

  /// Fewest steps of a sequence.
  package var leastSteps: Int {
    switch self {
    case .adding: 2
    case .copy: endSteps + 1
    }
  }

  /// Steps of a sequence that are over when the answer begins.
  package func stepsBeforeAnswer(window: Int) -> Int {
    switch self {
    case .adding: window
    case .copy: window - Self.copiedSymbols
    }
  }

  /// Targets of a sequence of so many steps.
  package func targets(window: Int) -> Int {
    switch self {
    case .adding: 1
    case .copy: window
    }
  }
}

/// What becomes of a number that is missing in a file of sequences, or of a text with a class.
package enum MissingPolicy: String, CaseIterable, Sendable {
  case error
  /// The column's number at the step before; at the start of a sequence the mean.
  case forward
  /// The column's mean over the training data.
  case mean
  /// The mean, and an input that says so; a target that is missing does not count.
  case mask
  /// Texts that have nothing in them are left out.
  case drop

  /// What may become of numbers.
  package static let ofNumbers: [Self] = [.error, .forward, .mean, .mask]
}

extension TaskDescription {
  /// Steps that a row of a batch has at most.
  package static let mostSteps = 65_536

  /// How rows get room for so many steps; nil where they cannot have them.
  package static func roomHint(_ steps: Int) -> String? {
    steps > mostSteps ? nil : "set batch.window to \(steps) or more"
  }
}

/// The formats of files of sequences.
package enum SequenceFormat: String, CaseIterable, Sendable {
  /// By the end of the file's name.
  case auto
  case csv, jsonl, ts, npy
  /// Words with a label each, a word a line.
  case conll
}
