import Configuration

extension OptimizerConfig {
  /// The step that brings the parameters of groups together: SGD with Nesterov's momentum.
  func outer(_ exchange: ExchangeConfig) -> OptimizerConfig {
    var outer = self
    outer.name = .sgd
    outer.isOuter = true
    outer.learningRate = exchange.outerLearningRate
    outer.momentum = exchange.outerMomentum
    outer.weightDecay = 0
    outer.clipNorm = 0
    outer.lazy = false
    return outer
  }

  /// The weight of the newest parameters in a mean of `count`, themselves included: all weigh the
  /// same until that would fall below 1 − `emaDecay`.
  func averageWeight(count: Int) -> Float {
    max(Float(1 / Double(count)), name == .asgd ? 0 : Float(1 - emaDecay))
  }
}
