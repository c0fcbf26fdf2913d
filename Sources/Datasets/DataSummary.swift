package import Records

/// What people should know of data before a model trains on them: what is read, as what, and what
/// is left out.
package struct DataSummary: Sendable, Equatable, Codable {
  /// One line, with the word that stands before it.
  package struct Line: Sendable, Equatable, Codable {
    package var label: String
    package var text: String
  }

  package private(set) var lines: [Line] = []
  /// Members of a record that say the same.
  package private(set) var json: OrderedJSON = [:]

  package init() {}

  /// Names that a record lists, and counts of them that a line does.
  private static let mostListed = 1000
  private static let mostShown = 12

  package mutating func say(_ label: String, _ text: String) {
    lines.append(Line(label: label, text: text))
  }

  package mutating func add(_ members: OrderedJSON) { json = json.merging(members) }

  /// A list of names for a record, cut where it is very long.
  private static func list(_ names: [String]) -> OrderedJSON {
    .array(names.prefix(mostListed).map { .string($0) })
  }
}

/// Data that are read of files.
extension DataSummary {
  /// Says how much a file holds.
  ///
  /// - Parameter use: what the file is for.
  package mutating func say(_ use: String, _ path: String, _ table: SequenceTable) {
    let steps = table.starts[table.count]
    say(
      "data",
      "'\(path)' for \(use): \(Format.count(table.count, "sequence")), "
        + Format.count(steps, "step"))
    add([
      "\(use)_file": .string(path), "\(use)_file_sequences": .integer(table.count),
      "\(use)_file_steps": .integer(steps),
    ])
  }

  /// Says which columns are read, and as what.
  package mutating func say(columnsOf table: SequenceTable, _ frame: TaskFrame) {
    let read = Set(frame.columns)
    let leftOut = table.columns.filter { !read.contains($0) } + table.leftOut
    var text =
      "\(Format.grouped(frame.columns.count)) read as numbers"
      + (table.form.map { ", \($0)" } ?? "")
      + (frame.means == nil ? "" : ", normalized") + ": \(DataFileError.list(frame.columns))"
    if let targets = frame.targets, targets != frame.columns {
      text += "; to forecast: \(DataFileError.list(targets))"
    }
    for (names, what) in [
      (frame.known, "known in the future"), (frame.statics, "one number a sequence"),
      (frame.calendar, "hour, weekday and month of"), (frame.masked, "with an input for gaps"),
    ] {
      if let names { text += "; \(what): \(DataFileError.list(names))" }
    }
    if frame.series != nil { text += "; a scale for each series" }
    if let name = table.sequenceColumn { text += "; sequences by \"\(name)\"" }
    if let name = table.labelColumn { text += "; classes by \"\(name)\"" }
    if !leftOut.isEmpty {
      text += "; \(Format.count(leftOut.count, "column")) left out: \(DataFileError.list(leftOut))"
    }
    say("columns", text)
    let told = (frame.targets ?? []).filter { frame.known?.contains($0) == true }
    if !told.isEmpty {
      say(
        "remark",
        "\(DataFileError.list(told)): known in the future (data.known) and forecast too, so that "
          + "the model reads what it is to forecast; take it out of data.targets or of data.known")
    }
    add([
      "columns": Self.list(frame.columns), "column_count": .integer(frame.columns.count),
      "normalized": .bool(frame.means != nil), "left_out_columns": Self.list(leftOut),
    ])
    for (names, key) in [
      (frame.targets, "forecast_columns"), (frame.known, "known_columns"),
      (frame.statics, "static_columns"), (frame.calendar, "calendar_columns"),
      (frame.masked, "masked_columns"),
    ] {
      if let names { add(.object([.init(key, Self.list(names))])) }
    }
  }

  /// Says what was noticed where a file was read.
  ///
  /// - Parameter path: of a file beside the one to train on.
  package mutating func say(remarksOf table: SequenceTable, path: String? = nil) {
    for remark in table.remarks.prefix(Self.mostListed) {
      say("remark", (path.map { "'\($0)': " } ?? "") + remark)
    }
  }

