extension GoldenConfig {
  /// Optimisers, and what they do to gradients and parameters.
  static let optimizers: [GoldenConfig] = [
    .init(
      "adam-options",
      "optimizer.beta1=0.8 optimizer.beta2=0.95 optimizer.epsilon=1e-5 "
        + "optimizer.weight_decay=0.01 optimizer.learning_rate=0.01", worlds: four),
    .init(
      "adam-without-mean", "optimizer.beta1=0 optimizer.learning_rate=0.02", worlds: odd),
    .init("adamw", "optimizer.name=adamw optimizer.weight_decay=0.1", worlds: odd),
    .init("sgd", "optimizer.name=sgd optimizer.learning_rate=0.5", worlds: odd),
    .init(
      "sgd-momentum",
      "optimizer.name=sgd optimizer.learning_rate=0.5 optimizer.momentum=0.9 "
        + "optimizer.weight_decay=0.001", worlds: mixed),
    .init("rmsprop", "optimizer.name=rmsprop optimizer.beta2=0.9 optimizer.learning_rate=0.003"),
    .init(
      "rmsprop-decay",
      "optimizer.name=rmsprop optimizer.weight_decay=0.05 optimizer.learning_rate=0.003",
      worlds: three),
    .init("adagrad", "optimizer.name=adagrad optimizer.learning_rate=0.1"),
    .init(
      "adagrad-decay", "optimizer.name=adagrad optimizer.weight_decay=0.01", base: .words,
      worlds: four),
    .init(
      "asgd",
      "optimizer.name=asgd optimizer.learning_rate=40 optimizer.average_patience=1 "
        + "run.validate_every=1 run.steps=10 optimizer.schedule.name=constant", base: .words),
    .init(
      "asgd-momentum",
      "optimizer.name=asgd optimizer.learning_rate=10 optimizer.momentum=0.5 "
        + "optimizer.average_patience=2 run.validate_every=1 run.steps=10 "
        + "optimizer.clip_norm=0 optimizer.schedule.name=constant", worlds: mixed),
    .init("ema", "optimizer.ema_decay=0.9"),
    .init(
      "ema-sgd", "optimizer.ema_decay=0.6 optimizer.name=sgd optimizer.learning_rate=1",
      worlds: three),
    .init("clip-none", "optimizer.clip_norm=0 optimizer.name=sgd optimizer.learning_rate=2"),
    .init("clip-tight", "optimizer.clip_norm=0.05 optimizer.name=sgd", worlds: mixed),
    .init("lazy", "optimizer.lazy=true", base: .words, worlds: exchanging),
    .init(
      "lazy-adamw",
      "optimizer.lazy=true optimizer.name=adamw optimizer.weight_decay=0.1 "
        + "optimizer.ema_decay=0.9", base: .words, worlds: exchanging),
    .init(
      "skipped-steps",
      "run.on_nonfinite=skip optimizer.name=sgd optimizer.clip_norm=0 "
        + "optimizer.learning_rate=3e37 optimizer.schedule.name=constant run.validate_every=0"),
  ]

  /// Learning rates.
  static let schedules: [GoldenConfig] = [
    .init("schedule-constant", "optimizer.schedule.name=constant"),
    .init(
      "schedule-linear",
      "optimizer.schedule.name=linear optimizer.schedule.final_fraction=0.3 run.steps=8",
      worlds: four),
    .init("schedule-cosine", "optimizer.schedule.final_fraction=0 run.steps=9", worlds: odd),
    .init(
      "schedule-step",
      "optimizer.schedule.name=step optimizer.schedule.step_every=2 optimizer.schedule.factor=0.6 "
        + "run.steps=9"),
    .init(
      "schedule-plateau",
      "optimizer.schedule.name=plateau optimizer.schedule.factor=0.5 "
        + "optimizer.schedule.patience=2 run.validate_every=1 run.steps=12 optimizer.name=sgd "
        + "optimizer.learning_rate=60", base: .words, worlds: mixed),
    .init(
      "schedule-stable",
      "optimizer.schedule.name=warmup_stable_decay optimizer.schedule.decay_steps=3 "
        + "optimizer.schedule.final_fraction=0.2 run.steps=9"),
    .init(
      "schedule-no-warmup", "optimizer.schedule.warmup_steps=0 optimizer.schedule.name=linear",
      worlds: odd),
    .init(
      "patience",
      "run.patience=2 run.validate_every=1 run.steps=20 optimizer.name=sgd "
        + "optimizer.learning_rate=80 optimizer.schedule.name=constant", base: .words),
  ]

