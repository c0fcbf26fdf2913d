/// The numbers to predict of a table's rows: of every row, or one of each sequence, which all its
/// rows that name one have alike.
struct TableTargets {
  private let header: TableHeader
  private let file: DataFile
  private let number: CellNumber
  private let missing: MissingValues
  private var table: TargetTable
  /// Of the sequence that is read, and where it begins.
  private var row: [Double]
  private var line = 0

  init(
    _ header: TableHeader, _ number: CellNumber, _ missing: MissingValues, isOfSteps: Bool,
    file: DataFile
  ) {
    self.header = header
    self.file = file
    self.number = number
    self.missing = missing
    table = TargetTable(names: header.targets.map { header.names[$0] }, isOfSteps: isOfSteps)
    row = header.targets.map { _ in .nan }
  }

  /// Takes the row that was read last.
  ///
  /// - Parameter isFirst: whether it is the first of its sequence.
  mutating func append(_ rows: DelimitedText, isFirst: Bool) throws {
    if isFirst || table.isOfSteps {
      if line > 0 { try endRow() }
      line = rows.line
      for index in row.indices { row[index] = .nan }
    }
    for (index, place) in header.targets.enumerated() {
      let value = try read(rows, place)
      if value.isNaN { continue }
      if !row[index].isNaN, row[index] != value {
        throw file.failure(
          "line \(rows.line), column \"\(header.names[place])\"",
          "has \(value) after \(row[index]) in the same sequence, expected one number a sequence",
          hint: "output.readout \"every\" predicts a number of every step")
      }
      row[index] = value
    }
  }

  private func read(_ rows: DelimitedText, _ place: Int) throws -> Double {
    let field = rows.field(place)
    let value = unsafe number.read(rows.window, from: Int(field.start), to: Int(field.end))
    if let value, value.magnitude < CellNumber.largest, !missing.contains(value) { return value }
    if missing.contains(rows[place]) || value.map({ missing.contains($0) }) == true { return .nan }
    throw file.failure(
      "line \(rows.line), column \"\(header.names[place])\"",
      "expected a number to predict, found \"\(rows[place])\"",
      hint: "mend or remove the row, or name another column in data.targets")
  }

  private mutating func endRow() throws {
    if !missing.areFilled, let empty = row.firstIndex(where: \.isNaN) {
      throw file.failure(
        "line \(line), column \"\(table.names[empty])\"",
        table.isOfSteps
          ? "has no number to predict" : "the sequence that begins here has no number to predict",
        hint: MissingValues.hint)
    }
    for value in row { table.numbers.append(value) }
  }

  mutating func finished() throws -> TargetTable {
    if line > 0 { try endRow() }
    return table
  }
}
