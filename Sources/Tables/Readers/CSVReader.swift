import Batches
import Records
import Tasks

/// One step a row under a header. A column names the sequence of each row, whose rows stand
/// together; without such a column all rows are one sequence.
package struct CSVReader {
  let file: DataFile
  let request: SequenceRequest
  /// What takes the rows in parts; nil where they are read as a whole.
  var parts: TableParts?

  func read() throws -> SequenceTable {
    do {
      return try readTable()
    } catch let error as DelimitedText.Failure {
      throw file.failure("line \(error.line)", error.problem)
    }
  }

  private func readTable() throws -> SequenceTable {
    let stream = file.stream
    if !stream.isLive { try stream.refill(keeping: 0) }
    let dialect = TableDialect(
      head: stream.head(TableDialect.headBytes),
      isWhole: stream.isAtEnd && stream.count <= TableDialect.headBytes, request)
    var rows = try DelimitedText(
      stream, separator: dialect.separator, remark: Array((request.remark ?? "").utf8),
      skipping: dialect.preamble)
    guard try rows.next() else { throw file.failure(nil, "there is no header in it") }
    let header = try TableHeader(of: rows, request, file: file)
    var table = SequenceTable(columns: [])
    table.remarks = dialect.remarks
    var body = TableBody(header, dialect, request, parts, file: file)
    // The first row is one of them where there is no header.
    var isThere = try header.isGiven ? rows.next() : true
    let blankAbove = rows.blankLines
    while isThere {
      try body.take(rows)
      isThere = try rows.next()
    }
    try body.finish(into: &table)
    if header.names.count == 1, rows.blankLines > blankAbove {
      table.remarks.append(
        "blank lines between rows are left out, and are no steps: "
          + "\(rows.blankLines - blankAbove); write NA where a number is missing")
    }
    return table
  }

  /// Without blanks around it.
  package static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    func isBlank(_ character: Character?) -> Bool {
      character.map { $0.isWhitespace && !$0.isNewline } ?? false
    }
    while isBlank(text.last) { text.removeLast() }
    while isBlank(text.first) { text.removeFirst() }
    return String(text)
  }
}

/// The rows below a table's header, one after another.
private struct TableBody {
  private let header: TableHeader
  private let dialect: TableDialect
  private let file: DataFile
  private let knowsRemarks: Bool
  private let parts: TableParts?
  /// Whether rows are handed on as they come.
  private let isLive: Bool
  /// The part under way, and rows of the table before it.
  private var part = TablePart()
  private var rowsBefore = 0
  private var numbers: TableNumbers
  private var totals: TotalRows
  private var times: [TimeColumn]
  private var targets: TableTargets?
  private var categories: CategoryTable?
  private var stepLabels: StepLabels?
  private let ignoredLabel: String?
  private var starts = [0]
  private var labels: [String] = []
  /// The line where each sequence begins.
  private var lines: [Int] = []
  private var seen: Set<String> = []
  private var names: [String] = []
  /// Sequence and label of the row before.
  private var sequence: [UInt8]?
  private var label: [UInt8] = []
  /// Rows that have nothing in them, and remarks.
  private var emptyRows = 0
  private var repeatedHeaders = 0
  private var remarkLines = 0

  init(
    _ header: TableHeader, _ dialect: TableDialect, _ request: SequenceRequest,
    _ parts: TableParts?, file: DataFile
  ) {
    self.parts = parts
    isLive = file.stream.isLive
    self.header = header
    self.dialect = dialect
    self.file = file
    knowsRemarks = request.remark == nil
    let number = CellNumber(point: dialect.point, contract: request.contract)
    let missing = MissingValues(request)
    numbers = TableNumbers(header, number, missing, file: file)
    totals = TotalRows(header, numbers: numbers.places, missing)
    if !header.targets.isEmpty {
      targets = TableTargets(
        header, number, missing, isOfSteps: request.isOfSteps, file: file)
    }
    if !header.categories.isEmpty {
      categories = CategoryTable(columns: header.categories.map { header.names[$0] })
    }
    if header.label != nil, request.isOfSteps { stepLabels = StepLabels() }
    ignoredLabel = request.ignoredLabel
    times = header.calendar.map { TimeColumn(name: header.names[$0]) }
  }

