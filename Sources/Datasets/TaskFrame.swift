package import Batches
import NumericContract
import Records
package import Tasks

/// What a model learnt on one file must know to read another: columns, classes and scales. Kept in
/// checkpoints.
package struct TaskFrame: Sendable, Equatable, Codable {
  package var columns: [String]
  /// Names of the classes, by number.
  package var classes: [String]?
  /// Columns that are forecast.
  package var targets: [String]?
  /// Of the training data, by column; nil where values are taken as they are.
  package var means: [Double]?
  package var deviations: [Double]?
  /// What is taken for missing numbers of each column where nothing else is known; nil where that
  /// is the mean, or nothing is filled in.
  package var fills: [Double]?
  /// Steps of a season of what is forecast; nil where there is none, or nobody knows.
  package var season: Int?
  /// What a naive forecast of the training data misses on average, by column to forecast; nil
  /// where nobody knows.
  package var naiveErrors: [Double]?
  /// Columns whose missing numbers an input of its own says.
  package var masked: [String]?
  /// Columns that are known in the future, those of one number a sequence, and those of dates.
  package var known: [String]?
  package var statics: [String]?
  package var calendar: [String]?
  /// What one series is.
  package var form = SeriesForm.rows
  /// The names of series with scales of their own, [series, columns].
  package var series: [String]?
  package var seriesMeans: [Double]?
  package var seriesDeviations: [Double]?
  /// Numbers to predict that are no columns which go in.
  package var predicted: PredictedNumbers?
  /// Columns of categories.
  package var categories: Categories?

  /// Learns everything from the training parts (ranges of steps) of a file.
  ///
  /// - Parameters:
  ///   - labels: those that classes are learnt from; nil for all of the table.
  ///   - labelSteps: the same where every step has a label.
  package init(
    of table: SequenceTable, training: [Range<Int>], labels: [String]? = nil,
    labelSteps: [Range<Int>]? = nil, _ request: SequenceRequest, path: String
  ) throws {
    columns = request.numberColumns ?? table.columns
    if let used = request.seriesColumns, columns.contains(where: used.contains) {
      // Every other column would be no series, and beside none.
      columns.removeAll { !used.contains($0) }
    }
    let places = try table.places(of: columns, path: path, key: "data.columns")
    if request.task.outputs == .classes, request.task.targets == .everyStep {
      classes = try table.stepClasses(
        of: labelSteps, ignoring: request.ignoredLabel, path: path)
    } else if request.task.outputs == .classes {
      classes = try Self.classes(of: table, labels: labels, request, path: path)
    }
    categories = table.categories.map {
      Categories(of: $0, in: training, size: request.categorySize)
    }
    if request.predictsOthers {
      predicted = try table.targets?.learnt(
        training: training, starts: table.starts, request, path: path)
    }
    func some(_ names: [String]) -> [String]? { names.isEmpty ? nil : names }
    (known, statics) = (some(request.knownColumns), some(request.staticColumns))
    calendar = some(request.calendarColumns)
    form = request.seriesForm
    if request.task.sequences == .windows {
      targets = try request.targetColumns ?? forecastable(path: path)
    }
    let fillsIn = request.missing != .error
    if request.missing == .mask {
      masked = some(table.columnsWithGaps(places).map { columns[$0] })
    }
    if fillsIn { try table.requireNumbers(places, in: training, path: path) }
    if request.normalizes || fillsIn {
      let scales = ColumnScales(
        of: table.numbers, parts: training, places: places, contract: request.contract)
      if request.normalizes {
        (means, deviations) = (scales.means, scales.deviations)
      } else {
        fills = scales.means
      }
    }
    if let targets {
      let season = Season(
        of: table.numbers, parts: training,
        places: try table.places(of: targets, path: path, key: "data.targets"),
        asked: request.season, window: request.window)
      (self.season, naiveErrors) = (season.steps, season.errors)
    }
    if request.normalizes, request.scale == .series {
      learnScales(ofEachSeriesOf: table, training, places, request.contract)
    }
    // What is normalized is centred before it is rounded.
    if !request.normalizes, request.contract >= .two {
      try table.requireSinglePrecision(places, in: training, path: path)
    }
  }

  /// The classes of sequences, each of which has one.
  private static func classes(
    of table: SequenceTable, labels: [String]?, _ request: SequenceRequest, path: String
  ) throws -> [String] {
    guard !table.labels.isEmpty else {
      throw DataFileError(
        path: path, place: nil, problem: "its sequences have no labels",
        hint: "classification needs one of each")
    }
    let classes = ClassNames.ordered(labels ?? table.labels)
    if request.contract >= .two, classes.contains("") {
      let number = table.labels.firstIndex(of: "").map { $0 + 1 } ?? 1
      throw DataFileError(
        path: path,
        place: table.lines.isEmpty ? "sequence \(number)" : "line \(table.lines[number - 1])",
        problem: "has no label",
        hint: "classification needs one of each: give it one, or leave the sequence out")
    }
    return classes
  }

  /// The number of every sequence's class; -1 where it has none and `request` counts such.
  package func classNumbers(
    of set: SequenceSet, _ request: SequenceRequest, path: String
  ) throws -> [Int32] {
    let classes = classes ?? []
    var numbers: [String: Int32] = [:]
    for (number, name) in classes.enumerated() { numbers[name] = Int32(number) }
    guard set.labels.count == set.count else {
      throw DataFileError(path: path, place: nil, problem: "its sequences have no labels")
    }
    return try set.labels.enumerated().map { index, label in
      guard let number = numbers[label] else {
        if request.countsUnknownClasses { return -1 }
        throw unknownClass(
          label, set.labels.filter { numbers[$0] == nil }, set.place(of: index), path: path)
      }
      return number
    }
  }

  /// The columns that are forecast where none are named: all but those that are known anyway.
  private func forecastable(path: String) throws -> [String] {
    let others = Set((known ?? []) + (statics ?? []))
    let names = columns.filter { !others.contains($0) }
    if names.isEmpty {
      throw DataFileError(
        path: path, place: nil,
        problem: "no column is left to forecast: all are in data.known or data.static",
        hint: "name some in data.targets")
    }
    return names
  }

  /// Takes the scale of each column of each series by itself; where a series has no number to
  /// train on, and for columns of one number a sequence, it is that of all.
  private mutating func learnScales(
    ofEachSeriesOf table: SequenceTable, _ training: [Range<Int>], _ places: [Int],
    _ contract: ContractVersion
  ) {
    guard let means, let deviations else { return }
    let shared = Set(statics ?? [])
    series = table.sequenceNames
    (seriesMeans, seriesDeviations) = ([], [])
    for part in training {
      let own = ColumnScales(
        of: table.numbers, parts: [part], places: places, contract: contract)
      let firsts = table.numbers.first(in: [part], places)
      for index in places.indices {
        let isOwn = firsts[index] != nil && !shared.contains(columns[index])
        seriesMeans?.append(isOwn ? own.means[index] : means[index])
        seriesDeviations?.append(isOwn ? own.deviations[index] : deviations[index])
      }
    }
  }

  /// The places of some columns among those that are read.
  func places(of names: [String]?) -> [Int] {
    let places = SequenceSet.places(of: columns)
    return (names ?? []).compactMap { places[$0] }
  }

  /// The places of the columns to forecast.
  package func targetPlaces(path: String) throws -> [Int] {
    let places = SequenceSet.places(of: columns)
    return try (targets ?? []).map { name in
      guard let place = places[name] else {
        throw DataFileError(
          path: path, place: nil,
          problem: "there is no column \"\(name)\", which data.targets names",
          hint: "the columns read are \(DataFileError.list(columns))")
      }
      return place
    }
  }
}

extension TaskFrame {
  /// What texts teach beside a tokenizer.
  package init(classesOf labels: [String]) {
    columns = []
    classes = ClassNames.ordered(labels)
  }
}

extension SequenceRequest {
  /// Reads what a model has learnt to read.
  package mutating func adopt(_ frame: TaskFrame) {
    columns = frame.columns
    knownColumns = frame.known ?? []
    staticColumns = frame.statics ?? []
    calendarColumns = frame.calendar ?? []
    categoryColumns = frame.categories?.columns.map(\.name) ?? []
  }
}
