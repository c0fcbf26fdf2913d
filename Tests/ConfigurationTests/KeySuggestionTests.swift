import Configuration
import Records
import Tasks
import Testing

/// What is said of keys that do not exist.
@Suite struct KeySuggestionTests {
  private func message(_ task: TaskName = .language, _ overrides: String...) -> String {
    let data = task.trainingForm == nil ? "" : #", "data": {"train": "t"}"#
    do {
      _ = try Config(
        json: Array("{\"task\": \"\(task.rawValue)\"\(data)}".utf8), file: "c.json",
        overrides: overrides.map { ConfigOverride(set: $0) })
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    // As other frameworks call them.
    ("optimizer.lr", "optimizer.learning_rate"), ("lr", "optimizer.learning_rate"),
    ("learning_rate", "optimizer.learning_rate"), ("batch.size", "batch.sequences"),
    ("batch_size", "batch.sequences"), ("model.hidden_size", "model.hidden"),
    ("hidden_size", "model.hidden"), ("model.size", "model.hidden"),
    ("model.num_layers", "model.layers"), ("bptt", "batch.window"), ("seed", "run.seed"),
    ("epochs", "run.epochs"), ("run.num_epochs", "run.epochs"),
    ("run.output_dir", "run.directory"), ("max_grad_norm", "optimizer.clip_norm"),
    ("data.vocab_size", "data.vocabulary_limit"), ("optimizer.type", "optimizer.name"),
    ("gradient_accumulation_steps", "batch.accumulate"), ("run.eval_steps", "run.validate_every"),
    ("optimizer.schedule.warmup", "optimizer.schedule.warmup_steps"),
    ("warmup", "optimizer.schedule.warmup_steps"), ("training.lr", "optimizer.learning_rate"),
    // Spelt in another way.
    ("optimizer.learningRate", "optimizer.learning_rate"),
    ("model.tie-weights", "model.tie_weights"), ("hiddenSize", "model.hidden"),
    // In another section, or nearly so.
    ("model.learning_rate", "optimizer.learning_rate"), ("run.dropout", "model.dropout"),
    ("model.clip_nrom", "optimizer.clip_norm"), ("validate_evry", "run.validate_every"),
    // In this one.
    ("model.hiden", "model.hidden"), ("modle.hidden", "model"), ("model.drop", "model.dropout"),
  ])
  func namesTheKeyThatIsMeant(stranger: String, key: String) {
    let found = message(.language, "\(stranger)=1")
    #expect(found.hasSuffix("unknown key; did you mean \(key)?"), "\(found)")
  }

  @Test func keysInSeveralSectionsAreAllNamed() {
    let found = message(.language, "name=1")
    #expect(found.hasSuffix("did you mean optimizer.name or optimizer.schedule.name?"), "\(found)")
  }

  @Test func sectionsByOtherNames() {
    for (stranger, section) in [
      (#"training={"a": 1, "b": 2}"#, "run"), (#"network={"a": 1, "b": 2}"#, "model"),
      (#"schedule={"name": "cosine"}"#, "optimizer.schedule"),
      (#"scheduler={"a": 1, "b": 2}"#, "optimizer.schedule"),
    ] {
      let found = message(.language, stranger)
      #expect(found.hasSuffix("did you mean \(section)?"), "\(found)")
    }
  }

  @Test func keysOfOtherTasksAreNamedWithThem() {
    let found = message(.language, #"data.columns=["a"]"#)
    #expect(
      found.hasSuffix(
        "unknown key; it is a key of tasks \"classification\", \"regression\", "
          + "\"forecasting\", \"multilabel\", and task is \"language\""), "\(found)")
    let one = message(.adding, "data.horizon=2")
    #expect(one.hasSuffix("it is a key of task \"forecasting\", and task is \"adding\""), "\(one)")
  }

  @Test func dottedNamesOfAFileAreShownAsTheyAreWritten() throws {
    let error = #expect(throws: ConfigError.self) {
      try Config(
        json: Array(#"{"data": {"train": "t"}, "model.hidden": 3}"#.utf8), file: "c.json")
    }
    #expect(
      error?.hint == #"in a file it is written {"model": {"hidden": ...}}"#, "\(error as Any)")
  }

  @Test func everyAliasLeadsToAKeyOfSomeTask() {
    let keys = Set(Config.reference.map(\.path))
    for (name, targets) in Config.aliases {
      for key in targets {
        #expect(keys.contains(key), "\(name): \(key)")
        #expect(!keys.contains(name) || name == "task", "\(name) is a key itself")
      }
    }
    #expect(Config.aliases.count > 200)
  }

  @Test func unknownPathsOfAnEffectiveConfigHaveHints() throws {
    let config = try Config(json: Array(#"{"data": {"train": "t"}}"#.utf8), file: "c.json")
    #expect(config.hint(forKey: "optimizer.lr") == "did you mean optimizer.learning_rate?")
    #expect(config.hint(forKey: "lr") == "did you mean optimizer.learning_rate?")
    #expect(config.hint(forKey: "run.stepps") == "did you mean run.steps?")
    #expect(config.hint(forKey: "zzz.qqq").contains("the keys of a config are task, data"))
  }
}