  /// Says how many sequences each class has.
  ///
  /// - Parameters:
  ///   - training: class numbers of the sequences to train on.
  ///   - validation: the same of those to validate on.
  package mutating func say(
    classes names: [String], training: [Int32], validation: [Int32], of noun: String = "sequences"
  ) {
    func counts(_ numbers: [Int32]) -> [Int] {
      numbers.reduce(into: [Int](repeating: 0, count: names.count)) { $0[Int($1)] += 1 }
    }
    say(
      classes: names, training: counts(training), validation: counts(validation), of: noun)
  }

  /// Says how much of each class there is.
  ///
  /// - Parameters:
  ///   - trained: how much there is to train on, by class.
  ///   - held: the same to validate on.
  ///   - noun: what is counted.
  private mutating func say(
    classes names: [String], training trained: [Int], validation held: [Int], of noun: String
  ) {
    let isHeld = held.contains { $0 > 0 }
    let shown = names.indices.prefix(Self.mostShown).map {
      "\"\(names[$0])\" \(Format.grouped(trained[$0]))"
        + (isHeld ? " + \(Format.grouped(held[$0]))" : "")
    }
    let untrained = names.indices.filter { trained[$0] == 0 }.map { names[$0] }
    let unheld = isHeld ? names.indices.filter { held[$0] == 0 }.map { names[$0] } : []
    if names.count == 1 {
      say("remark", "there is one class alone, \"\(names[0])\": nothing is to be told apart")
    }
    for alike in ClassNames.alike(names) {
      say(
        "remark",
        "classes that differ by case or blanks alone: \(DataFileError.list(alike)); if they are "
          + "one, write them alike")
    }
    say(
      "classes",
      "\(names.count), with \(noun) to train\(isHeld ? " + validate" : "") on: "
        + shown.joined(separator: ", ") + (names.count > Self.mostShown ? ", ..." : "")
        + (untrained.isEmpty ? "" : "; without any to train on: \(DataFileError.list(untrained))")
        + (unheld.isEmpty ? "" : "; without any to validate on: \(DataFileError.list(unheld))"))
    add([
      "class_count": .integer(names.count),
      "classes": .array(
        names.indices.prefix(Self.mostListed).map {
          [
            "name": .string(names[$0]), "training": .integer(trained[$0]),
            "validation": .integer(held[$0]),
          ]
        }),
    ])
  }

  /// Says how much the losses of each class count in training.
  package mutating func say(weightsOf names: [String], _ weights: [Float]) {
    let shown = zip(names, weights).prefix(Self.mostShown).map {
      "\"\($0)\" \(Format.small(Double($1)))"
    }
    say("weights", shown.joined(separator: ", ") + (names.count > Self.mostShown ? ", ..." : ""))
    add([
      "class_weights": .array(
        weights.prefix(Self.mostListed).map { .number(Double($0)) })
    ])
  }

  /// Says what a window is too short for.
  package mutating func say(limitsOf request: SequenceRequest) {
    if let season = request.season, season > request.window {
      say(
        "remark",
        "data.season is \(season) steps, more than batch.window, which is \(request.window): the "
          + "value a season before is in no window, and no such baseline is measured")
    }
    if !request.knownColumns.isEmpty, request.horizon > request.window {
      say(
        "remark",
        "data.horizon is \(request.horizon) steps, more than batch.window, which is "
          + "\(request.window): of data.known a window reads the last \(request.window) steps of "
          + "the horizon, and none before them")
    }
  }

  /// Says which series have no window.
  ///
  /// - Parameters:
  ///   - use: "training" or "validation".
  ///   - lengths: of the parts of series that windows are taken from.
  ///   - least: steps of a window and what it forecasts.
  package mutating func say(shortSeriesOf use: String, _ lengths: [Int], least: Int) {
    let short = lengths.filter { $0 < least }
    add([
      "\(use)_series": .integer(lengths.count), "\(use)_series_left_out": .integer(short.count),
      "\(use)_series_least_steps": .integer(least),
    ])
    guard let shortest = short.min() else { return }
    say(
      "short",
      "\(Format.count(short.count, "series", plural: "series")) of "
        + "\(Format.grouped(lengths.count)) left out of \(use): fewer than the "
        + "\(Format.count(least, "step")) of a window and its forecast, the shortest "
        + "\(Format.grouped(shortest))")
  }
}
