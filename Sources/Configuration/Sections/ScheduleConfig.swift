import Records

/// How the learning rate changes over a run, after a linear warm-up.
package struct ScheduleConfig: Sendable, Equatable {
  package enum Name: String, CaseIterable, Sendable {
    case constant, linear, cosine, step, plateau
    case warmupStableDecay = "warmup_stable_decay"
  }

  package var name: Name
  package var warmupSteps: Int
  /// The learning rate of the last step as a fraction of the peak, where the schedule ends on one.
  package var finalFraction: Double
  /// What "step" and "plateau" multiply the rate by.
  package var factor: Double
  /// Steps between two falls of "step".
  package var stepEvery: Int
  /// Validations in a row without a lower loss after which "plateau" falls.
  package var patience: Int
  /// Steps at the end in which "warmup_stable_decay" falls.
  package var decaySteps: Int

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    name = try reader.choice("name", default: .cosine, aliases: ["wsd": .warmupStableDecay])
    warmupSteps = try reader.integer("warmup_steps", default: 100, in: 0...Int.max)
    finalFraction = try reader.number(
      "final_fraction", default: 0.1, expected: "a number from 0 to 1"
    ) { 0...1 ~= $0 }
    factor = try reader.number(
      "factor", default: 0.25, expected: "a number above 0 and below 1"
    ) { $0 > 0 && $0 < 1 }
    stepEvery = try reader.integer("step_every", default: 1000, in: 1...Int.max)
    patience = try reader.integer("patience", default: 1, in: 1...Int.max)
    decaySteps = try reader.integer("decay_steps", default: 400, in: 1...Int.max)
    try reader.finish()
  }

  var json: OrderedJSON {
    [
      "name": .string(name.rawValue), "warmup_steps": .integer(warmupSteps),
      "final_fraction": .number(finalFraction), "factor": .number(factor),
      "step_every": .integer(stepEvery), "patience": .integer(patience),
      "decay_steps": .integer(decaySteps),
    ]
  }
}
