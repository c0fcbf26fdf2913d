import Tasks

/// The names of a table's columns, and which of them a config names.
package struct TableHeader {
  package let names: [String]
  /// Whether the names are those of the file.
  package let isGiven: Bool
  package let sequence: Int?
  package let label: Int?
  /// Columns of dates and times, and of the numbers to predict.
  package let calendar: [Int]
  /// Columns whose values are handed on as they are.
  package let kept: [Int]
  package let targets: [Int]
  /// The column of times that rows are split by.
  private let splitColumn: String?
  /// Columns of categories.
  package let categories: [Int]
  /// Those that the config chooses; nil where it leaves that to the file.
  package let chosen: [Int]?

  /// - Parameter rows: has read the first row, and no more.
  package init(of rows: DelimitedText, _ request: SequenceRequest, file: DataFile) throws {
    var fields = (0..<rows.count).map { CSVReader.trimmed(rows[$0]) }
    isGiven = request.hasHeader
    if isGiven {
      while fields.count > 1, fields.last == "" { fields.removeLast() }
      try Self.requireNames(fields, line: rows.line, file)
      names = fields
    } else {
      if fields.count > 1, fields.last == "" { fields.removeLast() }
      names = fields.indices.map { "column \($0 + 1)" }
    }
    let names = names
    var places: [String: Int] = [:]
    for (place, name) in names.enumerated() {
      guard let other = places.updateValue(place, forKey: name) else { continue }
      throw file.failure(
        "line \(rows.line)",
        "column \"\(name)\" appears twice in the header, as columns \(other + 1) and \(place + 1)")
    }
    func place(of name: String?, _ key: String) throws -> Int? {
      guard let name else { return nil }
      if let place = places[name] { return place }
      throw file.failure(
        "header", "there is no column \"\(name)\", which \(key) names",
        hint: "the columns are \(DataFileError.list(names))")
    }
    sequence = try place(of: request.sequenceColumn, "data.sequence")
    label = try place(
      of: request.task.outputs == .classes && request.parts == nil ? request.labelColumn : nil,
      "data.label")
    kept = try (request.parts?.kept ?? []).compactMap {
      try place(of: $0, request.parts?.option(naming: $0) ?? "--keep")
    }
    categories = try request.categoryColumns.compactMap { try place(of: $0, "data.categories") }
    let wanted = request.predictsOthers ? request.targetColumns ?? ["target"] : []
    targets = try wanted.compactMap { try place(of: $0, "data.targets") }
    calendar = try request.timeColumns.compactMap {
      try place(of: $0, $0 == request.split.column ? "data.split.column" : "data.calendar")
    }
    splitColumn = request.split.column
    _ = try request.knownColumns.map { try place(of: $0, "data.known") }
    _ = try request.staticColumns.map { try place(of: $0, "data.static") }
    chosen = try request.numberColumns?.compactMap { try place(of: $0, "data.columns") }
    if let twice = (chosen ?? []).first(where: categories.contains) {
      throw file.failure(
        "header", "column \"\(names[twice])\" is read as numbers and as categories",
        hint: "leave it out of data.columns or of data.categories")
    }
    if let label, ((chosen ?? []) + categories).contains(label) {
      throw file.failure(
        "header", "column \"\(names[label])\" is the class to be predicted, and read too",
        hint: "leave it out of data.columns or of data.categories")
    }
    if let twice = ((chosen ?? []) + categories).first(where: targets.contains) {
      throw file.failure(
        "header", "column \"\(names[twice])\" is to be predicted, and read too",
        hint: "leave it out of data.columns or of data.targets")
    }
  }

  /// Whether a row says the same once more, as where files were joined or a program began anew.
  package func isRepeated(by rows: DelimitedText) -> Bool {
    isGiven && rows.count >= names.count
      && names.indices.allSatisfy { rows.holds(names[$0], at: $0) }
  }

  /// Whether rows are split by the times of a column.
  func isSplit(_ place: Int) -> Bool { names[place] == splitColumn }

  /// Throws where a first row looks like numbers, dates and times, and no names.
  private static func requireNames(_ fields: [String], line: Int, _ file: DataFile) throws {
    func isValue(_ text: String) -> Bool {
      CellNumber.parse(Array(text.utf8)) != nil
        || text.first?.isNumber == true
          && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || "-:/. TZ,".utf8.contains($0) }
    }
    guard fields.allSatisfy(isValue) else { return }
    throw file.failure(
      "line \(line)", "holds numbers, expected a header with the names of the columns",
      hint: "write one above them, or set data.header to false")
  }
}
