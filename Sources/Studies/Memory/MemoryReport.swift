import Configuration
import Datasets
import Foundation
import Records
import Tasks

/// The outcomes of a memory study as a table and as JSON.
struct MemoryReport {
  let outcomes: [MemoryStudy.Outcome]
  let config: Config

  /// The table, with what its columns mean.
  var markdown: String {
    let header = [
      "task", "length", "cell", "loss", "without memory", "left before training",
      "left after training", "reach after training",
    ]
    let rows = outcomes.map { outcome in
      [
        outcome.task.rawValue, "\(outcome.length)", outcome.cell.rawValue.uppercased(),
        Format.small(outcome.loss), Format.small(outcome.trivialLoss),
        Self.power(outcome.before.remaining), Self.power(outcome.after.remaining),
        outcome.after.reach.map { "\($0)" } ?? "all",
      ]
    }
    let lines = ([header, header.map { _ in "---" }] + rows).map {
      "| " + $0.joined(separator: " | ") + " |"
    }
    return lines.joined(separator: "\n") + "\n\n"
      + "Each cell was trained by \(config.memory.steps) updates of \(config.batch.sequences) "
      + "sequences, with \(config.model.hidden) hidden units. \"Left\" is the gradient's norm "
      + "‖∂L/∂h‖ at the first step as a part of that at the answer, \"reach\" the steps back at "
      + "which less than a thousandth of it is left.\n"
  }

  var json: OrderedJSON {
    ["config": config.json, "outcomes": .array(outcomes.map(\.record))]
  }

  /// A part, as a power where it is small.
  static func power(_ value: Double) -> String {
    value == 0 ? "0" : String(format: value < 0.01 ? "%.0e" : "%.2f", value)
  }
}
