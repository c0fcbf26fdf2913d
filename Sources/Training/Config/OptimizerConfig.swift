/// How parameters are updated.
package struct OptimizerConfig: Sendable, Equatable {
  package enum Name: String, CaseIterable, Sendable { case adam, adamw, sgd }

  package var name: Name
  package var learningRate: Double
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double
  /// Of SGD; 0 for none.
  package var momentum: Double
  /// Added to the gradient by adam and sgd, taken from the value itself by adamw.
  package var weightDecay: Double
  /// The global gradient norm above which gradients are scaled down; 0 for no clipping.
  package var clipNorm: Double
  package var schedule: ScheduleConfig

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
    schedule = try ScheduleConfig(try reader.section("schedule"))
    try reader.finish()
  }

  var json: OrderedJSON {
    [
      "name": .string(name.rawValue), "learning_rate": .number(learningRate),
      "beta1": .number(beta1), "beta2": .number(beta2), "epsilon": .number(epsilon),
      "momentum": .number(momentum), "weight_decay": .number(weightDecay),
      "clip_norm": .number(clipNorm), "schedule": schedule.json,
    ]
  }

  private static let fraction = "a number from 0 up to, but not, 1"
  // Rounded to single precision it must stay below 1 as well.
  private static func isFraction(_ value: Double) -> Bool { value >= 0 && Float(value) < 1 }
}
