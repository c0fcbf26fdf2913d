/// What version 2 of the contract computes in another way than version 1: the shorter window at the
/// end of an epoch, words and characters, vocabularies, numbers, and steps that make no update.
extension GoldenConfig {
  static let version2 =
    lastWindows + texts2 + numbers2 + skipped2 + tokens2 + sampled2 + forecasts2 + targets2
    + weights2 + parts2

  private static let tail = Base("data.train=text.txt batch.window=50 run.steps=12")

  private static let lastWindows: [GoldenConfig] = [
    .init("tail", "model.embedding=8", base: tail, worlds: three, version: 2),
    .init("tail-jitter", "batch.window_jitter=20", base: tail, worlds: mixed, version: 2),
    .init(
      "tail-accumulate",
      "batch.accumulate=2 optimizer.name=sgd optimizer.learning_rate=1 optimizer.momentum=0.9",
      base: tail, worlds: four, version: 2),
    .init(
      "tail-options",
      "model.cell=lstm model.layers=2 model.layer_norm=true model.learned_initial_state=true "
        + "model.dropout=0.1 model.recurrent_dropout=0.1 optimizer.ema_decay=0.8",
      base: tail, worlds: mixed, version: 2),
    .init(
      "tail-local",
      "exchange.synchronize_every=2 exchange.local_groups=2 run.log_every=2 run.validate_every=4",
      base: tail, worlds: pairs, version: 2),
    .init(
      "tail-compressed", "exchange.compression=bf16 exchange.compression_groups=2", base: tail,
      worlds: pairs, version: 2),
    .init(
      "tail-lazy", "data.tokenizer=word optimizer.lazy=true batch.window=11", base: tail,
      worlds: exchanging, version: 2),
    .init(
      "tail-adaptive",
      "data.tokenizer=word model.adaptive_softmax=[20,60] batch.window=13 batch.sequences=4",
      base: tail, worlds: odd, version: 2),
    // The text has as many targets as 12 streams have room for, and 7 more.
    .init(
      "tail-of-one-stream", "data.valid=valid.txt batch.sequences=12 batch.window=60", base: tail,
      worlds: three, version: 2),
  ]

  private static let texts2: [GoldenConfig] = [
    .init("spaces-words", "data.train=spaces.txt", base: .words, worlds: three, version: 2),
    .init(
      "spaces-characters", "data.train=spaces.txt", base: .characters, worlds: four, version: 2),
    .init("spaces-pairs", "data.train=spaces.txt data.tokenizer=bpe", worlds: mixed, version: 2),
    .init("spaces-bytes", "data.train=spaces.txt", worlds: odd, version: 2),
    .init(
      "held-out-words", "data.train=drift.txt data.valid_fraction=0.3", base: .words,
      worlds: three, version: 2),
    .init(
      "held-out-characters", "data.train=drift.txt data.valid_fraction=0.3", base: .characters,
      version: 2),
    .init(
      "held-out-pairs",
      "data.train=drift.txt data.valid_fraction=0.3 data.tokenizer=bpe data.vocabulary_limit=300",
      worlds: odd, version: 2),
    .init(
      "joined-file", "data.train=joined.tokens batch.window=11 run.steps=9", base: .words,
      worlds: mixed, version: 2),
    .init(
      "joined-pairs", "data.train=joined-pairs.tokens data.tokenizer=bpe", worlds: four,
      version: 2),
  ]

  private static let numbers2: [GoldenConfig] = [
    .init("offset-forecast", "data.train=offset.csv", base: .forecast, worlds: three, version: 2),
    .init(
      "offset-columns", #"data.train=offset.csv data.horizon=3 data.targets=["y"]"#,
      base: .forecast, version: 2),
    .init("centred-classes", base: .classes, worlds: four, version: 2),
    .init(
      "centred-jsonl", "data.train=classes.jsonl batch.window=30", base: .classes, version: 2),
    .init("centred-ts", "data.train=classes.ts", base: .classes, worlds: odd, version: 2),
    .init(
      "plain-forecast", "data.normalize=false output.loss=absolute", base: .forecast, version: 2),
  ]

