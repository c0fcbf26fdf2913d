import Corpora
import Records
import Tasks

/// A key that only matters together with some values of another one.
private struct EffectRule {
  var key: String
  /// Whether it matters in this config.
  var matters: Bool
  /// What it is for: "sgd and asgd".
  var purpose: String
  /// What the config has instead: "optimizer.name is "adam"".
  var instead: String
}

extension Config {
  /// Throws for a key that is set to another value than its default, and changes nothing.
  ///
  /// Configs that checkpoints keep are not held to it: earlier programs took such values.
  func checkEffects(_ place: ConfigPlace) throws(ConfigError) {
    let values = json.leaves
    let defaults = Config(defaultsOf: task).json(of: task).leaves
    let rules = modelRules + optimizerRules + scheduleRules + tokenRules + otherRules
    for rule in rules where !rule.matters {
      guard let fallback = defaults[rule.key], let value = values[rule.key], value != fallback
      else { continue }
      throw place.failure(
        rule.key, "is for \(rule.purpose), and \(rule.instead): it would change nothing",
        hint: "leave it out, or set it to \(fallback.line)")
    }
  }

  /// What the schedule does and people may not expect.
  package var scheduleRemarks: [String] {
    let warmup = optimizer.schedule.warmupSteps
    guard warmup > run.steps else { return [] }
    let isDefault = warmup == ScheduleConfig().warmupSteps
    let share = Double(run.steps) / Double(warmup)
    return [
      "the warm-up of \(warmup) steps\(isDefault ? " (the default)" : "") is longer than the run: "
        + "the learning rate only rises, to \(Format.fixed(100 * share, 1)) % of "
        + "optimizer.learning_rate; lower optimizer.schedule.warmup_steps"
    ]
  }

  private var modelRules: [EffectRule] {
    let cell = "model.cell is \"\(model.cell.rawValue)\""
    return [
      EffectRule(
        key: "model.reset", matters: model.cell == .gru, purpose: "cell \"gru\"", instead: cell),
      EffectRule(
        key: "model.initial_update_bias", matters: model.cell != .rnn,
        purpose: "cells with an update or forget gate", instead: cell),
      EffectRule(
        key: "model.dropout_kind", matters: model.dropout > 0, purpose: "model.dropout",
        instead: "that is 0"),
      EffectRule(
        key: "model.adaptive_factor", matters: !model.adaptiveSoftmax.isEmpty,
        purpose: "model.adaptive_softmax", instead: "that is null"),
    ]
  }

  private var optimizerRules: [EffectRule] {
    func rule(_ key: String, _ names: [OptimizerConfig.Name]) -> EffectRule {
      EffectRule(
        key: "optimizer.\(key)", matters: names.contains(optimizer.name),
        purpose: Self.list(names.map(\.rawValue)),
        instead: "optimizer.name is \"\(optimizer.name.rawValue)\"")
    }
    return [
      rule("beta1", [.adam, .adamw]), rule("beta2", [.adam, .adamw, .rmsprop]),
      rule("epsilon", [.adam, .adamw, .rmsprop, .adagrad]), rule("momentum", [.sgd, .asgd]),
      rule("average_patience", [.asgd]),
    ]
  }

  private var scheduleRules: [EffectRule] {
    let name = optimizer.schedule.name
    func rule(_ key: String, _ names: [ScheduleConfig.Name]) -> EffectRule {
      EffectRule(
        key: "optimizer.schedule.\(key)", matters: names.contains(name),
        purpose: Self.list(names.map(\.rawValue)),
        instead: "optimizer.schedule.name is \"\(name.rawValue)\"")
    }
    return [
      rule("final_fraction", [.linear, .cosine, .warmupStableDecay]),
      rule("factor", [.step, .plateau]), rule("step_every", [.step]),
      rule("patience", [.plateau]), rule("decay_steps", [.warmupStableDecay]),
    ]
  }

