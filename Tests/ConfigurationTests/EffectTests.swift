import Configuration
import Records
import Testing

/// A key that is set and changes nothing is an error.
@Suite struct EffectTests {
  private static let minimal = Array(#"{"data": {"train": "t.txt"}}"#.utf8)

  @Test(arguments: [
    (["data.tokenizer=character", "data.minimum_count=2"], "data.minimum_count"),
    (["data.vocabulary_limit=300"], "data.vocabulary_limit"),
    (["optimizer.momentum=0.9"], "optimizer.momentum"),
    (["optimizer.name=sgd", "optimizer.beta2=0.9"], "optimizer.beta2"),
    (["optimizer.name=rmsprop", "optimizer.beta1=0.8"], "optimizer.beta1"),
    (["optimizer.name=sgd", "optimizer.epsilon=1e-6"], "optimizer.epsilon"),
    (["optimizer.average_patience=2"], "optimizer.average_patience"),
    (["optimizer.schedule.step_every=5"], "optimizer.schedule.step_every"),
    (["optimizer.schedule.patience=5"], "optimizer.schedule.patience"),
    (["optimizer.schedule.name=constant", "optimizer.schedule.final_fraction=0.5"],
      "optimizer.schedule.final_fraction"),
    (["model.cell=rnn", "model.reset=after"], "model.reset"),
    (["model.cell=lstm", "model.reset=after"], "model.reset"),
    (["model.cell=rnn", "model.initial_update_bias=1"], "model.initial_update_bias"),
    (["model.dropout_kind=locked"], "model.dropout_kind"),
    (["model.adaptive_factor=2"], "model.adaptive_factor"),
    (["exchange.local_groups=4"], "exchange.local_groups"),
    (["exchange.outer_momentum=0.5"], "exchange.outer_momentum"),
    (["exchange.compression_groups=4"], "exchange.compression_groups"),
    (["task=classification", "run.sample_length=9"], "run.sample_length"),
    (["run.validate_every=0", "run.best_by=perplexity"], "run.best_by"),
  ])
  func keysWithoutEffectAreRefused(assignments: [String], key: String) throws {
    let overrides = assignments.map { ConfigOverride(set: $0) }
    let error = #expect(throws: ConfigError.self) {
      try Config(json: Self.minimal, file: "c.json", overrides: overrides)
    }
    #expect(error?.key == key, "\(String(describing: error))")
    #expect(error?.problem.contains("would change nothing") == true)
    #expect(error?.place == "--set \(assignments[assignments.count - 1])")
  }

  @Test func whatHasAnEffectOrIsTheDefaultIsTaken() throws {
    for assignments in [
      ["data.tokenizer=word", "data.minimum_count=2"], ["data.minimum_count=1"],
      ["optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.beta2=0.999"],
      ["optimizer.schedule.name=step", "optimizer.schedule.step_every=5"],
      ["model.reset=after"], ["model.cell=lstm", "model.reset=before"],
    ] {
      _ = try Config(
        json: Self.minimal, file: "c.json", overrides: assignments.map { ConfigOverride(set: $0) })
    }
  }

  /// Earlier programs took such values, and their checkpoints go on.
  @Test func checkpointsAreNotHeldToIt() throws {
    let plain = try Config(json: Self.minimal, file: "c.json")
    var stored = plain.json
    #expect(stored.set(0.9, at: ["optimizer", "momentum"]) == nil)
    #expect(throws: ConfigError.self) { try Config(json: Array(stored.line.utf8), file: "c") }
    #expect(try Config(stored: stored, place: "checkpoint").optimizer.momentum == 0.9)
  }

  @Test(arguments: [
    ("optimizer.beta2=0.99999999", "single precision, in which training computes, makes it 1"),
    ("optimizer.learning_rate=1e-320", "makes it 0"), ("optimizer.learning_rate=1e39", "infinite"),
  ])
  func roundingIsNamed(assignment: String, words: String) {
    let error = #expect(throws: ConfigError.self) {
      try Config(
        json: Self.minimal, file: "c.json", overrides: [ConfigOverride(set: assignment)])
    }
    #expect(error?.hint?.contains(words) == true, "\(String(describing: error))")
  }

  @Test func periodsNearTheGreatestIntegerAreRefusedInWords() {
    let error = #expect(throws: ConfigError.self) {
      try Config(
        json: Self.minimal, file: "c.json",
        overrides: [
          "exchange.synchronize_every=1000000", "exchange.local_groups=8", "run.steps=1000000",
          "run.log_every=9223372036854775807",
        ].map { ConfigOverride(set: $0) })
    }
    #expect(error?.hint == "the nearest are 9223372036854000000; 0 is never")
  }
}
