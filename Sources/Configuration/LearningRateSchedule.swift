import NumericContract

/// The learning rate of every step, computed without the C library so that it is the same
/// everywhere.
package struct LearningRateSchedule: Sendable {
  package let peak: Double
  package let config: ScheduleConfig
  /// Steps of the whole run.
  package let steps: Int

  package init(peak: Double, config: ScheduleConfig, steps: Int) {
    self.peak = peak
    self.config = config
    self.steps = steps
  }

  /// That of a run.
  package init(_ config: Config) {
    self.init(
      peak: config.optimizer.learningRate, config: config.optimizer.schedule,
      steps: config.run.steps)
  }

  /// The rate of update `step`, counted from 1: rises linearly over the warm-up, which ends on the
  /// peak, then does what the schedule's name says, beyond the last step as on the last.
  ///
  /// - Parameter decays: how often validation has stalled so far; for "plateau".
  package func rate(atStep step: Int, decays: Int = 0) -> Double {
    precondition(step >= 1, "step \(step) < 1")
    let peak = config.name == .plateau ? peak * Elementary.power(config.factor, decays) : peak
    if step <= config.warmupSteps { return peak * Double(step) / Double(config.warmupSteps) }
    let span = steps - config.warmupSteps
    let progress = span <= 0 ? 1 : min(1, Double(step - config.warmupSteps) / Double(span))
    let final = config.finalFraction
    switch config.name {
    case .constant, .plateau: return peak
    case .linear: return peak * (1 - (1 - final) * progress)
    case .cosine:
      return peak * (final + (1 - final) * 0.5 * (1 + Elementary.cos(Double.pi * progress)))
    case .step:
      let falls = (step - config.warmupSteps - 1) / config.stepEvery
      return peak * Elementary.power(config.factor, falls)
    case .warmupStableDecay:
      // The fall starts after the warm-up at the earliest.
      let start = max(config.warmupSteps, steps - config.decaySteps)
      if step <= start { return peak }
      let fallen = min(1, Double(step - start) / Double(max(1, steps - start)))
      return peak * (1 - (1 - final) * fallen)
    }
  }
}