  private var tokenRules: [EffectRule] {
    let kind = data.tokens.tokenizer ?? (task == .language ? data.tokenizer : nil)
    let instead = "data.tokenizer is " + (kind.map { "\"\($0.rawValue)\"" } ?? "null")
    func rules(_ keys: [String], _ matters: Bool, _ purpose: String) -> [EffectRule] {
      keys.map {
        EffectRule(key: "data.\($0)", matters: matters, purpose: purpose, instead: instead)
      }
    }
    let readsTokens = taskDescription.readsTokens
    return rules(
      ["minimum_count", "vocabulary_limit"], kind == .word || kind == .bytePair,
      "words and byte pairs")
      + rules(["truncate", "embeddings"], readsTokens, "texts") + [textRule(instead)]
      + rules(
        [
          "missing_values", "columns", "normalize", "calendar", "static",
          "width", "categories",
        ], !readsTokens,
        "real values")
      + rules(
        ["missing"], !readsTokens || task == .classification && data.task.missing == .drop,
        "real values, or of texts \"drop\"")
      + rules(
        ["sequence"], !readsTokens || taskDescription.outputs == .items, "real values and sessions")
  }

  private func textRule(_ instead: String) -> EffectRule {
    guard task == .language else {
      return EffectRule(
        key: "data.text", matters: taskDescription.readsTokens, purpose: "texts", instead: instead)
    }
    let documents = data.tokens.documents
    return EffectRule(
      key: "data.text", matters: documents == .record, purpose: "records",
      instead: "data.documents is " + (documents.map { "\"\($0.rawValue)\"" } ?? "null"))
  }

  private var otherRules: [EffectRule] {
    let readout = "output.readout is \"\(output.readout.rawValue)\""
    let local = ["local_groups", "outer_learning_rate", "outer_momentum"].map {
      EffectRule(
        key: "exchange.\($0)", matters: exchange.isLocal, purpose: "exchange.synchronize_every",
        instead: "that is 0")
    }
    return local + [
      EffectRule(
        key: "data.valid_fraction", matters: data.split.rule.by.takesFractions,
        purpose: "splits by fraction",
        instead: "data.split.by is \"\(data.split.rule.by.rawValue)\""),
      EffectRule(
        key: "output.quantiles", matters: output.loss == .quantile, purpose: "loss \"quantile\"",
        instead: "output.loss is \"\(output.loss.rawValue)\""),
      EffectRule(
        key: "data.category_size", matters: data.task.categories != nil,
        purpose: "data.categories", instead: "that is null"),
      EffectRule(
        key: "data.ignore_label",
        matters: output.readout == .every || data.tokens.tokenizer != nil,
        purpose: "texts and output.readout \"every\"", instead: readout),
      EffectRule(
        key: "output.sampled_power", matters: output.sampled != nil, purpose: "output.sampled",
        instead: "that is null"),
      EffectRule(
        key: "data.scale", matters: data.task.normalize, purpose: "data.normalize",
        instead: "that is false"),
      EffectRule(
        key: "exchange.compression_groups", matters: exchange.compression != .none,
        purpose: "exchange.compression", instead: "that is \"none\""),
      EffectRule(
        key: "run.best_by", matters: run.validateEvery > 0, purpose: "validations",
        instead: "run.validate_every is 0"),
      EffectRule(
        key: "run.hooks.best", matters: run.validateEvery > 0, purpose: "validations",
        instead: "run.validate_every is 0"),
      EffectRule(
        key: "run.hooks.seconds", matters: !run.hooks.isEmpty, purpose: "commands at events",
        instead: "run.hooks has none"),
      EffectRule(
        key: "run.sample_length", matters: taskDescription.writesText, purpose: "task \"language\"",
        instead: "task is \"\(task.rawValue)\""),
    ]
  }

  /// "adam, adamw and rmsprop".
  private static func list(_ names: [String]) -> String {
    names.count < 2
      ? names.joined() : names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
  }
}
