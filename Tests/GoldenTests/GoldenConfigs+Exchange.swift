extension GoldenConfig {
  /// How gradients and parameters travel.
  static let exchanges: [GoldenConfig] = [
    .init("exchange-buckets", "exchange.bucket_bytes=512 model.layers=2", worlds: exchanging),
    .init("exchange-one-bucket", "exchange.bucket_bytes=10000000", worlds: exchanging),
    .init(
      "exchange-thread", "exchange.progress=thread exchange.bucket_bytes=1024 model.layers=2",
      worlds: exchanging),
    .init(
      "exchange-recompute", "run.recompute_every=2 run.verify_every=1 model.dropout=0.1",
      worlds: exchanging),
    .init("sparse-adam", "exchange.sparse=always", base: .words, worlds: exchanging),
    .init(
      "sparse-never", "exchange.sparse=never optimizer.name=adagrad", base: .words,
      worlds: exchanging),
    .init(
      "sparse-sgd", "exchange.sparse=always optimizer.name=sgd optimizer.learning_rate=1",
      base: .words, worlds: exchanging),
    .init(
      "sparse-momentum",
      "exchange.sparse=always optimizer.name=sgd optimizer.learning_rate=1 optimizer.momentum=0.7",
      base: .words, worlds: exchanging),
    .init(
      "sparse-rmsprop", "exchange.sparse=always optimizer.name=rmsprop", base: .words,
      worlds: exchanging),
    .init(
      "sparse-adagrad",
      "exchange.sparse=always optimizer.name=adagrad exchange.progress=thread batch.accumulate=2",
      base: .words, worlds: exchanging),
    .init(
      "sparse-lazy",
      "exchange.sparse=always optimizer.lazy=true model.embedding_dropout=0.2", base: .words,
      worlds: exchanging),
    // As large an embedding as "auto" asks for.
    .init(
      "sparse-auto", "optimizer.name=adagrad model.embedding=1040 model.hidden=6 run.steps=3",
      worlds: exchanging),
    .init(
      "compressed", "exchange.compression=bf16 exchange.compression_groups=2 model.layers=2",
      worlds: pairs),
    .init(
      "compressed-one-group", "exchange.compression=bf16 exchange.compression_groups=1",
      worlds: [.threads(1), .threads(2), .threads(4)]),
    .init(
      "compressed-four",
      "exchange.compression=bf16 exchange.compression_groups=4 "
        + "exchange.bucket_bytes=700 optimizer.ema_decay=0.9",
      worlds: [.ranks(2), .threads(3), .ranks(4)]),
    .init(
      "compressed-three",
      "exchange.compression=bf16 exchange.compression_groups=3 batch.sequences=12 batch.shards=6 "
        + "optimizer.name=sgd optimizer.learning_rate=1 optimizer.momentum=0.5",
      worlds: [.ranks(3), .threads(2), .ranks(1, threads: 3)]),
    .init(
      "compressed-accumulate",
      "exchange.compression=bf16 exchange.compression_groups=2 batch.accumulate=2 "
        + "exchange.progress=thread optimizer.name=adamw optimizer.weight_decay=0.1",
      base: .words, worlds: pairs),
    .init(
      "compressed-classes",
      "exchange.compression=bf16 exchange.compression_groups=2 optimizer.name=adagrad",
      base: .classes, worlds: pairs),
  ]

  /// Groups of shards that train apart.
  static let localUpdates: [GoldenConfig] = [
    .init("local", local + "exchange.local_groups=2", worlds: pairs),
    .init(
      "local-four",
      local + "exchange.local_groups=4 exchange.outer_learning_rate=1 exchange.outer_momentum=0 "
        + "model.layers=2", worlds: [.ranks(2, threads: 2), .threads(1), .ranks(4)]),
    .init(
      "local-three",
      local + "exchange.local_groups=3 batch.sequences=6 batch.shards=3 "
        + "exchange.outer_momentum=0.5 optimizer.name=sgd optimizer.learning_rate=1 "
        + "optimizer.momentum=0.5", worlds: [.ranks(3), .threads(3), .threads(1)]),
    .init(
      "local-every-update",
      "exchange.synchronize_every=1 exchange.local_groups=2 optimizer.name=adamw "
        + "optimizer.weight_decay=0.1", worlds: pairs),
    .init(
      "local-lazy", local + "exchange.local_groups=2 optimizer.lazy=true", base: .words,
      worlds: pairs),
    .init(
      "local-options",
      local + "exchange.local_groups=2 model.layers=2 model.dropout=0.2 "
        + "model.recurrent_dropout=0.1 model.layer_norm=true model.learned_initial_state=true "
        + "batch.accumulate=2", worlds: pairs),
    .init(
      "local-plateau",
      local + "exchange.local_groups=2 run.validate_every=2 optimizer.schedule.name=plateau "
        + "optimizer.name=rmsprop batch.window_jitter=2 optimizer.learning_rate=0.3",
      worlds: pairs),
    .init(
      "local-classes",
      local + "exchange.local_groups=2 optimizer.name=adagrad batch.sequences=4", base: .classes,
      worlds: pairs),
    .init(
      "local-adding", local + "exchange.local_groups=4 exchange.outer_momentum=0.5",
      base: .adding, worlds: [.threads(4), .ranks(2), .threads(1)]),
  ]

  /// Rounds of two updates, with which all other periods go.
  private static let local =
    "exchange.synchronize_every=2 run.log_every=2 run.validate_every=4 run.steps=8 "
}
