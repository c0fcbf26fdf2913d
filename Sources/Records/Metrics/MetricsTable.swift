#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The records of one kind in `metrics.jsonl` as comma-separated values (RFC 4180), for
/// spreadsheets and statistics programs.
///
/// The file is read twice, first for the columns and then for the rows, in bounded memory.
package final class MetricsTable {
  private let kind: [UInt8]
  private let reader: LineReader
  private var scanner = RecordScanner()
  /// In the order in which records bring them up.
  private var columns = NameIndex()
  /// Where the file ended when all columns were known; nil before.
  private var end: Int?
  private var hasHead = false
  private var isAtEnd = false
  private var rowCount = 0
  /// Lines that hold no record, and are left out.
  package private(set) var damagedLineCount = 0
  /// Other kinds that there are; a few.
  private var otherKinds: [String] = []
  private static let mostKinds = 100
  /// The member of the record under way that each column takes, and the record of it.
  private var fields: [(member: Int, record: Int)] = []
  private var record = 0

  /// Opens a run's metrics.
  ///
  /// - Throws: where there is no file that can be read.
  package init(run: String, kind: String) throws {
    self.kind = Array(kind.utf8)
    let path = "\(run)/\(RunFiles.metrics)"
    if let output = FileStatus(descriptor: STDOUT_FILENO), output.kind == .regular,
      output.identity == FileStatus(path)?.identity
    {
      throw UsageError("standard output is '\(path)', which is read; write to another file")
    }
    do {
      reader = try LineReader(path: path)
    } catch {
      throw UsageError("no metrics: \(error); expected a run directory")
    }
  }

  /// Looks for the columns in all of the file.
  ///
  /// - Throws: where there are other records, but none of the kind.
  package func requireRecords() throws {
    while end == nil { try readForColumns() }
    guard rowCount == 0, !otherKinds.isEmpty else { return }
    throw UsageError(
      "--kind: '\(reader.path)' has no records of kind '\(String(decoding: kind, as: UTF8.self))'; "
        + "it has " + otherKinds.joined(separator: ", "))
  }

  /// The next part of the text: empty while the columns are looked for, nil at the end. A call
  /// takes some milliseconds.
  package func nextPart() throws -> [UInt8]? {
    guard let end else {
      try readForColumns()
      return []
    }
    if !hasHead {
      hasHead = true
      return Self.line(columns.names.map { Self.quoted($0) })
    }
    var text: [UInt8] = []
    if try reader.readBlock(end: end, { add($0, to: &text) }) { return text }
    guard !isAtEnd else { return nil }
    isAtEnd = true
    reader.readRest { add($0, to: &text) }
    return text
  }

  private func readForColumns() throws {
    if try reader.readBlock({ note($0, isWhole: true) }) { return }
    reader.readRest { note($0, isWhole: false) }
    damagedLineCount += reader.skippedLines
    end = reader.end
    reader.rewind()
  }

  /// Takes note of a line's kind and columns. The last line of a run that is under way may be half
  /// written, which is no damage.
  private func note(_ line: Span<UInt8>, isWhole: Bool) {
    switch read(line, addingColumns: true) {
    case .row, .object: rowCount += 1
    case .other(let kind):
      if otherKinds.count < Self.mostKinds, !otherKinds.contains(kind) { otherKinds.append(kind) }
    case .damaged: damagedLineCount += isWhole ? 1 : 0
    }
  }

  private enum Line {
    /// A row whose fields `fields` has.
    case row
    case object([OrderedJSON.Member])
    case other(String)
    case damaged
  }

  private func read(_ line: Span<UInt8>, addingColumns: Bool) -> Line {
    switch scanner.scan(line) {
    case .damaged: return .damaged
    case .object(let members):
      guard let found = members.first(where: { $0.name == "kind" })?.value.stringValue else {
        return .damaged
      }
      guard Array(found.utf8) == kind else { return .other(found) }
      columns.beginRecord()
      for member in members where addingColumns && member.name != "kind" {
        let name = Array(member.name.utf8)
        if columns.number(name) == nil { addColumn(name) }
      }
      return .object(members)
    case .plain:
      guard let found = scanner.member("kind", in: line), found.kind == .string else {
        return .damaged
      }
      guard line.holds(kind, at: found.value) else { return .other(line.text(found.value)) }
      return findFields(line, addingColumns: addingColumns) ? .row : .damaged
    }
  }

  /// Finds what each column takes. Returns false where a name stands twice.
  private func findFields(_ line: Span<UInt8>, addingColumns: Bool) -> Bool {
    record += 1
    columns.beginRecord()
    for (index, member) in scanner.members.enumerated() where !line.holds("kind", at: member.name) {
      var column = columns.number(line, member.name)
      if column == nil, addingColumns {
        column = addColumn(line.bytes(member.name))
      }
      guard let column else { continue }
      if fields[column].record == record { return false }
      fields[column] = (index, record)
    }
    return true
  }

  @discardableResult
  private func addColumn(_ name: [UInt8]) -> Int {
    fields.append((0, 0))
    return columns.add(name)
  }

  private func add(_ line: Span<UInt8>, to text: inout [UInt8]) {
    switch read(line, addingColumns: false) {
    case .other, .damaged: return
    case .object(let members):
      let values = Dictionary(members.map { (Array($0.name.utf8), $0.value) }) { first, _ in first }
      text += Self.line(columns.names.map { Self.field(values[$0]) })
    case .row:
      for column in fields.indices {
        if column > 0 { text.append(UInt8(ascii: ",")) }
        guard fields[column].record == record else { continue }
        append(scanner.members[fields[column].member], of: line, to: &text)
      }
      text += [0x0D, 0x0A]
    }
  }

  private func append(
    _ member: RecordScanner.Member, of line: Span<UInt8>, to text: inout [UInt8]
  ) {
    if member.kind == .null { return }
    // A string without escapes has neither quotation marks nor line ends.
    let isQuoted = member.kind == .string
      && member.value.contains { line[$0] == UInt8(ascii: ",") }
    if isQuoted { text.append(UInt8(ascii: "\"")) }
    unsafe line.extracting(member.value).withUnsafeBufferPointer { unsafe text += $0 }
    if isQuoted { text.append(UInt8(ascii: "\"")) }
  }

  private static func line(_ fields: [[UInt8]]) -> [UInt8] {
    Array(fields.joined(separator: [UInt8(ascii: ",")])) + [0x0D, 0x0A]
  }

  private static func field(_ value: OrderedJSON?) -> [UInt8] {
    switch value {
    case nil, .null: []
    case .string(let text): quoted(Array(text.utf8))
    case let value?: quoted(Array(value.line.utf8))
    }
  }

  private static func quoted(_ text: [UInt8]) -> [UInt8] {
    let special = [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D]
    guard text.contains(where: special.contains) else { return text }
    let mark = UInt8(ascii: "\"")
    return [mark] + text.flatMap { $0 == mark ? [mark, mark] : [$0] } + [mark]
  }
}
