import Configuration
import Testing

/// What a resumed run may change is declared with each key, and closed where nothing is said.
@Suite struct ResumeRuleTests {
  private func config(_ assignments: String...) throws -> Config {
    try Config(
      json: Array(#"{"data": {"train": "t.txt"}}"#.utf8), file: "c.json",
      overrides: assignments.map { ConfigOverride(set: $0) })
  }

  private func paths(_ rule: ResumeRule) -> Set<String> {
    Set(Config.reference.filter { $0.resume == rule }.map(\.path))
  }

  /// The whole list of what is open: a key that is new here is a decision.
  @Test func onlyListedKeysMayChangeAtResume() {
    #expect(
      paths(.changesTrajectory) == [
        "optimizer.learning_rate", "optimizer.beta1", "optimizer.beta2", "optimizer.epsilon",
        "optimizer.momentum", "optimizer.weight_decay", "optimizer.clip_norm",
        "optimizer.ema_decay", "optimizer.average_patience", "optimizer.lazy",
        "optimizer.schedule.name",
        "optimizer.schedule.warmup_steps", "optimizer.schedule.final_fraction",
        "optimizer.schedule.factor", "optimizer.schedule.step_every",
        "optimizer.schedule.patience", "optimizer.schedule.decay_steps", "run.steps", "run.epochs",
        "run.on_nonfinite", "run.patience", "model.freeze", "optimizer.rates",
      ])
    #expect(paths(.switchesAveraging) == ["optimizer.name"])
    #expect(
      paths(.changesValidations) == ["run.validate_every", "run.best_by", "data.valid_sequences"])
    #expect(
      paths(.free) == [
        "data.train", "data.valid", "data.test", "data.embeddings", "exchange.progress",
        "exchange.bucket_bytes", "exchange.sparse", "run.directory", "run.scratch_directory",
        "run.log_every",
        "run.checkpoint_every", "run.checkpoint_seconds", "run.keep_checkpoints",
        "run.watchdog_seconds", "run.verify_every", "run.recompute_every", "run.tensorboard",
        "run.sample_length", "run.hooks.checkpoint", "run.hooks.best", "run.hooks.done",
        "run.hooks.failed", "run.hooks.seconds",
        "memory.tasks", "memory.cells", "memory.lengths", "memory.steps",
      ])
  }

  @Test func fixedKeysAreNamedWithBothValues() throws {
    let stored = try config("model.hidden=24", "batch.window=12")
    let now = try config("batch.window=10", "model.hidden=25", "optimizer.learning_rate=1")
    let differences = now.fixedDifferences(from: stored)
    #expect(differences.map(\.key) == ["model.hidden", "batch.window"])
    #expect(differences.map(\.before) == ["24", "12"])
    #expect(differences.map(\.now) == ["25", "10"])
    #expect(now.fixedDifferences(from: now).isEmpty)
  }

  @Test func averagingOfSGDIsSwitchedAndNoOtherOptimizer() throws {
    let (sgd, asgd) = (try config("optimizer.name=sgd"), try config("optimizer.name=asgd"))
    for (now, stored) in [(sgd, asgd), (asgd, sgd)] {
      #expect(now.fixedDifferences(from: stored).isEmpty)
      #expect(now.changes(from: stored).map(\.key) == ["optimizer.name"])
      #expect(!now.continuesAverage(of: stored))
    }
    #expect(asgd.continuesAverage(of: asgd))
    #expect(try config().fixedDifferences(from: sgd).map(\.key) == ["optimizer.name"])
    #expect(try asgd.fixedDifferences(from: config()).map(\.key) == ["optimizer.name"])
    let mean = try config("optimizer.name=sgd", "optimizer.ema_decay=0.9")
    #expect(!asgd.continuesAverage(of: mean))
    #expect(!mean.continuesAverage(of: sgd))
    #expect(try config("optimizer.name=sgd", "optimizer.ema_decay=0.5").continuesAverage(of: mean))
  }

  @Test func changedKeysAreReportedInAlphabeticalOrder() throws {
    let stored = try config("run.steps=100")
    let now = try config("run.steps=200", "optimizer.clip_norm=2", "run.log_every=7")
    #expect(
      now.changes(from: stored).map(\.description) == [
        "optimizer.clip_norm 1.0 -> 2.0", "run.steps 100 -> 200",
      ])
    #expect(now.fixedDifferences(from: stored).isEmpty)
  }

  @Test func validationIntervalIsFixedWhereValidationSteersTraining() throws {
    let often = "run.validate_every=50"
    #expect(try config(often).changes(from: config()).isEmpty)
    let plateau = "optimizer.schedule.name=plateau"
    #expect(
      try config(often, plateau).changes(from: config(plateau)).map(\.key)
        == ["run.validate_every"])
  }

  @Test func validationSizeIsFixedWhereValidationSteersTraining() throws {
    func config(_ assignments: String...) throws -> Config {
      try Config(
        json: Array(#"{"task": "adding"}"#.utf8), file: "c.json",
        overrides: assignments.map { ConfigOverride(set: $0) })
    }
    let few = "data.valid_sequences=10"
    #expect(try config(few).fixedDifferences(from: config()).isEmpty)
    #expect(try config(few).changes(from: config()).isEmpty)
    let asgd = "optimizer.name=asgd"
    #expect(
      try config(few, asgd).changes(from: config(asgd)).map(\.description)
        == ["data.valid_sequences 1000 -> 10"])
  }
}
