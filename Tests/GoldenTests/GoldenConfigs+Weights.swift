/// What a softmax may be trained by beside the plain loss: smoothed targets and weights of classes.
extension GoldenConfig {
  static let weights2: [GoldenConfig] = [
    .init("smoothed-words", "output.label_smoothing=0.1", base: .words, worlds: three, version: 2),
    .init(
      "smoothed-options",
      "output.label_smoothing=0.3 model.layers=2 model.dropout=0.2 model.tie_weights=true "
        + "model.embedding=12 batch.accumulate=2 optimizer.ema_decay=0.8",
      base: .words, worlds: mixed, version: 2),
    .init(
      "smoothed-local",
      "output.label_smoothing=0.1 exchange.synchronize_every=2 exchange.local_groups=2 "
        + "run.log_every=2 run.validate_every=4",
      base: .characters, worlds: pairs, version: 2),
    .init(
      "smoothed-classes", "output.label_smoothing=0.2 output.readout=mean", base: .classes,
      worlds: mixed, version: 2),
    .init(
      "weighted-classes", "output.class_weights=balanced run.recompute_every=2", base: .classes,
      worlds: exchanging, version: 2),
    .init(
      "weighted-tags",
      "task=tagging data.train=tags.conll data.valid_fraction=0.25 model.embedding=6 "
        + #"batch.window=17 output.class_weights={"a":3,"o":0.25} output.label_smoothing=0.1 "#
        + "model.bidirectional=true model.dropout=0.1 optimizer.lazy=true",
      worlds: mixed, version: 2),
  ]
}