  /// Batches, windows and seeds.
  static let batches: [GoldenConfig] = [
    .init("seed", "run.seed=20261127", worlds: four),
    // What is written beside training changes nothing.
    .init(
      "watched",
      "run.sample_length=9 run.tensorboard=true run.checkpoint_every=2 "
        + "run.keep_checkpoints=1", worlds: four),
    .init("epochs", "batch.window=70 run.steps=8", worlds: three),
    .init("epochs-classes", "run.steps=14", base: .classes),
    .init("accumulate", "batch.accumulate=3"),
    .init(
      "accumulate-options",
      "batch.accumulate=2 model.dropout=0.2 model.recurrent_dropout=0.2 model.layers=2 "
        + "model.tie_weights=true model.embedding=12", worlds: mixed),
    .init("accumulate-classes", "batch.accumulate=2", base: .classes, worlds: three),
    .init("window-jitter", "batch.window_jitter=3 run.steps=9"),
    .init(
      "window-jitter-accumulate",
      "batch.window_jitter=4 batch.accumulate=2 batch.window=9 "
        + "optimizer.name=sgd optimizer.learning_rate=1", worlds: mixed),
    .init("window-jitter-epochs", "batch.window_jitter=20 batch.window=50 run.steps=12"),
  ]

  /// Runs that were stopped by a program of version 1: small ones, each of whose kinds of state is
  /// kept in the files of a checkpoint.
  static let kept: [GoldenConfig] = [
    .init(
      "kept-options",
      "model.layers=2 model.layer_norm=true model.learned_initial_state=true model.dropout=0.1 "
        + "model.recurrent_dropout=0.1 model.reset=after optimizer.name=sgd "
        + "optimizer.learning_rate=1 optimizer.momentum=0.9", base: .characters, worlds: four),
    .init(
      "kept-average",
      "optimizer.name=asgd optimizer.learning_rate=40 optimizer.average_patience=1 "
        + "run.validate_every=1 run.steps=9 optimizer.schedule.name=constant model.cell=rnn",
      base: .characters),
    .init(
      "kept-compressed",
      "exchange.compression=bf16 exchange.compression_groups=2 optimizer.ema_decay=0.8",
      base: .characters, worlds: pairs),
    .init(
      "kept-local",
      "exchange.synchronize_every=2 run.log_every=2 run.validate_every=4 run.steps=8 "
        + "exchange.local_groups=2 model.hidden=6", base: .characters, worlds: pairs),
    .init(
      "kept-plateau",
      "optimizer.schedule.name=plateau optimizer.schedule.factor=0.5 run.validate_every=1 "
        + "run.steps=9 optimizer.name=rmsprop optimizer.learning_rate=0.3 run.patience=8",
      base: .characters, worlds: mixed),
    .init(
      "kept-jitter",
      "batch.window_jitter=20 batch.window=40 batch.accumulate=2 run.steps=9 optimizer.lazy=true "
        + "optimizer.ema_decay=0.9", base: .characters, worlds: three),
    .init(
      "kept-classes",
      "model.bidirectional=true model.hidden=6 optimizer.name=adamw optimizer.weight_decay=0.1 "
        + "model.learned_initial_state=true", base: .classes),
    .init(
      "kept-forecast",
      #"data.horizon=2 data.targets=["y","z"] model.cell=rnn optimizer.name=adagrad"#,
      base: .forecast, worlds: four),
  ]
}
