package import Collectives
import Configuration
import Engine
import Foundation
package import Records
package import Runs
import Tasks

/// Trains on one batch again and again, until its loss is near zero: what a config cannot do where
/// model, data or learning rate do not fit together.
package struct OverfitTrial {
  package var options: TrainOptions
  package var steps = 1000
  /// The loss to reach; nil takes a twentieth of the first one.
  package var loss: Double?

  package init(options: TrainOptions) { self.options = options }

  /// Something of the config that keeps a model from learning a batch by heart.
  private struct Switch {
    var key: String
    var value: String
    var overrides: [String]
  }

  /// Every rank calls it; all throw alike.
  ///
  /// - Returns: whether the loss was reached.
  package func run(on communicator: any Communicator, console: Console) throws -> Bool {
    var options = options
    var off: [Switch] = []
    try communicator.agree {
      guard 1...1_000_000 ~= steps else {
        throw UsageError("--steps: expected 1 to 1000000, found \(steps)")
      }
      if let loss, !loss.isFinite { throw UsageError("--loss: expected a number, found \(loss)") }
      let config = try Config(file: options.configFile, overrides: options.overrides)
      if let loss, loss < 0, !config.taskDescription.loss.mayBeNegative {
        throw UsageError(
          "--loss: expected at least 0, found \(loss); a loss in "
            + "\(config.taskDescription.lossUnit) never falls below 0")
      }
      off = Self.switches(config)
      options.overrides += off.flatMap(\.overrides).map { ConfigOverride(set: $0) }
    }
    let trial = try TrialRun(
      options, on: communicator, purpose: "overfit", source: { .first(of: $0) }
    ) { settings in
      settings.optimizer.schedule = ScheduleConfig()
      settings.optimizer.schedule.name = .constant
      settings.optimizer.schedule.warmupSteps = 0
      settings.steps = steps
    }
    let config = trial.setup.config
    console.say(
      "trains on the first batch alone, with \(config.optimizer.name.rawValue) at a constant "
        + "learning rate of \(config.optimizer.learningRate)")
    if !off.isEmpty {
      console.say("off         \(off.map { "\($0.key) (\($0.value))" }.joined(separator: ", "))")
    }
    let outcome = try perform(trial, console)
    say(outcome, config, console)
    console.record(outcome.json(off: off.map(\.key), unit: config.taskDescription.lossUnit))
    try communicator.coordinate { try console.requireWritten() }
    return outcome.isReached
  }

  /// What of the config is left out.
  private static func switches(_ config: Config) -> [Switch] {
    let (model, batch, output) = (config.model, config.batch, config.output)
    let all: [(isOn: Bool, Switch)] = [
      (
        model.dropout > 0,
        Switch(
          key: "model.dropout", value: "\(model.dropout)",
          overrides: ["model.dropout=0", "model.dropout_kind=element"])
      ),
      (
        model.embeddingDropout > 0,
        Switch(
          key: "model.embedding_dropout", value: "\(model.embeddingDropout)",
          overrides: ["model.embedding_dropout=0"])
      ),
      (
        model.recurrentDropout > 0,
        Switch(
          key: "model.recurrent_dropout", value: "\(model.recurrentDropout)",
          overrides: ["model.recurrent_dropout=0"])
      ),
      (
        batch.windowJitter > 0,
        Switch(
          key: "batch.window_jitter", value: "\(batch.windowJitter)",
          overrides: ["batch.window_jitter=0"])
      ),
      (
        batch.accumulate > 1,
        Switch(
          key: "batch.accumulate", value: "\(batch.accumulate)",
          overrides: ["batch.accumulate=1"])
      ),
      (
        output.labelSmoothing > 0,
        Switch(
          key: "output.label_smoothing", value: "\(output.labelSmoothing)",
          overrides: ["output.label_smoothing=0"])
      ),
      (
        output.sampled != nil,
        Switch(
          key: "output.sampled", value: "\(output.sampled ?? 0)",
          overrides: [
            "output.sampled=null", "output.sampled_power=\(OutputConfig().sampledPower)",
          ])
      ),
      (
        config.optimizer.weightDecay > 0,
        Switch(
          key: "optimizer.weight_decay", value: "\(config.optimizer.weightDecay)",
          overrides: ["optimizer.weight_decay=0"])
      ),
    ]
    return all.filter(\.isOn).map(\.1)
  }

  /// What came of it.
  private struct Outcome {
    var steps = 0
    var first = Double.nan
    var last = Double.nan
    var target = Double.nan
    var isFinite = true

    var isReached: Bool { isFinite && last <= target }

    func json(off: [String], unit: String) -> OrderedJSON {
      [
        "kind": "overfit", "reached": .bool(isReached), "steps": .integer(steps),
        "loss": last.isFinite ? .number(last) : .null,
        "first_loss": first.isFinite ? .number(first) : .null,
        "target": target.isFinite ? .number(target) : .null, "unit": .string(unit),
        "off": .array(off.map { .string($0) }),
      ]
    }
  }

  private func perform(_ trial: TrialRun, _ console: Console) throws -> Outcome {
    var outcome = Outcome()
    var told = 1
    for step in 1...steps {
      guard let done = try trial.performStep() else {
        outcome.isFinite = false
        return outcome
      }
      outcome.steps = step
      outcome.last = done.loss
      if step == 1 {
        outcome.first = done.loss
        outcome.target = loss ?? Self.target(of: done.loss)
      }
      if step == told || outcome.isReached || step == steps {
        console.say("step \(step)  loss \(Format.small(done.loss))")
        // 1, 2, 5, 10, 20, 50, ...
        while told <= step { told = "\(told)".hasPrefix("2") ? told / 2 * 5 : told * 2 }
      }
      if outcome.isReached { return outcome }
    }
    return outcome
  }

  /// A twentieth of the first loss; what may fall below zero, as a likelihood's does, has to fall
  /// by two nats where it begins there.
  private static func target(of first: Double) -> Double { first > 0 ? first / 20 : first - 2 }

  private func say(_ outcome: Outcome, _ config: Config, _ console: Console) {
    let unit = config.taskDescription.lossUnit
    guard outcome.isFinite else {
      return console.say(
        "not reached: a loss or gradient was not finite after step \(outcome.steps); lower "
          + "optimizer.learning_rate (gru-dist lr-range finds one)")
    }
    let figures = "loss \(Format.small(outcome.last)) (\(unit)) after "
      + "\(Format.count(outcome.steps, "step")), from \(Format.small(outcome.first)), and "
      + "\(Format.small(outcome.target)) was asked for"
    if outcome.isReached { return console.say("reached: \(figures)") }
    console.say(
      "not reached: \(figures). Usual reasons: a learning rate that is too low or too high "
        + "(gru-dist lr-range), too few steps (--steps), a model that is too small, or equal "
        + "inputs with different targets")
  }
}
