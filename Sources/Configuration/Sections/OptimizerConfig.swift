import Records

/// How parameters are updated.
package struct OptimizerConfig: Sendable, Equatable {
  package enum Name: String, CaseIterable, Sendable {
    case adam, adamw, sgd, rmsprop, adagrad
    /// SGD whose parameters are averaged once validation stalls.
    case asgd
  }

  package var name: Name
  package var learningRate: Double
  package var beta1: Double
  /// Of the mean square; of adam, adamw and rmsprop.
  package var beta2: Double
  package var epsilon: Double
  /// Of sgd and asgd; 0 for none.
  package var momentum: Double
  /// Added to the gradient, but taken from the value itself by adamw.
  package var weightDecay: Double
  /// The global gradient norm above which gradients are scaled down; 0 for no clipping.
  package var clipNorm: Double
  /// How much of the running mean of the parameters stays at each step; 0 for no such mean.
  package var emaDecay: Double
  /// Validations before the last that a loss must not fall behind: asgd starts to average when it
  /// does.
  package var averagePatience: Int
  /// Whether only those rows of the embedding are updated that the batch looks up; of adam and
  /// adamw.
  package var lazy: Bool
  package var schedule: ScheduleConfig
  /// Whether owners keep exact parameters, because what ranks share of them is rounded; follows
  /// from how ranks exchange.
  package var keepsMaster = false
  /// Whether this is the step that brings the parameters of groups together.
  package var isOuter = false

  init(_ reader: consuming ConfigReader) throws(ConfigError) {
    name = try reader.choice("name", default: .adam)
    learningRate = try reader.number(
      "learning_rate", default: 0.002, expected: "a number above 0"
    ) { $0 > 0 && Float($0).isFinite && Float($0) > 0 }
    beta1 = try reader.number(
      "beta1", default: 0.9, expected: Self.fraction, where: Self.isFraction)
    beta2 = try reader.number(
      "beta2", default: 0.999, expected: Self.fraction, where: Self.isFraction)
    epsilon = try reader.number(
      "epsilon", default: 1e-8, expected: "a number above 0 (1e-30 or more)"
    ) { $0 >= 1e-30 && Float($0).isFinite }
    momentum = try reader.number(
      "momentum", default: 0, expected: Self.fraction, where: Self.isFraction)
    weightDecay = try reader.number(
      "weight_decay", default: 0, expected: "a number of at least 0"
    ) { $0 >= 0 && Float($0).isFinite }
    clipNorm = try reader.number(
      "clip_norm", default: 1, expected: "a number of at least 0 (0 = no clipping)"
    ) { $0 >= 0 && Float($0).isFinite }
    emaDecay = try reader.number(
      "ema_decay", default: 0, expected: Self.fraction, where: Self.isFraction)
    averagePatience = try reader.integer("average_patience", default: 5, in: 1...1000)
    lazy = try reader.boolean("lazy", default: false)
    schedule = try ScheduleConfig(try reader.section("schedule"))
    try reader.finish()
    if lazy, name != .adam, name != .adamw {
      throw reader.failure(
        "lazy", "is for adam and adamw, and optimizer.name is \"\(name.rawValue)\"",
        hint: "set it to false")
    }
    if name == .asgd, emaDecay > 0 {
      throw reader.failure(
        "ema_decay", "asgd averages parameters already", hint: "set ema_decay to 0, or use sgd")
    }
  }

  /// Whether a running mean of the parameters is kept, which then is what is validated and sampled.
  package var averages: Bool { name == .asgd || emaDecay > 0 }

  var json: OrderedJSON {
    [
      "name": .string(name.rawValue), "learning_rate": .number(learningRate),
      "beta1": .number(beta1), "beta2": .number(beta2), "epsilon": .number(epsilon),
      "momentum": .number(momentum), "weight_decay": .number(weightDecay),
      "clip_norm": .number(clipNorm), "ema_decay": .number(emaDecay),
      "average_patience": .integer(averagePatience), "lazy": .bool(lazy),
      "schedule": schedule.json,
    ]
  }

  private static let fraction = "a number from 0 up to, but not, 1"
  // Rounded to single precision it must stay below 1 as well.
  private static func isFraction(_ value: Double) -> Bool { value >= 0 && Float(value) < 1 }
}
