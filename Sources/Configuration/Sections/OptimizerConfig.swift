package import Tasks

/// How parameters are updated.
package struct OptimizerConfig: ConfigSection {
  package enum Name: String, CaseIterable, Sendable {
    case adam, adamw, sgd, rmsprop, adagrad
    /// SGD whose parameters are averaged once validation stalls.
    case asgd
  }

  package var name = Name.adam
  package var learningRate = 0.002
  package var beta1 = 0.9
  /// Of the mean square; of adam, adamw and rmsprop.
  package var beta2 = 0.999
  package var epsilon = 1e-8
  /// Of sgd and asgd; 0 for none.
  package var momentum = 0.0
  /// Added to the gradient, but taken from the value itself by adamw.
  package var weightDecay = 0.0
  /// The global gradient norm above which gradients are scaled down; 0 for no clipping.
  package var clipNorm = 1.0
  /// How much of the running mean of the parameters stays at each step; 0 for no such mean.
  package var emaDecay = 0.0
  /// Validations before the last that a loss must not fall behind: asgd starts to average when it
  /// does.
  package var averagePatience = 5
  /// Whether only those rows of the embedding are updated that the batch looks up; of adam and
  /// adamw.
  package var lazy = false
  /// What the learning rate of a part of the model is multiplied by.
  package var rates = LearningRateFactors()
  package var schedule = ScheduleConfig()

  package init() {}

  package static let keys: [ConfigKey<OptimizerConfig>] = updateKeys + averageKeys

  private static let updateKeys: [ConfigKey<OptimizerConfig>] = [
    ConfigKey(
      "name", \.name, .choice(), resume: .switchesAveraging,
      "How parameters are updated; asgd is SGD whose parameters are averaged once validation "
        + "stalls."),
    ConfigKey(
      "learning_rate", \.learningRate, .number(.positive), resume: .changesTrajectory,
      "The peak of the schedule."),
    ConfigKey(
      "beta1", \.beta1, .number(.fraction), resume: .changesTrajectory,
      "Decay of the mean gradient of adam and adamw."),
    ConfigKey(
      "beta2", \.beta2, .number(.fraction), resume: .changesTrajectory,
      "Decay of the mean square of adam, adamw and rmsprop."),
    ConfigKey(
      "epsilon", \.epsilon,
      .number(
        NumberRange("a number above 0 (1e-30 or more)") { $0 >= 1e-30 && Float($0).isFinite }),
      resume: .changesTrajectory, "Added to the root of the mean square."),
    ConfigKey(
      "momentum", \.momentum, .number(.fraction), resume: .changesTrajectory,
      "Of sgd and asgd; 0 is none."),
    ConfigKey(
      "weight_decay", \.weightDecay, .number(.notNegative()), resume: .changesTrajectory,
      "Added to the gradient; adamw takes it from the value itself."),
    ConfigKey(
      "clip_norm", \.clipNorm, .number(.notNegative("0 = no clipping")),
      resume: .changesTrajectory,
      "The global gradient norm above which gradients are scaled down; 0 is no clipping."),
  ]

  private static let averageKeys: [ConfigKey<OptimizerConfig>] = [
    ConfigKey(
      "ema_decay", \.emaDecay, .number(.fraction), resume: .changesTrajectory,
      "How much of the running mean of parameters stays at each step; the mean is what is "
        + "validated, sampled and exported. 0 is no such mean."),
    ConfigKey(
      "average_patience", \.averagePatience, .integer(1...1000), resume: .changesTrajectory,
      "Validations before the last that asgd compares with: it starts to average when a loss falls "
        + "behind them."),
    ConfigKey(
      "lazy", \.lazy, .boolean, resume: .changesTrajectory,
      "Whether adam and adamw leave rows of the embedding alone that no input of the batch looks "
        + "up; see [exchange.md](exchange.md#lazy-updates-of-the-embedding)."),
    ConfigKey(
      "rates", \.rates, .learningRateFactors, resume: .changesTrajectory,
      "Factors of the learning rate by part of the model, `embedding`, `layers.0`, ..., `output`, "
        + "or by tensor; the longest name counts. See [fine-tuning.md](fine-tuning.md#what-trains)."
    ),
    ConfigKey(section: "schedule", \.schedule),
  ]

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {
    if lazy, name != .adam, name != .adamw {
      throw place.failure(
        "lazy", "is for adam and adamw, and optimizer.name is \"\(name.rawValue)\"",
        hint: "set it to false")
    }
    if name == .asgd, emaDecay > 0 {
      throw place.failure(
        "ema_decay", "asgd averages parameters already", hint: "set ema_decay to 0, or use sgd")
    }
  }

  /// Whether a running mean of the parameters is kept, which then is what is validated and sampled.
  package var averages: Bool { name == .asgd || emaDecay > 0 }
}