  private static let sayings = Base(
    "task=classification data.train=sayings.csv data.valid_fraction=0.25 model.embedding=6")

  private static let tags = Base(
    "task=tagging data.train=tags.conll data.valid_fraction=0.25 model.embedding=6 "
      + "batch.window=17")

  /// Sequences of tokens that each begin anew.
  private static let tokens2: [GoldenConfig] = [
    .init(
      "texts-words", "data.tokenizer=word batch.window=9", base: sayings, worlds: three,
      version: 2),
    .init(
      "texts-characters",
      "data.tokenizer=character batch.window=70 output.readout=mean model.bidirectional=true",
      base: sayings, worlds: mixed, version: 2),
    .init(
      "texts-bytes", "data.tokenizer=byte batch.window=20 data.truncate=start model.cell=lstm",
      base: sayings, worlds: odd, version: 2),
    .init(
      "texts-pairs",
      "data.tokenizer=bpe data.vocabulary_limit=280 batch.window=64 model.layers=2 "
        + "model.dropout=0.2 model.embedding_dropout=0.1 optimizer.lazy=true",
      base: sayings, worlds: four, version: 2),
    .init("tags", base: tags, worlds: three, version: 2),
    .init(
      "documents-words", "data.documents=line data.tokenizer=word data.valid_fraction=0.25",
      worlds: three, version: 2),
    .init(
      "documents-records",
      "data.train=sayings.csv data.documents=record data.tokenizer=character batch.window=30 "
        + "model.layers=2 model.dropout=0.1 model.tie_weights=true model.embedding=12",
      worlds: mixed, version: 2),
    .init(
      "tags-options",
      "data.ignore_label=_ data.minimum_count=2 model.bidirectional=true model.layers=2 "
        + "model.dropout=0.1 optimizer.lazy=true", base: tags, worlds: mixed, version: 2),
  ]

  private static let sessions = Base(
    "task=recommendation data.train=sessions.csv data.valid_fraction=0.25")

  /// A sampled softmax: which outputs a step draws depends on nothing but seed and step.
  private static let sampled2: [GoldenConfig] = [
    .init("sampled-words", "output.sampled=20", base: .words, worlds: three, version: 2),
    .init(
      "sampled-documents",
      "data.documents=line data.tokenizer=word data.valid_fraction=0.25 output.sampled=60 "
        + "output.sampled_power=0.5 model.layers=2 model.dropout=0.1 batch.accumulate=2 "
        + "optimizer.ema_decay=0.8",
      worlds: mixed, version: 2),
    .init(
      "sampled-checked", "output.sampled=33 optimizer.lazy=true run.recompute_every=2",
      base: .words, worlds: exchanging, version: 2),
    .init(
      "sessions",
      "data.time=time model.embedding=6 batch.window=9 output.sampled=16 run.best_by=recall_at_5",
      base: sessions, worlds: three, version: 2),
    .init(
      "sessions-full",
      "data.minimum_count=4 model.embedding=12 model.tie_weights=true batch.window=5 "
        + "model.dropout=0.1 output.label_smoothing=0.1",
      base: sessions, worlds: mixed, version: 2),
    .init(
      "sampled-local",
      "output.sampled=20 exchange.synchronize_every=2 exchange.local_groups=2 run.log_every=2 "
        + "run.validate_every=4",
      base: .words, worlds: pairs, version: 2),
  ]

  /// The square of a value of 1e30 is no number of single precision: its steps make no update.
  private static let skipped2: [GoldenConfig] = [
    .init(
      "skipped",
      "data.train=spike.csv data.normalize=false run.on_nonfinite=skip run.steps=9 "
        + "optimizer.ema_decay=0.8", base: .forecast, worlds: three, version: 2),
  ]
}