  /// Takes the row that was read last; one that cannot be read leaves nothing.
  mutating func take(_ rows: DelimitedText) throws {
    if file.unread == nil { return try append(rows) }
    let before = self
    do { try append(rows) } catch let error as DataFileError {
      try file.leaveOut(error)
      self = before
    }
  }

  private mutating func append(_ rows: DelimitedText) throws {
    if rows.count != header.names.count {
      if knowsRemarks, rows[0].hasPrefix("#") {
        remarkLines += 1
        return
      }
      guard rows.count > header.names.count, rows.isEmpty(from: header.names.count) else {
        throw unequal(rows)
      }
    }
    if rows.count > 1, rows.isEmpty(from: 0) {
      emptyRows += 1
      return
    }
    if header.isRepeated(by: rows) {
      repeatedHeaders += 1
      return
    }
    if let parts { try giveIfWhole(parts, before: rows) }
    let isFirst = try beginsSequence(rows)
    if let parts, isFirst || parts.request.tellsSteps {
      part.lines.append(rows.line)
      for place in header.kept { part.kept.append(.string(rows[place])) }
    }
    try numbers.append(rows, isFirst: isFirst)
    totals.append(rows, texts: numbers.texts)
    try targets?.append(rows, isFirst: isFirst)
    for (column, place) in header.categories.enumerated() {
      categories?.append(rows.bytes(place), column: column)
    }
    if let place = header.label, stepLabels != nil {
      let name = rows[place]
      if name.isEmpty, ignoredLabel != "" {
        throw file.failure(
          "line \(rows.line), column \"\(header.names[place])\"", "has no label",
          hint: "give it one; data.ignore_label names one that does not count, and is \"\" for "
            + "steps without one")
      }
      stepLabels?.append(name, at: "line \(rows.line)")
    }
    for (index, place) in header.calendar.enumerated() {
      guard let time = CalendarTime(rows.bytes(place)) else { throw noTime(rows, place) }
      times[index].append(time, isFirst: isFirst)
    }
    if let parts, isLive { try give(parts, goesOn: true) }
  }

  /// Whether a row is of the same sequence as the one before it.
  private func goesOn(_ rows: DelimitedText) -> Bool {
    guard let sequence else { return false }
    return header.sequence.map { rows.equals($0, sequence) } ?? true
  }

  /// Hands on the rows that are there where they make a part that may end before another row.
  private mutating func giveIfWhole(_ parts: TableParts, before rows: DelimitedText) throws {
    let count = numbers.rows - rowsBefore
    guard count >= parts.request.steps else { return }
    let goesOn = goesOn(rows)
    if goesOn, !parts.request.cutsSequences { return }
    try give(parts, goesOn: goesOn)
  }

  /// Hands on the rows that are there.
  private mutating func give(_ parts: TableParts, goesOn: Bool) throws {
    let count = numbers.rows - rowsBefore
    var next = TablePart()
    if goesOn {
      next.stepsBefore = count - (starts.last ?? 0) + (starts.count == 1 ? part.stepsBefore : 0)
    }
    part.goesOn = goesOn
    var table = SequenceTable(columns: [])
    move(into: &table)
    try parts.give(&table)
    if goesOn, let name = table.names.last { names = [name] }
    part = next
  }

  /// Hands on what was read since the last time.
  private mutating func move(into table: inout SequenceTable) {
    numbers.move(into: &table)
    table.starts = starts + [numbers.rows - rowsBefore]
    (table.names, table.times, table.part) = (names, times, part)
    table.categories = categories
    categories?.codes = []
    table.part.tellsSteps = parts?.request.tellsSteps == true
    (starts, names, rowsBefore) = ([0], [], numbers.rows)
    part = TablePart()
    times = times.map { TimeColumn(name: $0.name) }
  }

