package import Collectives
import Configuration
import Engine
import Foundation
package import Records
package import Runs

/// Trains for some steps while the learning rate rises exponentially, until the loss diverges:
/// which rates lower it, and how much (Smith 2015, arXiv 1506.01186).
package struct LearningRateRange {
  package var options: TrainOptions
  /// The first rate, the last one, and the steps from one to the other.
  package var from = 1e-7
  package var to = 10.0
  package var steps = 100
  /// Where to write the curve as comma-separated values; nil writes nothing.
  package var output: String?

  package init(options: TrainOptions) { self.options = options }

  private func validate() throws {
    guard from > 0, from < to, Float(from) > 0, Float(to).isFinite else {
      throw UsageError(
        "--from and --to: expected two rates above 0, the first the lower one, found \(from) and "
          + "\(to)")
    }
    // Of fewer, the smoothed curve says nothing.
    guard 40...1_000_000 ~= steps else {
      throw UsageError("--steps: expected 40 to 1000000, found \(steps)")
    }
    guard let output else { return }
    try FileStatus.requireReplaceable(output, option: "--output", overwrite: options.overwrite)
  }

  /// Every rank calls it; all throw alike.
  package func run(on communicator: any Communicator, console: Console) throws {
    try communicator.agree { try validate() }
    let factor = pow(to / from, 1 / Double(steps - 1))
    let trial = try TrialRun(options, on: communicator, purpose: "lr-range") { settings in
      // A rate that is multiplied after every step, from the first on.
      settings.optimizer.learningRate = from
      settings.optimizer.schedule = ScheduleConfig()
      settings.optimizer.schedule.name = .step
      settings.optimizer.schedule.warmupSteps = 0
      settings.optimizer.schedule.stepEvery = 1
      settings.optimizer.schedule.factor = factor
      settings.steps = steps
    }
    announce(trial.setup.config, console)
    var curve = RangeCurve()
    var end = "--to"
    for step in 1...steps {
      guard let outcome = try trial.performStep() else {
        end = "not finite"
        break
      }
      // A short window of a text is trained on at a lower rate, as it weighs less.
      let rate = from * pow(factor, Double(step - 1))
      if curve.append(.init(step: step, rate: rate, loss: outcome.loss)) {
        end = "diverged"
        break
      }
    }
    try communicator.coordinate {
      try report(curve, end: end, config: trial.setup.config, console)
      if let output { try write(curve, to: output) }
      try console.requireWritten()
    }
  }

  private func announce(_ config: Config, _ console: Console) {
    let clip = config.optimizer.clipNorm
    console.say(
      "\(steps) steps of \(config.optimizer.name.rawValue) from \(rate(from)) to \(rate(to)); the "
        + "config's schedule is left out, "
        + (clip > 0
          ? "and gradients are clipped to \(clip) as it says (optimizer.clip_norm)"
          : "and gradients are not clipped"))
  }

  private func report(
    _ curve: RangeCurve, end: String, config: Config, _ console: Console
  ) throws {
    let smoothed = curve.smoothed
    let stride = max(1, curve.points.count / Self.lines)
    var rows = [["step", "learning rate", "loss", "smoothed"]]
    for (place, point) in curve.points.enumerated() {
      let isTold = place.isMultiple(of: stride) || place == curve.points.count - 1
      if isTold {
        let losses = [point.loss, smoothed[place]].map { Format.small($0) }
        rows.append(["\(point.step)", rate(point.rate)] + losses)
      }
      console.record([
        "kind": "lr_range_step", "step": .integer(point.step),
        "learning_rate": .number(point.rate), "loss": .number(point.loss),
        "smoothed": .number(smoothed[place]),
      ])
    }
    TextTable.lines(rows, rightAligned: [0, 1, 2, 3]).forEach(console.say)
    console.say(words(end))
    let suggestion = curve.suggestion
    say(suggestion, config, console)
    console.record([
      "kind": "lr_range", "steps": .integer(curve.points.count), "end": .string(end),
      "steepest": suggestion.map { .number($0.steepest) } ?? .null,
      "minimum": suggestion.map { .number($0.minimum) } ?? .null,
      "minimum_tenth": suggestion.map { .number($0.minimumTenth) } ?? .null,
      "learning_rate": .number(config.optimizer.learningRate),
    ])
  }

  private func say(
    _ suggestion: RangeCurve.Suggestion?, _ config: Config, _ console: Console
  ) {
    guard let suggestion else {
      return console.say(
        "no rate lowered the loss: begin with a lower one (--from), or look at the data and the "
          + "model (gru-dist overfit)")
    }
    console.say("steepest    \(rate(suggestion.steepest)): where the loss falls the fastest")
    console.say(
      "minimum     \(rate(suggestion.minimum)), a tenth of which is "
        + rate(suggestion.minimumTenth)
        + (suggestion.isMinimumLast ? "; the loss still fell at the end: raise --to" : ""))
    console.say(
      "a rate between these is a good start; the config has optimizer.learning_rate "
        + "\(config.optimizer.learningRate)")
  }

  /// Lines of the table, about.
  private static let lines = 25

  private func words(_ end: String) -> String {
    switch end {
    case "diverged": "ended         the loss has diverged"
    case "not finite": "ended         a loss or gradient was not finite"
    default: "ended         at the last rate"
    }
  }

  private func rate(_ value: Double) -> String { String(format: "%.2e", value) }

  private func write(_ curve: RangeCurve, to path: String) throws {
    var text = "step,learning_rate,loss,smoothed\n"
    for (point, smoothed) in zip(curve.points, curve.smoothed) {
      text += "\(point.step),\(point.rate),\(point.loss),\(smoothed)\n"
    }
    try FileDraft.write(Array(text.utf8), to: path, replaces: options.overwrite)
  }
}
