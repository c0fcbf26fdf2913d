import Configuration
import Records
import Testing

@Suite struct ConfigTests {
  private func config(_ json: String, _ overrides: String...) throws -> Config {
    try Config(
      json: Array(json.utf8), file: "c.json", overrides: overrides.map { ConfigOverride(set: $0) })
  }

  private func message(_ json: String, _ overrides: String...) -> String {
    do {
      _ = try Config(
        json: Array(json.utf8), file: "c.json",
        overrides: overrides.map { ConfigOverride(set: $0) })
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private let minimal = #"{"data": {"train": "t.txt"}}"#

  @Test func everyKeyButTheTextHasADefault() throws {
    let config = try config(minimal)
    #expect(config.data.validFraction == 0.1)
    #expect(config.model.cell == .gru)
    #expect(config.model.reset == .before)
    #expect(config.batch.sequences == 64)
    #expect(config.batch.shards == 8)
    #expect(config.optimizer.name == .adam)
    #expect(config.optimizer.schedule.name == .cosine)
    #expect(config.run.directory == "runs/lm")
    #expect(
      message("{}")
        == "c.json: data.train: is missing, and has no default; name a text file to train on")
  }

  /// An empty list takes back what a file freezes; one of columns would be a mistake.
  @Test func nothingCanBeFrozenByAnEmptyList() throws {
    let frozen = #"{"data": {"train": "t.txt"}, "model": {"freeze": ["embedding"]}}"#
    #expect(try config(frozen).model.freeze == ["embedding"])
    #expect(try config(frozen, "model.freeze=[]").model.freeze == nil)
    #expect(try config(frozen, "model.freeze=null").model.freeze == nil)
    #expect(message(minimal, "task=classification", "data.columns=[]").contains("an empty one"))
  }

  @Test func effectiveConfigIsCompleteAndReadsBackAsItself() throws {
    let first = try config(
      minimal, "model.cell=rnn", "optimizer.name=sgd", "optimizer.momentum=0.9",
      "data.valid=v.txt", "data.tokenizer=char", "optimizer.clip_norm=0.5")
    let again = try Config(json: Array(first.json.pretty.utf8), file: "again")
    #expect(again == first)
    #expect(again.json == first.json)
    guard case .object(let sections) = first.json else { return }
    #expect(
      sections.map(\.name) == [
          "task", "data", "model", "batch", "output", "optimizer", "exchange", "run",
        ])
    for key in ["data.valid_fraction", "model.reset", "optimizer.schedule.final_fraction"] {
      #expect(first.json.leaves[key] != nil, "\(key)")
    }
  }

  @Test(arguments: ["optimizer.schedule.name=plateau", "run.patience=2", "optimizer.name=asgd"])
  func validationDependentKeysRequireValidation(assignment: String) throws {
    _ = try config(minimal, assignment)
    #expect(message(minimal, assignment, "run.validate_every=0").contains("run.validate_every"))
    #expect(message(minimal, assignment, "data.valid_fraction=0").contains("no validation text"))
    _ = try config(minimal, assignment, "data.valid_fraction=0", "data.valid=v.txt")
  }

  @Test(arguments: [("word", 2, "at least 3"), ("bpe", 256, "at least 257")])
  func vocabularyLimitMustHoldTheFixedTokens(kind: String, limit: Int, expectation: String) {
    let overrides = ["data.tokenizer=\(kind)", "data.vocabulary_limit=\(limit)"]
    let found = message(minimal, overrides[0], overrides[1])
    #expect(found.contains("data.vocabulary_limit: expected 0"), "\(found)")
    #expect(found.contains(expectation), "\(found)")
    #expect(message(minimal, overrides[1]).contains("is for words and byte pairs"))
  }

  @Test func minGRUHasNoRecurrentWeightsToDrop() {
    let found = message(minimal, "model.cell=mingru", "model.recurrent_dropout=0.1")
    #expect(found.contains("model.recurrent_dropout: drops recurrent weights"), "\(found)")
  }

