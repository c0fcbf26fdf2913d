extension GoldenConfig {
  /// Tokenizers, and where the text comes from.
  static let texts: [GoldenConfig] = [
    .init("bytes-utf8", "data.train=utf8.txt"),
    .init("characters", base: .characters, worlds: odd),
    .init("characters-utf8", "data.train=utf8.txt", base: .characters),
    .init("words", base: .words, worlds: mixed),
    .init("words-limited", "data.minimum_count=2 data.vocabulary_limit=30", base: .words),
    .init("words-utf8", "data.train=utf8.txt data.minimum_count=3", base: .words),
    .init("pairs", "data.tokenizer=bpe", worlds: odd),
    .init(
      "pairs-limited",
      "data.tokenizer=bpe data.vocabulary_limit=280 data.minimum_count=3 data.train=utf8.txt"),
    .init("valid-file", "data.valid=valid.txt", base: .words),
    .init("valid-file-characters", "data.valid=utf8.txt", base: .characters),
    .init("valid-fraction", "data.valid_fraction=0.35", worlds: four),
    .init("valid-none", "data.valid_fraction=0 run.validate_every=0", worlds: odd),
    .init("token-file", "data.train=words.tokens", base: .words, worlds: mixed),
    .init(
      "token-file-valid", "data.tokenizer=bpe data.train=pairs.tokens data.valid=pairs-valid.tokens"
    ),
  ]

  /// Tasks, their readouts and losses, and the forms of their files.
  static let tasks: [GoldenConfig] = [
    .init("classes-csv", base: .classes, worlds: three),
    .init("classes-mean", "output.readout=mean model.reset=after", base: .classes),
    .init(
      "classes-columns", #"data.columns=["z","x"] data.normalize=false model.cell=rnn"#,
      base: .classes, worlds: four),
    .init(
      "classes-jsonl", "data.train=classes.jsonl model.layers=2 batch.window=30", base: .classes),
    .init("classes-ts", "data.train=classes.ts model.layer_norm=true", base: .classes),
    .init(
      "classes-format",
      "data.train=classes.table data.format=csv data.sequence=id data.label=kind batch.window=20",
      base: .classes),
    .init(
      "classes-options",
      "model.layers=2 model.dropout=0.2 model.learned_initial_state=true "
        + "model.recurrent_dropout=0.1 optimizer.ema_decay=0.8 output.readout=mean",
      base: .classes, worlds: mixed),
    .init("forecast", base: .forecast, worlds: three),
    .init(
      "forecast-horizon",
      #"data.horizon=3 data.stride=2 data.targets=["y"] output.loss=absolute"#,
      base: .forecast),
    .init(
      "forecast-mean",
      #"output.readout=mean data.sequence=part data.columns=["x","z"] model.reset=after"#,
      base: .forecast, worlds: mixed),
    .init(
      "forecast-jsonl",
      "data.train=series.jsonl data.format=jsonl data.normalize=false "
        + "model.cell=rnn data.horizon=2", base: .forecast),
    .init(
      "forecast-options",
      "model.layers=2 model.layer_norm=true model.dropout=0.1 "
        + "output.loss=absolute output.readout=mean", base: .forecast, worlds: four),
    .init(
      "forecast-ts", "data.train=classes.archive data.format=ts batch.window=3", base: .forecast),
    .init("labels-csv", "data.train=labels.csv data.sequence=piece", base: .labels),
    .init("labels", base: .labels, worlds: three),
    .init(
      "labels-valid", "data.valid=labels-valid.jsonl model.reset=after model.layers=2",
      base: .labels),
    .init(
      "labels-options", "model.cell=rnn model.dropout=0.2 model.learned_initial_state=true",
      base: .labels, worlds: mixed),
    .init("adding", base: .adding, worlds: three),
    .init("adding-mean", "output.readout=mean model.reset=after", base: .adding),
    .init("adding-absolute", "output.loss=absolute model.cell=rnn model.layers=2", base: .adding),
    .init("copy", base: .copying, worlds: three),
    .init(
      "copy-options", "model.reset=after model.initial_update_bias=-2 model.embedding_dropout=0.1",
      base: .copying),
    .init("copy-rnn", "model.cell=rnn batch.window=24 model.layers=2", base: .copying),
  ]

  /// Products of bf16 numbers, recorded on a processor with instructions for them.
  static let bf16: [GoldenConfig] = [
    .init("bf16-gru-before", "model.precision=bf16 model.layers=2"),
    .init("bf16-gru-after", "model.precision=bf16 model.reset=after model.hidden=13"),
    .init(
      "bf16-blocks",
      "model.precision=bf16 model.embedding=530 model.hidden=530 batch.sequences=4 "
        + "batch.window=3 run.steps=3", base: .characters, worlds: four),
    .init("bf16-rnn", "model.precision=bf16 model.cell=rnn model.embedding=7", worlds: three),
    .init(
      "bf16-odd",
      "model.precision=bf16 model.hidden=37 model.embedding=33 batch.sequences=15 batch.shards=5 "
        + "batch.window=3", worlds: odd),
    .init(
      "bf16-options",
      "model.precision=bf16 model.layers=2 model.layer_norm=true model.dropout=0.1 "
        + "model.recurrent_dropout=0.1 model.learned_initial_state=true", worlds: mixed),
    .init("bf16-tied", "model.precision=bf16 model.tie_weights=true model.embedding=12"),
    .init(
      "bf16-adaptive",
      "model.precision=bf16 model.adaptive_softmax=[12,40] "
        + "model.adaptive_factor=2", base: .words),
    .init(
      "bf16-bidirectional", "model.precision=bf16 model.bidirectional=true model.layers=2",
      base: .classes),
    .init("bf16-forecast", "model.precision=bf16 data.horizon=2", base: .forecast),
    .init("bf16-labels", "model.precision=bf16", base: .labels),
    .init(
      "bf16-compressed",
      "model.precision=bf16 exchange.compression=bf16 exchange.compression_groups=2",
      worlds: pairs),
    .init(
      "bf16-local",
      "model.precision=bf16 exchange.synchronize_every=2 exchange.local_groups=2 "
        + "run.log_every=2 run.validate_every=4 run.steps=8", worlds: pairs),
  ]
}
