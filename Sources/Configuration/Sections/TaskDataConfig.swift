import Records

/// The keys of `data` that only tasks other than a language model have.
package struct TaskDataConfig: Sendable, Equatable {
  package enum Format: String, CaseIterable, Sendable {
    /// By the end of the file's name.
    case auto
    case csv, jsonl, ts
  }

  /// Sequences that a task which makes them up sets aside for validation.
  package var validSequences = 0
  package var format = Format.auto
  /// Columns to read; nil for all that hold numbers.
  package var columns: [String]?
  /// Whether inputs are moved and scaled to mean 0 and deviation 1 over the training data.
  package var normalize = false
  /// The column of a CSV that tells sequences apart; nil where all rows are one.
  package var sequence: String?
  /// The column of a CSV that holds the class.
  package var label = "label"
  /// Columns to forecast; nil for all that are read.
  package var targets: [String]?
  /// Steps to forecast, and steps from one window to the next.
  package var horizon = 1
  package var stride = 1

  init() {}

  init(_ reader: inout ConfigReader, task: TaskName) throws(ConfigError) {
    if task.isGenerated {
      validSequences = try reader.integer("valid_sequences", default: 1000, in: 0...1 << 24)
      return
    }
    format = try reader.choice("format", default: .auto)
    columns = try reader.strings("columns")
    if task == .forecasting {
      sequence = try reader.optionalString("sequence")
      targets = try reader.strings("targets")
      horizon = try reader.integer("horizon", default: 1, in: 1...65_536)
      stride = try reader.integer("stride", default: 1, in: 1...1 << 30)
    } else {
      sequence = try reader.string("sequence", default: "sequence")
    }
    if task == .classification { label = try reader.string("label", default: "label") }
    if task != .multilabel { normalize = try reader.boolean("normalize", default: true) }
  }

  /// The whole section.
  func json(_ task: TaskName, _ data: DataConfig) -> OrderedJSON {
    if task.isGenerated { return ["valid_sequences": .integer(validSequences)] }
    func list(_ names: [String]?) -> OrderedJSON {
      names.map { .array($0.map { .string($0) }) } ?? .null
    }
    let head: OrderedJSON = [
      "train": .string(data.train), "valid": data.valid.map { .string($0) } ?? .null,
      "valid_fraction": .number(data.validFraction), "format": .string(format.rawValue),
      "columns": list(columns), "sequence": sequence.map { .string($0) } ?? .null,
    ]
    switch task {
    case .forecasting:
      return head.merging([
        "targets": list(targets), "horizon": .integer(horizon), "stride": .integer(stride),
        "normalize": .bool(normalize),
      ])
    case .classification:
      return head.merging(["label": .string(label), "normalize": .bool(normalize)])
    case .multilabel, .language, .adding, .copy: return head
    }
  }
}
