package import Engine
import Kernels
package import Records
package import Tasks

/// Shows people how a run goes: on a terminal one line that is redrawn, otherwise a line for each
/// logged step.
package final class ProgressLine {
  private let console: Console
  private let isInteractive: Bool
  private let steps: Int
  /// Bytes of text per training token, to show bits per byte; nil where there is no text.
  private let bytesPerToken: Double?
  private let task: TaskDescription
  private var isLineOpen = false
  private var lastDrawn: ContinuousClock.Instant?
  /// Of recent steps, smoothed.
  private var stepSeconds: Double?
  private var remaining = RemainingTime()

  package init(
    console: Console, isInteractive: Bool, steps: Int, bytesPerToken: Double?,
    task: TaskDescription
  ) {
    self.console = console
    self.isInteractive = isInteractive
    self.steps = steps
    self.bytesPerToken = bytesPerToken
    self.task = task
  }

  /// Takes note of a step; redraws the line, but not more often than five times a second.
  package func update(_ outcome: StepOutcome) {
    let seconds = outcome.duration.seconds / Double(outcome.steps)
    stepSeconds = stepSeconds.map { $0 * 0.9 + seconds * 0.1 } ?? seconds
    let now = ContinuousClock.now
    remaining.note(steps: outcome.steps, lasting: outcome.duration, at: now)
    guard isInteractive else { return }
    if let lastDrawn, now - lastDrawn < .milliseconds(200), outcome.step < steps { return }
    lastDrawn = now
    let speed = Double(outcome.tokens) / Double(outcome.steps) / (stepSeconds ?? seconds)
    // Back to the start of the line, and clear what an earlier, longer text left.
    console.put("\r\u{1B}[K" + text(step: outcome.step, loss: outcome.loss, speed: speed))
    isLineOpen = true
  }

  /// How long the run still takes after a step, in seconds; nil before the first.
  package func remainingSeconds(afterStep step: Int) -> Double? {
    remaining.seconds(for: max(0, steps - step))
  }

  /// Reports a logged step, unless the redrawn line does.
  ///
  /// - Parameter meanLoss: of the targets since the last one; nil where that is the step alone.
  package func log(step: Int, loss: Double, meanLoss: Double?, tokensPerSecond: Double) {
    if isInteractive { return }
    console.say(text(step: step, loss: loss, meanLoss: meanLoss, speed: tokensPerSecond))
  }

  /// A line that stays.
  package func say(_ line: String) {
    finishLine()
    console.say(line)
  }

  /// Ends the redrawn line, so that what follows starts on its own.
  package func finishLine() {
    if isLineOpen { console.put("\n") }
    isLineOpen = false
  }

  private func text(
    step: Int, loss: Double, meanLoss: Double? = nil, speed: Double
  ) -> String {
    func number(_ loss: Double) -> String {
      task.lossDecimals.map { Format.fixed(loss, $0) } ?? Format.small(loss)
    }
    let bits = bytesPerToken.map {
      "  \(Format.fixed(loss / $0 / Elementary.log(2), 3)) bits/byte"
    }
    let mean = meanLoss.map { " (mean \(number($0)))" } ?? ""
    let seconds = remainingSeconds(afterStep: step) ?? 0
    return "step \(step)/\(steps)  loss \(number(loss))\(mean)\(bits ?? "")  "
      + "\(Format.grouped(Int(saturating: speed))) \(task.unit.rawValue)/s  "
      + "ETA \(Format.time(seconds))"
  }
}
