/// Parts of a model that are frozen or learn at rates of their own, and embeddings that begin with
/// vectors of a file.
extension GoldenConfig {
  static let parts2: [GoldenConfig] = [
    .init(
      "frozen-below",
      #"model.freeze=["embedding","layers.0"] model.layers=3 optimizer.ema_decay=0.8 "#
        + "run.recompute_every=2 model.dropout=0.1",
      base: .words, worlds: mixed, version: 2),
    .init(
      "frozen-head",
      #"model.freeze=["layers.1","output"] model.layers=2 optimizer.name=adamw "#
        + "optimizer.weight_decay=0.1 model.learned_initial_state=true",
      worlds: three, version: 2),
    .init(
      "frozen-compressed",
      #"model.freeze=["embedding"] exchange.compression=bf16 exchange.compression_groups=2"#,
      worlds: pairs, version: 2),
    .init(
      "frozen-local",
      #"model.freeze=["embedding"] exchange.synchronize_every=2 exchange.local_groups=2 "#
        + "run.log_every=2 run.validate_every=4",
      base: .characters, worlds: pairs, version: 2),
    .init(
      "frozen-tags",
      "task=tagging data.train=tags.conll data.valid_fraction=0.25 model.embedding=6 "
        + #"batch.window=17 model.bidirectional=true model.layers=2 "#
        + #"model.freeze=["embedding","layers.0"]"#,
      worlds: mixed, version: 2),
    .init(
      "rates",
      #"optimizer.rates={"embedding":0.1,"layers":0.5,"layers.1.bias":3} model.layers=2 "#
        + "optimizer.lazy=true batch.accumulate=2",
      base: .words, worlds: mixed, version: 2),
    .init(
      "vectors",
      #"data.embeddings=vectors.txt model.freeze=["layers.0.bias"]"#, base: .characters,
      worlds: three, version: 2),
  ]
}
