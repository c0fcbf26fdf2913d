/// Forecasts of distributions, of series by themselves, and of windows relative to their end.
extension GoldenConfig {
  static let forecasts2: [GoldenConfig] = [
    .init(
      "forecast-quantiles",
      "output.loss=quantile output.quantiles=[0.2,0.5,0.8] data.relative=last data.horizon=3",
      base: .forecast, worlds: mixed, version: 2),
    .init(
      "forecast-student",
      "output.loss=student data.sequence=part data.scale=series data.missing=mask",
      base: .forecast, worlds: three, version: 2),
    .init(
      "forecast-columns",
      "output.loss=gaussian data.series=columns data.relative=mean data.horizon=2 model.cell=lstm",
      base: .forecast, worlds: four, version: 2),
  ]
}
