import Tasks

extension [TaskName] {
  /// Every task.
  static var all: Self { TaskName.allCases }

  /// Those that make their sequences up.
  static var generated: Self { all.filter(\.description.isGenerated) }

  /// Those that read files.
  static var fromFiles: Self { all.filter { !$0.description.isGenerated } }

  /// Those that may learn a vocabulary.
  static var withTokenizer: Self { [.language, .classification, .tagging, .recommendation] }

  /// Those that read files of sequences.
  static var fromSequences: Self { fromFiles.filter { !$0.description.readsText } }

  /// Those whose columns are of several kinds, and may have gaps.
  static var withColumns: Self { [.classification, .regression, .forecasting] }

  /// Those that read tables.
  static var fromTables: Self { fromSequences.filter { $0 != .tagging } }

  /// Those whose tables hold numbers.
  static var fromNumbers: Self { fromTables.filter { $0 != .recommendation } }
}
