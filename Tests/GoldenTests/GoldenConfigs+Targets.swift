/// Numbers of sequences, and numbers and classes of every step.
extension GoldenConfig {
  private static let goals = Base(
    "task=regression data.valid_fraction=0.25 batch.window=14")

  private static let shops = Base(
    #"data.train=shops.csv data.valid_fraction=0.25 data.sequence=shop batch.window=14 "#
      + #"data.categories=["city","code"] data.columns=["x","y"]"#)

  static let targets2: [GoldenConfig] = [
    .init(
      "categories-steps",
      "task=regression output.readout=every data.category_size=3 model.layers=2 model.dropout=0.1 "
        + "model.bidirectional=true", base: shops, worlds: mixed, version: 2),
    .init(
      "categories-forecast",
      #"task=forecasting data.targets=["x"] batch.window=4 optimizer.lazy=true"#, base: shops,
      worlds: three, version: 2),
    .init(
      "categories-classes",
      "task=classification data.label=shop model.cell=lstm exchange.sparse=always",
      base: shops, worlds: exchanging, version: 2),
    .init(
      "regression",
      #"data.train=goals.csv data.targets=["goal","other"] data.missing=mask"#,
      base: goals, worlds: three, version: 2),
    .init(
      "regression-steps",
      "data.train=goals.jsonl output.readout=every output.loss=absolute model.bidirectional=true "
        + "model.layers=2 model.dropout=0.1", base: goals, worlds: mixed, version: 2),
    .init(
      "regression-quantiles",
      #"data.train=goals.csv data.targets=["other"] data.missing=mean output.readout=mean "#
        + "data.columns=[\"x\",\"y\"] output.loss=quantile model.cell=mingru",
      base: goals, worlds: odd, version: 2),
    .init(
      "steps-classes",
      "task=classification data.train=stream.csv data.valid_fraction=0.2 data.sequence=null "
        + "data.label=mode data.ignore_label=? output.readout=every output.class_weights=balanced "
        + "batch.window=15 model.cell=lstm", base: Base(""), worlds: four, version: 2),
  ]
}
