/// How the learning rate changes over a run, after a linear warm-up.
package struct ScheduleConfig: ConfigSection {
  package enum Name: String, CaseIterable, Sendable {
    case constant, linear, cosine, step, plateau
    case warmupStableDecay = "warmup_stable_decay"
  }

  package var name = Name.cosine
  package var warmupSteps = 100
  /// The learning rate of the last step as a fraction of the peak, where the schedule ends on one.
  package var finalFraction = 0.1
  /// What "step" and "plateau" multiply the rate by.
  package var factor = 0.25
  /// Steps between two falls of "step".
  package var stepEvery = 1000
  /// Validations in a row without a lower loss after which "plateau" falls.
  package var patience = 1
  /// Steps at the end in which "warmup_stable_decay" falls.
  package var decaySteps = 400

  package init() {}

  package static let keys: [ConfigKey<ScheduleConfig>] = [
    ConfigKey(
      "name", \.name, .choice(aliases: ["wsd": .warmupStableDecay]), resume: .changesTrajectory,
      "How the learning rate goes on after the warm-up."),
    ConfigKey(
      "warmup_steps", \.warmupSteps, .integer(0...Int.max), resume: .changesTrajectory,
      "Steps in which the rate rises from 0."),
    ConfigKey(
      "final_fraction", \.finalFraction, .number(.from(0, to: 1)), resume: .changesTrajectory,
      "The last step's rate as a fraction of the peak, of linear, cosine and "
        + "warmup_stable_decay."),
    ConfigKey(
      "factor", \.factor,
      .number(NumberRange("a number above 0 and below 1") { $0 > 0 && $0 < 1 }),
      resume: .changesTrajectory, "What step and plateau multiply the rate by."),
    ConfigKey(
      "step_every", \.stepEvery, .integer(1...Int.max), resume: .changesTrajectory,
      "Steps between two falls of step."),
    ConfigKey(
      "patience", \.patience, .integer(1...Int.max), resume: .changesTrajectory,
      "Validations in a row without a lower loss after which plateau falls."),
    ConfigKey(
      "decay_steps", \.decaySteps, .integer(1...Int.max), resume: .changesTrajectory,
      "Steps at the end in which warmup_stable_decay falls."),
  ]
}