  @Test func unknownKeysNameTheNearest() {
    #expect(
      message("{\"data\": {\"train\": \"t\"},\n \"model\": {\"hiden\": 3}}")
        == "c.json:2:12: model.hiden: unknown key; did you mean model.hidden?")
    #expect(message(minimal, "batch.widnow=3").hasSuffix("did you mean batch.window?"))
    #expect(
      message(minimal, "optimizer.schedule.warmup=3").hasSuffix(
        "did you mean optimizer.schedule.warmup_steps?"))
    #expect(
      message(minimal, "zzz=1").hasSuffix(
        "the keys of a config are task, data, model, "
          + "batch, output, optimizer, exchange, run, memory"))
  }

  @Test(arguments: [
    ("model.hidden=\"x\"", "expected an integer from 1 to 65536, found \"x\" (a string)"),
    ("model.hidden=1.5", "found 1.5 (a number)"), ("model.hidden=true", "found true (a boolean)"),
    ("model.hidden=0", "found 0"), ("model.hidden=null", "found null"),
    ("model.layers=65", "from 1 to 64"),
    ("model.cell=xlstm", "one of \"gru\", \"rnn\", \"lstm\", \"mingru\""),
    ("model.reset=never", "one of \"before\", \"after\""), ("model.dropout=-0.1", "from 0 up to"),
    ("model.dropout=1", "but not, 1"), ("model.tie_weights=true", "set model.embedding to 512"),
    ("model.embedding_dropout=1", "but not, 1"), ("model.recurrent_dropout=2", "but not, 1"),
    ("model.dropout_kind=x", "one of \"element\", \"locked\""),
    ("model.adaptive_softmax=[]", "found an empty one"),
    ("model.adaptive_softmax=[20,10]", "in another order"),
    ("model.adaptive_softmax=[10,10]", "has 10 twice"),
    ("model.adaptive_softmax=[0]", "found 0"), ("model.adaptive_softmax=2000", "found 2000"),
    ("model.adaptive_factor=0", "from 1 to 65536"),
    ("model.tie_weights=1", "expected true or false"), ("model=3", "expected an object"),
    ("data.train=", "not empty"), ("data.train=5", "found 5 (an integer)"),
    ("data.valid=[1]", "null or a string"), ("data.valid_fraction=0.95", "0 to 0.9"),
    ("data.tokenizer=line", "\"byte\", \"character\", \"word\""),
    ("batch.window=0", "from 1 to 65536"),
    ("batch.shards=7", "7 shards do not divide batch.sequences, which is 64"),
    ("optimizer.name=lion", "\"adam\", \"adamw\", \"sgd\""),
    ("optimizer.learning_rate=0", "above 0"), ("optimizer.learning_rate=1e-60", "above 0"),
    ("optimizer.beta1=1", "but not, 1"), ("optimizer.beta2=0.99999999999", "but not, 1"),
    ("optimizer.epsilon=0", "above 0"), ("optimizer.weight_decay=-1", "at least 0"),
    ("optimizer.clip_norm=-1", "at least 0"),
    ("optimizer.schedule.name=stairs", "\"constant\", \"linear\", \"cosine\""),
    ("batch.accumulate=0", "from 1"),
    ("batch.window_jitter=64", "less than batch.window, which is 64"),
    ("optimizer.ema_decay=1", "but not, 1"), ("optimizer.average_patience=0", "from 1"),
    ("optimizer.schedule.factor=1", "below 1"), ("optimizer.schedule.patience=0", "at least 1"),
    ("data.minimum_count=0", "at least 1"),
    ("optimizer.schedule.final_fraction=2", "0 to 1"), ("run.steps=0", "from 1"),
    ("run.seed=-1", "at least 0"), ("run.keep_checkpoints=0", "at least 1"),
    ("run.directory=", "not empty"),
  ])
  func badValuesNameOptionKeyAndExpectation(assignment: String, expectation: String) {
    let message = message(minimal, assignment)
    #expect(message.hasPrefix("--set \(assignment): "))
    #expect(message.contains(assignment.prefix { $0 != "=" } + ": "))
    #expect(message.contains(expectation), "\(message)")
  }

  @Test func badValuesInAFileNameLineAndColumn() {
    #expect(
      message("{\n\"data\": {\"train\": \"t\"},\n\"batch\": {\n  \"window\": -1}}")
        == "c.json:4:3: batch.window: expected an integer from 1 to 65536, found -1")
    #expect(message("{\n \"data\" 1}") == "c.json:2:9: not JSON: expected \":\", found \"1\"")
    #expect(message("[]") == "c.json: expected an object, found an array")
  }

  @Test func overridesReplaceAndAddKeys() throws {
    let config = try config(
      minimal, "run.steps=7", "run.directory=here/there", "data.valid=v", "data.valid=null",
      "optimizer.schedule={\"name\": \"linear\"}", "run.seed=9007199254740993")
    #expect(config.run.steps == 7)
    #expect(config.run.directory == "here/there")
    #expect(config.run.seed == 9_007_199_254_740_993)
    #expect(config.data.valid == nil)
    #expect(config.optimizer.schedule.name == .linear)
    #expect(config.optimizer.schedule.warmupSteps == 100)
    #expect(message(minimal, "novalue") == "--set novalue: expected key.path=value")
    #expect(message(minimal, "=3").contains("expected key.path=value"))
    #expect(message(minimal, "a..b=3").contains("is no key path"))
    #expect(message(minimal, "data.train.x=3").contains("data.train is not a section"))
  }

  @Test func everyRankNeedsAShard() throws {
    let config = try config(minimal)
    try config.validate(ranks: 8, place: "c.json")
    let error = #expect(throws: ConfigError.self) {
      try config.validate(ranks: 9, place: "c.json")
    }
    #expect(error?.description.contains("batch.shards: 9 ranks need a shard each") == true)
  }

  @Test func threadsAreOfUseWhileTheirPartsAreLarge() throws {
    var config = try config(minimal)
    (config.batch.sequences, config.batch.shards) = (64, 8)
    config.model.hidden = 512
    // 8 x 512 x 512 multiply-adds in 32 parts, of 32 columns at least: 16.
    #expect(config.usefulThreads(ranks: 1) == 8 * 16)
    #expect(config.usefulThreads(ranks: 8) == 16)
    config.model.hidden = 64
    #expect(config.usefulThreads(ranks: 2) == 4)
    config.model.hidden = 512
    config.model.precision = .bf16
    #expect(config.usefulThreads(ranks: 8) == 16)
  }

  @Test func editDistanceCountsTranspositionsOnce() {
    #expect(editDistance("window", "window") == 0)
    #expect(editDistance("widnow", "window") == 1)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("kitten", "sitting") == 3)
  }
}
