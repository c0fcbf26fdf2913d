extension GoldenConfig {
  /// Cells and sizes.
  static let models: [GoldenConfig] = [
    .init("gru-before", worlds: three),
    .init("gru-after", "model.reset=after"),
    .init("rnn", "model.cell=rnn"),
    .init("gru-before-layers", "model.layers=3", worlds: mixed),
    .init("gru-after-layers", "model.reset=after model.layers=3", worlds: four),
    .init("rnn-layers", "model.cell=rnn model.layers=3", worlds: four),
    .init(
      "gru-before-odd",
      "model.embedding=7 model.hidden=13 model.layers=2 batch.sequences=6 batch.shards=3 "
        + "batch.window=5", worlds: three),
    .init(
      "gru-after-odd",
      "model.reset=after model.embedding=5 model.hidden=17 model.layers=2 batch.sequences=15 "
        + "batch.shards=5 batch.window=3", worlds: odd),
    .init(
      "rnn-odd",
      "model.cell=rnn model.embedding=3 model.hidden=9 model.layers=2 batch.sequences=7 "
        + "batch.shards=7 batch.window=1", worlds: three),
    .init("gru-before-wide", "model.embedding=35 model.hidden=67 batch.window=4"),
    .init("gru-after-wide", "model.reset=after model.embedding=33 model.hidden=70 batch.window=4"),
    .init("rnn-wide", "model.cell=rnn model.embedding=37 model.hidden=49 batch.window=4"),
    .init(
      "gru-large-batch", "batch.sequences=44 batch.shards=11 batch.window=3 run.steps=3",
      worlds: odd),
    // Products over more than one block, and sums over many.
    .init(
      "gru-before-blocks",
      "model.embedding=530 model.hidden=530 batch.sequences=4 batch.window=3 run.steps=3",
      base: .characters, worlds: four),
    .init(
      "gru-after-blocks",
      "model.reset=after model.embedding=260 model.hidden=397 batch.sequences=20 run.steps=3",
      base: .characters),
    .init(
      "gru-least", "model.embedding=1 model.hidden=1 batch.sequences=1 batch.shards=1",
      base: .characters, worlds: [.threads(1)]),
  ]

  /// Options of the model.
  static let options: [GoldenConfig] = [
    .init("dropout", "model.dropout=0.3 model.layers=2"),
    .init("dropout-after", "model.dropout=0.3 model.layers=2 model.reset=after"),
    .init("dropout-rnn", "model.dropout=0.3 model.layers=2 model.cell=rnn", worlds: four),
    .init("dropout-locked", "model.dropout=0.4 model.dropout_kind=locked model.layers=2"),
    .init(
      "dropout-locked-rnn",
      "model.dropout=0.4 model.dropout_kind=locked model.cell=rnn model.hidden=13"),
    .init("embedding-dropout", "model.embedding_dropout=0.25", worlds: four),
    .init("recurrent-dropout", "model.recurrent_dropout=0.3"),
    .init("recurrent-dropout-after", "model.recurrent_dropout=0.3 model.reset=after"),
    .init("recurrent-dropout-rnn", "model.recurrent_dropout=0.3 model.cell=rnn model.layers=2"),
    .init(
      "dropout-all",
      "model.dropout=0.2 model.dropout_kind=locked model.embedding_dropout=0.1 "
        + "model.recurrent_dropout=0.2 model.layers=2", worlds: mixed),
    .init("tied", "model.tie_weights=true model.embedding=12"),
    .init(
      "tied-dropout",
      "model.tie_weights=true model.embedding=11 model.hidden=11 model.dropout=0.2 "
        + "model.embedding_dropout=0.2 data.tokenizer=word", worlds: mixed),
    .init("layer-norm", "model.layer_norm=true model.layers=2"),
    .init("layer-norm-after", "model.layer_norm=true model.reset=after model.hidden=19"),
    .init("layer-norm-rnn", "model.layer_norm=true model.cell=rnn model.layers=2"),
    .init("initial-state", "model.learned_initial_state=true model.layers=2 batch.window=50"),
    .init(
      "initial-state-after",
      "model.learned_initial_state=true model.reset=after batch.window=60 run.steps=8"),
    .init(
      "initial-state-rnn", "model.learned_initial_state=true model.cell=rnn batch.window=60",
      worlds: three),
    .init("update-bias", "model.initial_update_bias=-1.5", worlds: four),
    .init("update-bias-norm", "model.initial_update_bias=1.25 model.layer_norm=true"),
    .init(
      "adaptive-softmax", "model.adaptive_softmax=[12,40] model.adaptive_factor=2", base: .words),
    .init(
      "adaptive-softmax-one", "model.adaptive_softmax=[20] model.cell=rnn", base: .words,
      worlds: three),
    .init(
      "adaptive-softmax-bpe",
      "data.tokenizer=bpe model.adaptive_softmax=[200,258,270] model.adaptive_factor=2 "
        + "model.dropout=0.1", worlds: four),
    .init(
      "options-all",
      "model.layers=2 model.layer_norm=true model.learned_initial_state=true model.dropout=0.1 "
        + "model.recurrent_dropout=0.1 model.embedding_dropout=0.1 model.initial_update_bias=-1 "
        + "model.adaptive_softmax=[30] optimizer.ema_decay=0.9 batch.window=30", base: .words,
      worlds: mixed),
  ]

  /// Layers that read sequences from their end too.
  static let bidirectional: [GoldenConfig] = [
    .init("bidirectional", "model.bidirectional=true", base: .classes),
    .init(
      "bidirectional-after", "model.bidirectional=true model.reset=after model.layers=2",
      base: .classes, worlds: mixed),
    .init(
      "bidirectional-rnn-mean",
      "model.bidirectional=true model.cell=rnn model.layers=2 output.readout=mean",
      base: .classes, worlds: three),
    .init(
      "bidirectional-options",
      "model.bidirectional=true model.layers=2 model.layer_norm=true model.dropout=0.2 "
        + "model.learned_initial_state=true model.recurrent_dropout=0.2", base: .classes),
    .init(
      "bidirectional-adding", "model.bidirectional=true model.hidden=9", base: .adding,
      worlds: four),
  ]
}
