/// Cells that were added to version 1 after its first programs: what they computed at first is what
/// they compute.
extension GoldenConfig {
  static let laterCells: [GoldenConfig] = lstm + minGRU + keptCells

  private static let lstm: [GoldenConfig] = [
    .init("lstm", "model.cell=lstm", worlds: three),
    .init("lstm-layers", "model.cell=lstm model.layers=3", worlds: mixed),
    .init(
      "lstm-odd",
      "model.cell=lstm model.embedding=5 model.hidden=17 model.layers=2 batch.sequences=15 "
        + "batch.shards=5 batch.window=3", worlds: odd),
    .init(
      "lstm-options",
      "model.cell=lstm model.layers=2 model.layer_norm=true model.learned_initial_state=true "
        + "model.dropout=0.1 model.recurrent_dropout=0.1 model.embedding_dropout=0.1 "
        + "model.initial_update_bias=1 batch.window=30"),
    .init("lstm-tied", "model.cell=lstm model.tie_weights=true model.embedding=12"),
    .init(
      "lstm-bidirectional",
      "model.cell=lstm model.bidirectional=true model.layers=2 model.learned_initial_state=true",
      base: .classes, worlds: mixed),
    .init("lstm-labels", "model.cell=lstm model.layers=2", base: .labels, worlds: four),
    .init("lstm-adding", "model.cell=lstm", base: .adding),
    .init(
      "lstm-local",
      "model.cell=lstm exchange.synchronize_every=2 exchange.local_groups=2 run.log_every=2 "
        + "run.validate_every=4 run.steps=8 run.verify_every=4", worlds: pairs),
  ]

  /// With checkpoints that were kept.
  private static let keptCells: [GoldenConfig] = [
    .init(
      "kept-lstm",
      "model.cell=lstm model.layers=2 model.hidden=6 model.learned_initial_state=true",
      base: .characters, worlds: three),
    .init(
      "kept-mingru",
      "model.cell=mingru model.layers=2 model.hidden=6 model.learned_initial_state=true",
      base: .characters, worlds: three),
  ]

  private static let minGRU: [GoldenConfig] = [
    .init("mingru", "model.cell=mingru", worlds: three),
    .init("mingru-layers", "model.cell=mingru model.layers=3", worlds: mixed),
    .init(
      "mingru-odd",
      "model.cell=mingru model.embedding=5 model.hidden=17 model.layers=2 batch.sequences=15 "
        + "batch.shards=5 batch.window=3", worlds: odd),
    .init(
      "mingru-options",
      "model.cell=mingru model.layers=2 model.layer_norm=true model.learned_initial_state=true "
        + "model.dropout=0.1 model.embedding_dropout=0.1 model.initial_update_bias=-1 "
        + "batch.window=30"),
    .init("mingru-tied", "model.cell=mingru model.tie_weights=true model.embedding=12"),
    .init(
      "mingru-bidirectional",
      "model.cell=mingru model.bidirectional=true model.layers=2 "
        + "model.learned_initial_state=true", base: .classes, worlds: mixed),
    .init("mingru-forecast", "model.cell=mingru model.layers=2", base: .forecast, worlds: four),
    .init("mingru-adding", "model.cell=mingru", base: .adding),
  ]
}
