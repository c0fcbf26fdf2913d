import Corpora
import Datasets
import Records
import Tasks

/// Reads sessions: events of a table or of lines of JSON, one each, that name their session, or
/// lines of item ids that are a session each.
struct SessionReader {
  let request: SequenceRequest
  let text: TextRequest
  /// What takes sessions in parts; nil where they are read as a whole. Of each is handed on what
  /// names it, null where nothing does, and what else is to be of its first event.
  var parts: TableTaker<TaggedTable>?
  /// Whether each event is handed on by itself, as it comes.
  var isLive = false

  /// The events of a file in its order.
  private struct Events {
    /// The number of each session by its id, in order of first events.
    var numbers: [String: Int] = [:]
    /// By session: its events, and of the first one the line and what is handed on.
    var events: [[Event]] = []
    var lines: [Int] = []
    var kept: [[OrderedJSON]] = []
    /// Events without an item, which are left out.
    var empty = 0
  }

  private struct Event {
    var item: String
    /// Nil where the order is that of the file.
    var time: Time?
  }

  /// A number, or a text such as a date in ISO form, whose order is that of its bytes.
  private enum Time: Comparable {
    case number(Double)
    case text(String)
  }

  /// - Throws: `DataFileError`.
  func read(_ path: String) throws -> TaggedTable {
    let file = try DataFile(path: path, progress: request.progress)
    var table = TaggedTable(path: path)
    let format: SequenceFormat? =
      switch (request.format, file.ending) {
      case (.auto, "jsonl"), (.auto, "ndjson"): .jsonl
      case (.auto, "csv"), (.auto, "tsv"): .csv
      case (.auto, _): nil
      case (let format, _): format
      }
    try read(file, as: format, into: &table)
    table.fingerprint = file.fingerprint
    guard table.count > 0 else { throw file.failure(nil, "there is no session in it") }
    return table
  }

  /// - Parameter format: nil of lines of item ids.
  func read(
    _ file: DataFile, as format: SequenceFormat?, into table: inout TaggedTable
  ) throws {
    do {
      switch format {
      case .jsonl: try readObjects(file, &table)
      case .csv:
        try file.requireFormat(.csv)
        try readRows(file, &table)
      case nil:
        try file.requireFormat(.csv)
        try readLines(file, &table)
      case let format?:
        throw file.failure(
          nil,
          "its format is \(format.rawValue), and sessions are read from tables, lines of JSON, and "
            + "lines of item ids")
      }
    } catch let error as ByteStream.NotText {
      throw file.failure(of: error)
    } catch let error as DelimitedText.Failure {
      throw file.failure("line \(error.line)", error.problem)
    }
    table.finish()
  }

