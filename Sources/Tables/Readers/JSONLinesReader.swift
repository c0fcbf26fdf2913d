import NumericContract
package import Records
import Tasks

/// One sequence a line: {"values": [[0.1, 2], [0.3, 4]], "label": "a"}, a vector for each step; a
/// plain number stands for a vector of one. The label may be a string or a number.
///
/// With a width, {"active": [[0, 5], []]} is a sequence too, whose steps name the columns that are
/// 1, from 0.
package struct JSONLinesReader {
  let file: DataFile
  let request: SequenceRequest
  let missing: MissingValues

  private var contract: ContractVersion { request.contract }
  /// Columns where steps name those that are 1; nil where none do.
  private var width: Int? { request.width }
  /// Whether a line has more to say than its numbers and a label.
  private var hasTargets: Bool { request.predictsOthers || isTagged }
  /// Whether every step has a label.
  private var isTagged: Bool { request.hasStepLabels }
  /// What takes the sequences in parts, without labels; nil where they are read as a whole.
  var parts: TableParts?

  func read() throws -> SequenceTable {
    var set: SequenceTable?
    var lines = LineReader(file.stream)
    var plain = PlainSequence()
    while try lines.next() {
      // What the lines before have shown, such as how many columns there are, is not forgotten.
      let before = file.unread == nil ? nil : set
      if try !file.attempt({ try append(lines, &plain, &set) }) { set = before }
    }
    if let set { return set }
    // All that were there were told.
    if file.unreadLines > 0 { return SequenceTable(columns: []) }
    throw file.failure(nil, "there is no sequence in it")
  }

  /// Takes the line that was read last; nobody knows what is left in `set` where that fails.
  private func append(
    _ lines: LineReader, _ plain: inout PlainSequence, _ set: inout SequenceTable?
  ) throws {
    let isPlain = parts.map { $0.request.kept.isEmpty } ?? !hasTargets
    guard isPlain, plain.read(lines, contract), append(plain, &set) else {
      return try append(lines.bytes, lines.number, &set)
    }
    if parts == nil { set?.lines.append(lines.number) }
    try parts?.end(&set, line: lines.number, of: nil, file: file)
  }

  /// Takes a line that is plain, if it goes with those before.
  private func append(
    _ plain: PlainSequence, _ set: inout SequenceTable?
  ) -> Bool {
    if set == nil {
      set = SequenceTable(columns: (1...max(1, plain.width)).map { "value \($0)" })
    }
    guard set?.features == plain.width,
      parts != nil || set?.count == 0
        || (set?.labels.isEmpty == true) == (plain.label == nil)
    else { return false }
    for value in plain.values { set?.numbers.append(value) }
    set?.endSequence()
    if parts == nil, let label = plain.label { set?.labels.append(label) }
    return true
  }

  private func append(_ line: [UInt8], _ number: Int, _ set: inout SequenceTable?) throws {
    guard let value = try file.json(line, number) else { return }
    try append(value, number, &set)
    if parts == nil { set?.lines.append(number) }
    try parts?.end(&set, line: number, of: value, file: file)
  }

  private func append(_ value: OrderedJSON, _ number: Int, _ set: inout SequenceTable?) throws {
    let place = "line \(number)"
    if let active = value["active"] {
      return try append(active: active, labelOf: value, place, &set)
    }
    guard case .array(let steps) = value["values"], let first = steps.first else {
      throw file.failure(
        place,
        "expected an object with a list \"values\" that is not empty, found "
          + (value["values"]?.kind ?? value.kind))
    }
    let width = if case .array(let vector) = first { vector.count } else { 1 }
    if set == nil { set = SequenceTable(columns: (1...max(1, width)).map { "value \($0)" }) }
    guard var result = set else { return }
    // Kept in one place only while it grows, so that it is not copied.
    set = nil
    for (step, item) in steps.enumerated() {
      let vector = if case .array(let vector) = item { vector } else { [item] }
      guard vector.count == result.features else {
        throw file.failure(
          place, "step \(step + 1) has \(vector.count) values, expected \(result.features)")
      }
      for number in vector {
        if missing.areFilled, missing.isMissing(number) {
          result.numbers.append(.nan)
          continue
        }
        guard let value = number.doubleValue else {
          throw file.failure(
            place, "step \(step + 1): expected a number, found \(number.kind)",
            hint: number == .null ? MissingValues.hint : nil)
        }
        result.numbers.append(try file.number(value, "\(place), step \(step + 1)", contract))
      }
    }
    try end(&result, labelOf: value, place)
    set = result
  }

  private func end(
    _ table: inout SequenceTable, labelOf value: OrderedJSON, _ place: String
  ) throws {
    table.endSequence()
    if parts != nil { return }
    if hasTargets {
      let targets = JSONTargets(file: file, request: request, missing: missing, place: place)
      return try isTagged
        ? targets.appendLabels(of: value, to: &table) : targets.appendNumbers(of: value, to: &table)
    }
    if let label = Self.label(value["label"]) { table.labels.append(label) }
    guard table.labels.isEmpty || table.labels.count == table.count else {
      throw file.failure(
        place, "some sequences have a label and some have none",
        hint: "give every line a \"label\"")
    }
  }

  /// A sequence whose steps name the columns that are 1.
  private func append(
    active value: OrderedJSON, labelOf line: OrderedJSON, _ place: String,
    _ set: inout SequenceTable?
  ) throws {
    guard let width else {
      throw file.failure(
        place, "names the columns that are 1 (\"active\"), and not how many there are",
        hint: "set data.width to their number")
    }
    if line["values"] != nil {
      throw file.failure(place, "has both \"active\" and \"values\", expected one of them")
    }
    guard case .array(let steps) = value, !steps.isEmpty else {
      throw file.failure(
        place, "expected a list \"active\" that is not empty, found \(value.kind)")
    }
    if set == nil { set = SequenceTable(columns: (1...width).map { "value \($0)" }) }
    guard var result = set else { return }
    set = nil
    guard result.features == width else {
      throw file.failure(
        place, "data.width is \(width), and sequences before have \(result.features) columns")
    }
    var row = [Double](repeating: 0, count: width)
    for (step, item) in steps.enumerated() {
      guard case .array(let columns) = item else {
        throw file.failure(
          place, "step \(step + 1): expected a list of columns, found \(item.kind)")
      }
      for place in row.indices { row[place] = 0 }
      for column in columns {
        guard let number = column.integerValue, row.indices.contains(number) else {
          throw file.failure(
            place, "step \(step + 1): expected columns from 0 to \(width - 1) (data.width), found "
              + (column.integerValue.map { "\($0)" } ?? column.kind))
        }
        if row[number] == 1 {
          throw file.failure(place, "step \(step + 1): names column \(number) twice")
        }
        row[number] = 1
      }
      result.numbers.append(row, Array(row.indices))
    }
    try end(&result, labelOf: line, place)
    set = result
  }

  /// The class that a member names; nil where it names none.
  package static func label(_ value: OrderedJSON?) -> String? {
    switch value {
    case .string(let text): text
    case .integer(let number): "\(number)"
    case .bool(let truth): "\(truth)"
    // Whole numbers are one class, however they are written.
    case .number(let number): Int(exactly: number).map(String.init) ?? "\(number)"
    default: nil
    }
  }
}
