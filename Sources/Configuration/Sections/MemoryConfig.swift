import Records

/// What `gru-dist memory` compares.
package struct MemoryConfig: Sendable, Equatable {
  package var tasks: [TaskName]
  package var cells: [ModelConfig.CellName]
  /// Steps that something is to be remembered over: of the adding problem, and the gap of the
  /// copy task.
  package var lengths: [Int]
  /// Updates of each model.
  package var steps: Int

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    tasks = try reader.choices("tasks", default: [.adding, .copy])
    cells = try reader.choices("cells", default: [.rnn, .gru])
    lengths = try reader.integers("lengths", default: [25, 50, 100, 200], in: 2...65_000)
    steps = try reader.integer("steps", default: 600, in: 1...99_999_999)
    try reader.finish()
    if let task = tasks.first(where: { !$0.isGenerated }) {
      throw reader.failure(
        "tasks", "\"\(task.rawValue)\" has no length that could grow",
        hint: "possible are \"adding\" and \"copy\"")
    }
  }
}
