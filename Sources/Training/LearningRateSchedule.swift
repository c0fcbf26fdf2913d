import Kernels

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

  /// The rate of update `step`, counted from 1: rises linearly over the warm-up, which ends on the
  /// peak, then falls to `finalFraction` of it on the last step.
  package func rate(atStep step: Int) -> Double {
    precondition(step >= 1, "step \(step) < 1")
    if step <= config.warmupSteps { return peak * Double(step) / Double(config.warmupSteps) }
    let span = steps - config.warmupSteps
    let progress = span <= 0 ? 1 : min(1, Double(step - config.warmupSteps) / Double(span))
    let final = config.finalFraction
    switch config.name {
    case .constant: return peak
    case .linear: return peak * (1 - (1 - final) * progress)
    case .cosine:
      return peak * (final + (1 - final) * 0.5 * (1 + Elementary.cos(Double.pi * progress)))
    }
  }
}
