/// The keys of `data` that only tasks other than a language model have.
package struct TaskDataConfig: Sendable, Equatable {
  /// Sequences that a task which makes them up sets aside for validation.
  package var validSequences = 0

  init() {}

  init(_ reader: inout ConfigReader, task: TaskName) throws(ConfigError) {
    if task.isGenerated {
      validSequences = try reader.integer(
        "valid_sequences", default: 1000, in: 0...1 << 24)
    }
  }

  /// The whole section.
  func json(_ name: TaskName, _ data: DataConfig) -> OrderedJSON {
    ["valid_sequences": .integer(validSequences)]
  }
}
