package import Records
package import Tasks

extension TaskFrame {
  /// Throws unless a model of these sizes can have learnt this from its data.
  ///
  /// - Parameters:
  ///   - outputs: columns of the output layer; nil for any number.
  ///   - features: real values that the model reads at each step; nil for any number.
  ///   - horizon: steps that are forecast.
  ///   - normalizes: whether inputs are moved and scaled.
  package func check(
    task: TaskDescription, outputs: Int? = nil, features: Int? = nil, horizon: Int,
    normalizes: Bool
  ) throws(JSONFieldError) {
    if task.readsValues { try Self.checkNames(columns, "columns") }
    if let features, inputCount != features {
      throw Self.error(
        "columns",
        "has \(columns.count) names, which with what stands beside them make "
          + "\(inputCount) inputs, and the model reads \(features)")
    }
    try checkKinds()
    guard (categories?.columns.count ?? 0) == task.categories else {
      throw Self.error("categories", "are not those of data.categories")
    }
    try categories?.check(count: task.categories)
    if task.outputs == .classes {
      let classes = classes ?? []
      try Self.checkNames(classes, "classes")
      if let outputs, classes.count != outputs {
        throw Self.error(
          "classes", "has \(classes.count) names, and the model has \(outputs) outputs")
      }
    }
    if task.sequences == .windows {
      let parts = task.outputsPerTarget
      let named = form == .columns ? 1 : (targets ?? []).count
      try checkTargets(outputs: outputs, horizon: horizon, parts: parts, named: named)
    }
    if task.outputs == .values, task.sequences == .packed {
      guard let predicted else { throw Self.error("predicted", "is missing") }
      try Self.checkNames(predicted.names, "predicted")
      try predicted.check(
        outputs: outputs.map { $0 / task.outputsPerTarget }, isScaled: normalizes)
    }
    let normalizes = normalizes && task.readsValues
    guard (means != nil) == normalizes, (deviations != nil) == normalizes else {
      throw Self.error(
        means == nil ? "means" : "deviations",
        "does not go with data.normalize, which is \(normalizes)")
    }
    try checkScales()
    if let season, season < 1 { throw Self.error("season", "has \(season) steps") }
    if let naiveErrors {
      guard naiveErrors.count == targets?.count, naiveErrors.allSatisfy({ $0 >= 0 && $0.isFinite })
      else { throw Self.error("naive_errors", "has not one error for each column to forecast") }
    }
  }

  /// Real values that go in at each step.
  package var inputCount: Int {
    let calendars = (calendar ?? []).count * CalendarTime.inputs
    let known = (known ?? []).count
    if form == .rows { return columns.count + (masked ?? []).count + calendars + known }
    let shared = known + (statics ?? []).count
    return 1 + shared + (masked == nil ? 0 : 1) + calendars + known
  }

  private func checkKinds() throws(JSONFieldError) {
    let read = Set(columns)
    for (key, names) in [("masked", masked), ("known", known), ("static", statics)] {
      if let strange = (names ?? []).first(where: { !read.contains($0) }) {
        throw Self.error(key, "has \"\(strange)\", which is none of the columns")
      }
    }
    guard let series else { return }
    let count = series.count.multipliedReportingOverflow(by: columns.count)
    guard !count.overflow, seriesMeans?.count == count.partialValue,
      seriesDeviations?.count == count.partialValue
    else { throw Self.error("series_means", "has not one number for each series and column") }
    guard (seriesMeans ?? []).allSatisfy(\.isFinite),
      (seriesDeviations ?? []).allSatisfy({ $0.isNormal && $0 > 0 })
    else { throw Self.error("series_deviations", "has a number that no column can have") }
  }

  private func checkTargets(
    outputs: Int?, horizon: Int, parts: Int, named: Int
  ) throws(JSONFieldError) {
    let targets = targets ?? []
    try Self.checkNames(targets, "targets")
    let known = Set(columns)
    if let strange = targets.first(where: { !known.contains($0) }) {
      throw Self.error("targets", "has \"\(strange)\", which is none of the columns")
    }
    let (product, overflow) = (named * parts).multipliedReportingOverflow(by: horizon)
    guard !overflow, outputs ?? product == product else {
      throw Self.error(
        "targets",
        "has \(targets.count) names to forecast \(horizon) steps of, and the model has "
          + "\(outputs ?? 0) outputs")
    }
  }

  /// One mean and one deviation above 0 for each column, within single precision.
  private func checkScales() throws(JSONFieldError) {
    let largest = Double(Float.greatestFiniteMagnitude)
    if let fills {
      guard fills.count == columns.count, fills.allSatisfy({ $0.magnitude <= largest }) else {
        throw Self.error("fills", "has not one number for each of \(columns.count) columns")
      }
    }
    guard let means, let deviations else { return }
    for (name, values) in [("means", means), ("deviations", deviations)] {
      guard values.count == columns.count else {
        throw Self.error(name, "has \(values.count) numbers for \(columns.count) columns")
      }
    }
    if let mean = means.first(where: { !($0.magnitude <= largest) }) {
      throw Self.error("means", "has \(mean), which no column can have")
    }
    if let deviation = deviations.first(where: { !($0.isNormal && $0 > 0 && $0 <= 2 * largest) }) {
      throw Self.error("deviations", "has \(deviation), which no column can have")
    }
  }

  private static func checkNames(_ names: [String], _ key: String) throws(JSONFieldError) {
    if names.isEmpty { throw error(key, "is missing or empty") }
    guard Set(names).count == names.count else { throw error(key, "has a name twice") }
  }

  private static func error(_ key: String, _ problem: String) -> JSONFieldError {
    JSONFieldError(key: "dataset.\(key)", problem: problem)
  }
}