  /// Item ids separated by blanks, tabs or commas: a session a line.
  private func readLines(_ file: DataFile, _ table: inout TaggedTable) throws {
    table.form = "a session a line"
    // Another file may be measured on than the one that a run was trained on.
    if text.time != nil, !request.growsWindow, parts == nil {
      throw file.failure(
        nil, "data.time has no effect on it: lines of item ids have no times",
        hint: "leave data.time out, or set data.format to \"csv\"")
    }
    var lines = Datasets.LineReader(file.stream)
    var empty = 0
    while try lines.next() {
      for item in lines.bytes.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x2C }) {
        _ = table.append(item, label: "")
      }
      let count = table.count
      table.endSequence(
        line: lines.number, kept: parts == nil ? [] : [.null], allowsEmpty: parts != nil)
      if table.count == count { empty += 1 }
      try parts?.takeIfWhole(&table)
    }
    table.remark(emptyLines: empty)
  }

  // MARK: - Tables

  private func readRows(_ file: DataFile, _ table: inout TaggedTable) throws {
    let stream = file.stream
    let dialect = TableDialect(
      head: stream.head(TableDialect.headBytes),
      isWhole: stream.isAtEnd && stream.count <= TableDialect.headBytes, request)
    var rows = try DelimitedText(
      stream, separator: dialect.separator, remark: Array((request.remark ?? "").utf8),
      skipping: dialect.preamble)
    guard try rows.next() else { throw file.failure(nil, "there is no header in it") }
    let (header, session, item, time) = try columns(of: rows, file)
    table.form =
      "a row an event, \(dialect.words): sessions by \"\(header.names[session])\", items by "
      + "\"\(header.names[item])\"" + (time.map { ", in order of \"\(header.names[$0])\"" } ?? "")
    let others = header.names.indices.filter {
      ![session, item, time].contains($0) && !header.kept.contains($0)
    }
    if !others.isEmpty {
      table.remarks.append(
        "columns that are left out: \(DataFileError.list(others.map { header.names[$0] }))")
    }
    table.remarks += dialect.remarks
    var (events, repeated) = (Events(), 0)
    var isThere = try header.isGiven ? rows.next() : true
    while isThere {
      try file.take(into: &table) { table in
        let place = "line \(rows.line)"
        let expected = header.names.count
        guard rows.count == expected || rows.count > expected && rows.isEmpty(from: expected) else {
          throw file.failure(
            place,
            "has \(Format.count(rows.count, "field")), the "
              + "\(header.isGiven ? "header" : "first row") has \(expected) (\(dialect.words))")
        }
        if header.isRepeated(by: rows) {
          repeated += 1
        } else if !rows.isEmpty(from: 0) {
          let id = CSVReader.trimmed(rows[session])
          let event = Row(
            session: id, item: CSVReader.trimmed(rows[item]),
            time: time.map { CSVReader.trimmed(rows[$0]) }, line: rows.line,
            kept: parts == nil ? [] : [.string(id)] + header.kept.map { .string(rows[$0]) })
          try append(event, file, &events, &table)
        }
      }
      isThere = try rows.next()
    }
    if repeated > 0 {
      table.remarks.append("lines that repeat the header are left out: \(repeated)")
    }
    try take(events, file, into: &table)
  }

  /// The header, and where session, item and time of an event stand.
  private func columns(
    of rows: DelimitedText, _ file: DataFile
  ) throws -> (header: TableHeader, session: Int, item: Int, time: Int?) {
    var unnamed = request
    unnamed.columns = nil
    let header = try TableHeader(of: rows, unnamed, file: file)
    guard let session = header.sequence else {
      throw file.failure("header", "no column tells sessions apart", hint: "set data.sequence")
    }
    func place(_ name: String, _ key: String) throws -> Int {
      if let place = header.names.firstIndex(of: name) { return place }
      throw file.failure(
        "header", "there is no column \"\(name)\", which \(key) names",
        hint: "the columns are \(DataFileError.list(header.names))")
    }
    let item = try place(text.item, "data.item")
    let time = try isLive ? nil : text.time.map { try place($0, "data.time") }
    if item == session {
      throw file.failure("header", "data.sequence and data.item name the same column")
    }
    return (header, session, item, time)
  }

  /// An event as a file has it.
  private struct Row {
    var session: String
    var item: String
    var time: String?
    var line: Int
    /// What is handed on of it, its session first.
    var kept: [OrderedJSON] = []
  }

  private func append(
    _ row: Row, _ file: DataFile, _ events: inout Events, _ table: inout TaggedTable
  ) throws {
    let place = "line \(row.line)"
    guard !row.session.isEmpty else {
      throw file.failure(place, "has no session", hint: "give it one, or leave the event out")
    }
    if isLive {
      _ = table.append(row.item.utf8, label: "")
      table.endSequence(line: row.line, kept: row.kept, allowsEmpty: true)
      try parts?.takeIfWhole(&table)
      return
    }
    if row.item.isEmpty {
      events.empty += 1
      return
    }
    var moment: Time?
    if let time = row.time {
      if time.isEmpty { throw file.failure(place, "has no time, which data.time names") }
      moment = Double(time).map { .number($0) } ?? .text(time)
    }
    let number = events.numbers[row.session] ?? events.events.count
    if number == events.events.count {
      events.numbers[row.session] = number
      events.events.append([])
      events.lines.append(row.line)
      if parts != nil { events.kept.append(row.kept) }
    }
    events.events[number].append(Event(item: row.item, time: moment))
  }

  /// Puts the events of each session in order; those of one time stay in the order of the file.
  private func take(_ events: Events, _ file: DataFile, into table: inout TaggedTable) throws {
    for (number, session) in events.events.enumerated() {
      let line = events.lines[number]
      let places = try order(session, line: line, file)
      for place in places { _ = table.append(session[place].item.utf8, label: "") }
      table.endSequence(line: line, kept: parts == nil ? [] : events.kept[number])
      try parts?.takeIfWhole(&table)
    }
    if events.empty > 0 {
      table.remarks.append("events without an item are left out: \(events.empty)")
    }
  }

  private func order(_ session: [Event], line: Int, _ file: DataFile) throws -> [Int] {
    let numbers = session.count {
      if case .number? = $0.time { true } else { false }
    }
    guard session.first?.time != nil else { return Array(session.indices) }
    guard numbers == 0 || numbers == session.count else {
      throw file.failure(
        "the session of line \(line)", "has times that are numbers and times that are none",
        hint: "write all as numbers, or all in ISO form")
    }
    return session.indices.sorted { first, second in
      let (left, right) = (session[first].time, session[second].time)
      guard let left, let right, left != right else { return first < second }
      return left < right
    }
  }

  // MARK: - Lines of JSON

  /// {"session": 1, "item": "a", "time": 3}, or a session a line: {"items": ["a", "b"]}.
  private func readObjects(_ file: DataFile, _ table: inout TaggedTable) throws {
    let session = request.sequenceColumn ?? "session"
    var events = Events()
    var lines = Datasets.LineReader(file.stream)
    var isWhole: Bool?
    var empty = 0
    while try lines.next() {
      try file.take(into: &table) { table in
        guard let value = try file.json(lines.bytes, lines.number) else { return }
        let place = "line \(lines.number)"
        let list = value[path: text.item] ?? value["items"]
        if case .array(let items)? = list, isWhole != false {
          for item in items {
            guard let id = JSONLinesReader.label(item) else {
              throw file.failure(place, "expected items that are texts or numbers")
            }
            _ = table.append(id.utf8, label: "")
          }
          let kept = try self.kept(of: value, session, place, file)
          isWhole = true
          let count = table.count
          table.endSequence(line: lines.number, kept: kept, allowsEmpty: parts != nil || isLive)
          if table.count == count { empty += 1 }
          try parts?.takeIfWhole(&table)
          return
        }
        // A line that is answered as it comes may have no item.
        let noItem = isLive ? "" : nil
        guard isWhole != true, let id = JSONLinesReader.label(value[path: session]),
          let item = JSONLinesReader.label(value[path: text.item]) ?? noItem
        else {
          throw file.failure(
            place,
            "expected \"\(session)\" and \"\(text.item)\", or a list \"items\" in every line",
            hint: "data.sequence and data.item name the members of an event")
        }
        isWhole = false
        var time: String?
        if let name = text.time, !isLive {
          guard let found = JSONLinesReader.label(value[path: name]) else {
            throw file.failure(place, "has no \"\(name)\", which data.time names")
          }
          time = found
        }
        let row = Row(
          session: id, item: item, time: time, line: lines.number,
          kept: try kept(of: value, session, place, file))
        try append(row, file, &events, &table)
      }
    }
    table.remark(emptyLines: empty)
    table.form =
      isWhole == true
      ? "a line of JSON a session"
      : "a line of JSON an event: sessions by \"\(session)\", items by \"\(text.item)\""
        + (text.time.map { ", in order of \"\($0)\"" } ?? "")
    try take(events, file, into: &table)
  }

  /// What is handed on of a line of JSON: what its session is called, null where nothing names it,
  /// and the members that are asked for.
  private func kept(
    of value: OrderedJSON, _ session: String, _ place: String, _ file: DataFile
  ) throws -> [OrderedJSON] {
    guard let parts else { return [] }
    return [value[path: session] ?? .null] + (try parts.kept(of: value, place, file))
  }
}