  /// Whether the row begins another sequence than the one before it.
  private mutating func beginsSequence(_ rows: DelimitedText) throws -> Bool {
    if sequence != nil, goesOn(rows) {
      if let place = header.label, stepLabels == nil, !rows.equals(place, label) {
        throw file.failure(
          "line \(rows.line)",
          "sequence \"\(header.sequence.map { rows[$0] } ?? "")\" has label \"\(rows[place])\" "
            + "after \"\(labels.last ?? "")\"",
          hint: "output.readout \"every\" reads a label of every step")
      }
      return false
    }
    if numbers.rows > rowsBefore { starts.append(numbers.rows - rowsBefore) }
    let name = header.sequence.map { rows[$0] } ?? ""
    if let place = header.sequence, name.allSatisfy({ $0 == " " || $0 == "\t" }) {
      throw file.failure(
        "line \(rows.line), column \"\(header.names[place])\"",
        "is empty; it must name the sequence of the row (data.sequence)",
        hint: "fill it in, or leave the row out")
    }
    guard seen.insert(name).inserted else {
      throw file.failure(
        "line \(rows.line)", "sequence \"\(name)\" goes on after another one",
        hint: "sort the rows by \"\(header.sequence.map { header.names[$0] } ?? "")\"")
    }
    if header.sequence != nil { names.append(name) }
    sequence = header.sequence.map { rows.bytes($0) } ?? []
    lines.append(rows.line)
    if let place = header.label, stepLabels == nil {
      label = rows.bytes(place)
      labels.append(rows[place])
    }
    return true
  }

  mutating func finish(into table: inout SequenceTable) throws {
    if parts == nil {
      try numbers.finish(into: &table)
      table.starts = starts + [numbers.rows]
      (table.labels, table.lines) = (labels, lines)
      table.stepLabels = stepLabels
      table.categories = categories
      table.targets = try targets?.finished()
      (table.names, table.times) = (names, times)
      table.remarks += times.flatMap(\.remarks)
    } else {
      if numbers.rows == 0, file.unreadLines == 0 {
        throw file.failure(nil, "there is no row after the header")
      }
      move(into: &table)
    }
    table.form = dialect.words
    table.sequenceColumn = header.sequence.map { header.names[$0] }
    table.labelColumn = header.label.map { header.names[$0] }
    for (count, what) in [
      (emptyRows, "without anything in them"), (remarkLines, "that begin with #"),
      (repeatedHeaders, "that repeat the header"),
    ]
    where count > 0 {
      table.remarks.append("lines \(what) are left out: \(count)")
    }
    table.remarks += totals.remarks
  }

  private func noTime(_ rows: DelimitedText, _ place: Int) -> DataFileError {
    let text = rows[place]
    // The day first, as with points it always is.
    let isPointed = text.prefixMatch(of: /[0-9]{2}\.[0-9]{2}\.[0-9]{4}/) != nil
    let command = #"sed -E 's/([0-9]{2})\.([0-9]{2})\.([0-9]{4})/\3-\2-\1/g' does it"#
    return file.failure(
      "line \(rows.line), column \"\(header.names[place])\"",
      "expected a date or time such as 2016-07-01 or 2016-07-01 08:30:00 (ISO 8601), found "
        + "\"\(text)\"",
      hint: text.allSatisfy(\.isWhitespace)
        ? "fill it in, or leave the row out; is it one of totals?"
        : "name another column in data.\(header.isSplit(place) ? "split.column" : "calendar")"
          + ", or write its dates so" + (isPointed ? ": \(command)" : ""))
  }

  private func unequal(_ rows: DelimitedText) -> DataFileError {
    let (count, expected) = (rows.count, header.names.count)
    var hint: String?
    if rows.isCutOff, count < expected {
      hint = "the file ends within this line: is it cut off?"
    } else if numbers.rows == 0, count == expected + 1 {
      hint = "is there a column without a name in the header?"
    } else if numbers.rows == 0, expected == 1 {
      hint = "is the first line a title? Remove it, or begin it with #"
    }
    return file.failure(
      "line \(rows.line)",
      "has \(count) field\(count == 1 ? "" : "s"), the \(header.isGiven ? "header" : "first row") "
        + "has \(expected) (\(dialect.words))", hint: hint)
  }
}

extension DelimitedText {
  /// The bytes of a field, as they stand.
  fileprivate func bytes(_ place: Int) -> [UInt8] {
    unsafe Array(bytes(of: field(place)))
  }
}
