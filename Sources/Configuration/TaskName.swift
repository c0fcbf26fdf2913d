/// What a model learns.
package enum TaskName: String, CaseIterable, Sendable {
  /// The next token of a text.
  case language
  /// One class of each sequence.
  case classification
  /// The coming values of time series.
  case forecasting
  /// Several yes or no at every step.
  case multilabel
  /// The sum of two marked numbers among many (Hochreiter and Schmidhuber, 1997).
  case adding
  /// Ten symbols, to be repeated after a long gap (Arjovsky, Shah and Bengio, 2016).
  case copy

  /// Whether its sequences are made up, so that it needs no file.
  package var isGenerated: Bool { self == .adding || self == .copy }

  /// Whether models of it read tokens, and not real values.
  package var readsTokens: Bool { self == .language || self == .copy }

  /// The fewest time steps that sequences of a task which makes them up can have. Those of the
  /// copy task have ten symbols, room to repeat them, and a gap between.
  package var leastWindow: Int { self == .copy ? 21 : 2 }

  /// Whether it answers once a whole sequence is read, so that layers may read it from its end too.
  var allowsBothDirections: Bool { self == .classification || self == .adding }

  /// What the output layer may read and its losses, the default ones first.
  var readouts: [OutputConfig.Readout] {
    switch self {
    case .language, .copy, .multilabel: [.every]
    case .classification, .forecasting, .adding: [.last, .mean]
    }
  }

  var losses: [OutputConfig.Loss] {
    switch self {
    case .language, .copy, .classification: [.softmax]
    case .multilabel: [.sigmoid]
    case .forecasting, .adding: [.squared, .absolute]
    }
  }
}

extension [TaskName] {
  /// Every task.
  static var all: Self { TaskName.allCases }

  /// Those that make their sequences up.
  static var generated: Self { all.filter(\.isGenerated) }

  /// Those that read files.
  static var fromFiles: Self { all.filter { !$0.isGenerated } }

  /// Those that read files of sequences.
  static var fromSequences: Self { fromFiles.filter { $0 != .language } }
}
