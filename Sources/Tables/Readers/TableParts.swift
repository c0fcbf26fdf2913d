package import Records
import Tasks

/// How a file is read in parts.
package struct PartRequest: Sendable {
  /// A part ends after the sequence in which it has so many steps.
  package var steps: Int
  /// Whether a sequence may go on in the next part.
  package var cutsSequences: Bool
  /// Whether rows of a table are told apart by line, with what is kept of each, and not sequences.
  package var tellsSteps: Bool
  /// Columns, or members of lines of JSON, whose values are handed on as they are.
  package var kept: [String]
  /// The one of them that tells sessions apart.
  package var session: String?

  package init(steps: Int, cutsSequences: Bool, tellsSteps: Bool, kept: [String]) {
    self.steps = steps
    self.cutsSequences = cutsSequences
    self.tellsSteps = tellsSteps
    self.kept = kept
  }

  /// The option that names one of those that are kept.
  package func option(naming name: String) -> String { name == session ? "--session" : "--keep" }
}

/// Where a part of a file stands in it, and what is handed on of it.
package struct TablePart: Sendable {
  /// Sequences of the file before its first one.
  package var sequencesBefore = 0
  /// Steps of its first sequence in the parts before.
  package var stepsBefore = 0
  /// Whether its last sequence may go on in the next part.
  package var goesOn = false
  /// Whether what follows is of steps, and not of sequences.
  package var tellsSteps = false
  /// The line of each; none where a file has no lines.
  package var lines: [Int] = []
  /// What is kept of each of these, one after another.
  package var kept: [OrderedJSON] = []

  package init() {}
}

/// What is handed on of lines of JSON, and how often they lack it.
package struct KeptMembers {
  private let request: PartRequest
  /// Lines that lack each of the members, and the first of them.
  private var missing: [(count: Int, first: String)]

  package init(_ request: PartRequest) {
    self.request = request
    missing = request.kept.map { _ in (0, "") }
  }

  /// The members of a line that are asked for; null for what it lacks.
  ///
  /// - Throws: `DataFileError` where it lacks what tells sessions apart.
  package mutating func values(
    of line: OrderedJSON?, _ place: String, _ file: DataFile
  ) throws -> [OrderedJSON] {
    var values: [OrderedJSON] = []
    for (index, name) in request.kept.enumerated() {
      let value = line?[path: name]
      if value == nil, name == request.session {
        throw file.failure(place, "there is no member \"\(name)\", which --session names")
      }
      if value == nil {
        if missing[index].count == 0 { missing[index].first = place }
        missing[index].count += 1
      }
      values.append(value ?? .null)
    }
    return values
  }

  /// What a person is to know of it, a line each.
  package var remarks: [String] {
    zip(request.kept, missing).filter { $1.count > 0 }.map { name, missing in
      "member \"\(name)\", which --keep names, is not in \(Format.count(missing.count, "line")), "
        + "first \(missing.first): nothing is handed on of it there"
    }
  }
}

/// Hands on what is read of a file as soon as it makes a part.
package final class TableParts {
  package let request: PartRequest
  private let take: (inout SequenceTable) throws -> Void
  private var sequences = 0
  private var members: KeptMembers

  package init(
    _ request: PartRequest, _ take: @escaping (inout SequenceTable) throws -> Void
  ) {
    self.request = request
    members = KeptMembers(request)
    self.take = take
  }

  /// What is to be known of what is handed on.
  var remarks: [String] { members.remarks }

  /// Hands a part on.
  func give(_ table: inout SequenceTable) throws {
    if table.count == 0 || table.numbers.rows == 0 { return }
    table.part.sequencesBefore = sequences
    sequences += table.count - (table.part.goesOn ? 1 : 0)
    try take(&table)
  }

  /// Takes note of a sequence that was just ended, and hands on what is there where it makes a
  /// part.
  func end(
    _ table: inout SequenceTable?, line: Int, of value: OrderedJSON?, file: DataFile
  ) throws {
    guard var part = table else { return }
    table = nil
    part.part.lines.append(line)
    part.part.kept += try members.values(of: value, "line \(line)", file)
    if part.numbers.rows >= request.steps {
      try give(&part)
      part = SequenceTable(columns: part.columns)
    }
    table = part
  }
}

extension DataFile {
  /// Reads the file's sequences in parts, front to back.
  ///
  /// - Returns: what a person is to know of how it was read, a line each.
  package func forEachPart(
    _ request: SequenceRequest, _ body: @escaping (inout SequenceTable) throws -> Void
  ) throws -> [String] {
    guard let wanted = request.parts else { preconditionFailure("no parts are asked for") }
    let format = try format(request.format)
    try requireFormat(format)
    if format != .csv, format != .jsonl, let name = wanted.kept.first {
      throw failure(
        nil, "\(wanted.option(naming: name)) names \"\(name)\", and a file in the format "
          + "\(format.rawValue) has nothing to keep")
    }
    let missing = MissingValues(request)
    let path = path
    let parts = TableParts(wanted) { table in
      // What is missing is told of all parts together.
      let remarks = table.remarks
      try missing.apply(to: &table, path: path)
      table.remarks = remarks
      try body(&table)
    }
    do {
      var rest = try read(format, request, missing, parts)
      try parts.give(&rest)
      return rest.remarks + parts.remarks
    } catch let error as ByteStream.NotText {
      throw failure(of: error)
    }
  }

  /// Reads a file of sequences; of one that is read in parts what is left for the last.
  func read(
    _ format: SequenceFormat, _ request: SequenceRequest, _ missing: MissingValues,
    _ parts: TableParts?
  ) throws -> SequenceTable {
    switch format {
    case .npy:
      try NumPyReader(file: self, request: request, missing: missing, parts: parts).read()
    case .ts:
      try TimeSeriesReader(file: self, request: request, missing: missing, parts: parts).read()
    case .jsonl:
      try JSONLinesReader(file: self, request: request, missing: missing, parts: parts).read()
    case .conll:
      throw failure(
        nil, "its format is conll, which holds words with labels",
        hint: "that is for task \"tagging\"")
    case .csv, .auto: try CSVReader(file: self, request: request, parts: parts).read()
    }
  }
}
