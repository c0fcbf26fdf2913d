package import Configuration

/// How an engine updates what it owns: what the config says, and what follows from how ranks
/// exchange and from what the engine is for. It decides which arenas stand beside the parameters.
package struct UpdateRule: Sendable {
  package let config: OptimizerConfig
  /// Whether owners keep exact parameters, because what ranks share of them is rounded.
  package let keepsMaster: Bool
  /// Whether this is the step that brings the parameters of groups together.
  package let isOuter: Bool

  package init(_ config: OptimizerConfig, _ exchange: ExchangeConfig, isOuter: Bool = false) {
    self.config = config
    keepsMaster = exchange.compression != .none
    self.isOuter = isOuter
  }

  /// That of a run, or of each group where these train apart.
  package init(_ config: Config) { self.init(config.optimizer, config.exchange) }

  /// The names of the arenas that are kept beside the parameters.
  package var momentNames: [String] {
    gradientMomentNames + (config.averages ? [Self.averageName] : [])
      + (keepsMaster ? [Self.masterName] : [])
  }

  package static let masterName = "master"

  package static let averageName = "average"

  /// The names of those that an update needs.
  package var gradientMomentNames: [String] {
    switch config.name {
    case .adam, .adamw: ["first_moment", "second_moment"]
    case .sgd, .asgd: [isOuter ? "outer_velocity" : "velocity"]
    case .rmsprop, .adagrad: ["squares"]
    }
  }
}

extension OptimizerConfig {
  /// The step that brings the parameters of groups together: SGD with Nesterov's momentum.
  func outer(_ exchange: ExchangeConfig) -> OptimizerConfig {
    var outer = self
    outer.name = .sgd
    outer.learningRate = exchange.outerLearningRate
    outer.momentum = exchange.outerMomentum
    outer.weightDecay = 0
    outer.clipNorm = 0
    outer.lazy = false
    // Groups have trained at these rates already.
    outer.rates = LearningRateFactors()
    return outer
  }

  /// The weight of the newest parameters in a mean of `count`, themselves included: all weigh the
  /// same until that would fall below 1 − `emaDecay`.
  func averageWeight(count: Int) -> Float {
    max(Float(1 / Double(count)), name == .asgd ? 0 : Float(1 - emaDecay))
  }
}
