import NumericContract
package import Records
import Tasks

/// What a model learnt on one file must know to read another: columns, classes and scales. Kept in
/// checkpoints.
package struct TaskFrame: Sendable, Equatable {
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

  /// Learns everything from the training parts (ranges of steps) of a file.
  package init(
    of table: SequenceTable, training: [Range<Int>], _ request: SequenceRequest, path: String
  ) throws {
    columns = request.columns ?? table.columns
    let places = try table.places(of: columns, path: path, key: "data.columns")
    if request.task.outputs == .classes {
      guard !table.labels.isEmpty else {
        throw DataFileError(
          path: path, place: nil, problem: "its sequences have no labels",
          hint: "classification needs one of each")
      }
      classes = ClassNames.ordered(table.labels)
      if request.contract >= .two, classes?.contains("") == true {
        let number = table.labels.firstIndex(of: "").map { $0 + 1 } ?? 1
        throw DataFileError(
          path: path, place: "sequence \(number)", problem: "has no label",
          hint: "classification needs one of each: give it one, or leave the sequence out")
      }
    }
    if request.task.sequences == .windows { targets = request.targetColumns ?? columns }
    let fillsIn = request.missing != .error
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
    // What is normalized is centred before it is rounded.
    if !request.normalizes, request.contract >= .two {
      try table.requireSinglePrecision(places, in: training, path: path)
    }
  }

  /// The number of every sequence's class.
  package func classNumbers(of set: SequenceSet, path: String) throws -> [Int32] {
    let classes = classes ?? []
    var numbers: [String: Int32] = [:]
    for (number, name) in classes.enumerated() { numbers[name] = Int32(number) }
    guard set.labels.count == set.count else {
      throw DataFileError(path: path, place: nil, problem: "its sequences have no labels")
    }
    return try set.labels.enumerated().map { index, label in
      guard let number = numbers[label] else {
        let strange = ClassNames.ordered(set.labels.filter { numbers[$0] == nil })
        throw DataFileError(
          path: path, place: "sequence \(index + 1)",
          problem: "class \"\(label)\" does not occur in the training data"
            + (strange.count > 1
              ? ", nor do others: \(strange.count) in all, \(DataFileError.list(strange))" : ""),
          hint: "its classes are \(DataFileError.list(classes))")
      }
      return number
    }
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
  /// The form in which checkpoints keep it; what is nil is left out.
  package var json: OrderedJSON {
    Self.json(
      columns: columns, classes: classes, targets: targets, means: means, deviations: deviations,
      fills: fills, season: season, naiveErrors: naiveErrors)
  }

  /// The same of parts that are known.
  package static func json(
    columns: [String], classes: [String]?, targets: [String]?, means: [Double]?,
    deviations: [Double]?, fills: [Double]? = nil, season: Int? = nil,
    naiveErrors: [Double]? = nil
  ) -> OrderedJSON {
    var members: [OrderedJSON.Member] = []
    func add(_ name: String, _ words: [String]?) {
      if let words { members.append(.init(name, .array(words.map { .string($0) }))) }
    }
    func add(_ name: String, _ values: [Double]?) {
      if let values { members.append(.init(name, .array(values.map { .number($0) }))) }
    }
    add("columns", columns)
    add("classes", classes)
    add("targets", targets)
    add("means", means)
    add("deviations", deviations)
    add("fills", fills)
    if let season { members.append(.init("season", .integer(season))) }
    add("naive_errors", naiveErrors)
    return .object(members)
  }

  /// Reads what `json` says.
  package init(json fields: JSONFields) throws(JSONFieldError) {
    columns = try fields.strings("columns")
    if fields.value(ifPresent: "classes") != nil { classes = try fields.strings("classes") }
    if fields.value(ifPresent: "targets") != nil { targets = try fields.strings("targets") }
    if fields.value(ifPresent: "means") != nil { means = try fields.numbers("means") }
    if fields.value(ifPresent: "deviations") != nil {
      deviations = try fields.numbers("deviations")
    }
    if fields.value(ifPresent: "fills") != nil { fills = try fields.numbers("fills") }
    season = try fields.integer(ifPresent: "season")
    if fields.value(ifPresent: "naive_errors") != nil {
      naiveErrors = try fields.numbers("naive_errors")
    }
  }
}
