package import Tasks

/// What `gru-dist memory` compares.
package struct MemoryConfig: ConfigSection {
  package var tasks = [TaskName.adding, .copy]
  package var cells = [ModelConfig.CellName.rnn, .gru]
  /// Steps that something is to be remembered over: of the adding problem, and the gap of the
  /// copy task.
  package var lengths = [25, 50, 100, 200]
  /// Updates of each model.
  package var steps = 600

  package init() {}

  package static let keys: [ConfigKey<MemoryConfig>] = [
    ConfigKey(
      "tasks", \.tasks, .choices(), resume: .free,
      "Of `gru-dist memory`: the tasks to train on."),
    ConfigKey(
      "cells", \.cells, .choices(), resume: .free, "Of `gru-dist memory`: the cells to compare."),
    ConfigKey(
      "lengths", \.lengths, .integers(2...65_000), resume: .free,
      "Of `gru-dist memory`: steps that something is to be remembered over."),
    ConfigKey(
      "steps", \.steps, .integer(1...99_999_999), resume: .free,
      "Of `gru-dist memory`: updates of each model."),
  ]

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    if let task = tasks.first(where: { !$0.description.isGenerated }) {
      throw place.failure(
        "tasks", "\"\(task.rawValue)\" has no length that could grow",
        hint: "possible are \"adding\" and \"copy\"")
    }
  }
}
