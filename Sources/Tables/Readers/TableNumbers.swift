/// The numbers of a table's columns, as its rows come: which columns have nothing but numbers shows
/// at its end only.
struct TableNumbers {
  /// A cell that is not what a column of numbers has.
  private struct Cell {
    var line: Int
    var text: String
  }

  /// What is known of a column.
  private struct Column {
    /// Rows in which it is no number, and the first of them.
    var others = 0
    /// Rows in which it is missing and filled in.
    var missing = 0
    /// How many of the first that are no numbers stand for missing ones.
    var absent = 0
    var first: Cell?
    /// How many of the first of these are numbers to a person.
    var marked = 0
    /// The first number that is not finite, or beyond single precision.
    var beyond: Cell?
    var last = -Double.infinity
    var rises = true
  }

  private let header: TableHeader
  private let file: DataFile
  private let number: CellNumber
  private let missing: MissingValues
  /// Columns that may be chosen, in the order of the result.
  let places: [Int]
  /// Those of them that have shown not to hold numbers alone.
  private(set) var texts: [Int] = []
  private var columns: [Column]
  /// Those whose numbers are kept, by their place in `places`.
  private var kept: [Int]
  private var row: [Double]
  private(set) var numbers: NumberBlocks
  private(set) var rows = 0

  /// So many cells of a column are looked at for what makes them no numbers.
  private static let mostMarked = 1000

  init(
    _ header: TableHeader, _ number: CellNumber, _ missing: MissingValues, file: DataFile
  ) {
    self.header = header
    self.missing = missing
    self.file = file
    self.number = number
    places =
      header.chosen
      ?? header.names.indices.filter {
        $0 != header.sequence && $0 != header.label && !header.calendar.contains($0)
          && !header.targets.contains($0) && !header.categories.contains($0)
      }
    columns = [Column](repeating: Column(), count: places.count)
    kept = Array(places.indices)
    row = [Double](repeating: 0, count: places.count)
    numbers = NumberBlocks(width: places.count)
  }

  /// Takes the row that was read last.
  ///
  /// - Parameter isFirst: whether it is the first of its sequence.
  mutating func append(_ text: DelimitedText, isFirst: Bool) throws {
    var index = 0
    while let (other, read) = firstOther(of: text, from: index, isFirst: isFirst) {
      try note(other, read, text)
      index = other + 1
    }
    numbers.append(row, kept)
    rows += 1
  }

  /// Reads the cells of a row from a column on, up to the first that is no number, or none that can
  /// be used; nil where all are.
  private mutating func firstOther(
    of text: DelimitedText, from start: Int, isFirst: Bool
  ) -> (index: Int, read: Double?)? {
    let window = unsafe text.window
    let number = number
    return unsafe row.withUnsafeMutableBufferPointer { row in
      unsafe columns.withUnsafeMutableBufferPointer { columns in
        text.withFields(at: places, from: start) { index, field in
          let read = unsafe number.read(window, from: Int(field.start), to: Int(field.end))
          guard let value = read, value.magnitude < CellNumber.largest else { return (index, read) }
          unsafe row[index] = value
          // Few columns go on rising, so that this is foreseen.
          if unsafe columns[index].rises {
            if unsafe value <= columns[index].last, !isFirst { unsafe columns[index].rises = false }
            unsafe columns[index].last = value
          }
          return nil
        }
      }
    }
  }

  /// Takes note of a cell that is no number, or none that can be used.
  private mutating func note(_ index: Int, _ value: Double?, _ text: DelimitedText) throws {
    if missing.areFilled, missing.contains(text[places[index]]) {
      row[index] = .nan
      columns[index].missing += 1
      columns[index].rises = false
      return
    }
    if columns[index].others >= Self.mostMarked, value == nil {
      columns[index].others += 1
      return
    }
    let cell = Cell(line: text.line, text: text[places[index]])
    if header.chosen != nil {
      if let value { throw beyond(index, cell, value) }
      throw notANumber(index, cell)
    }
    row[index] = 0
    columns[index].rises = false
    if value != nil {
      if columns[index].beyond == nil { columns[index].beyond = cell }
      return
    }
    columns[index].others += 1
    if columns[index].others <= Self.mostMarked {
      if CellNumber.mark(cell.text) != nil { columns[index].marked += 1 }
      if missing.contains(cell.text) { columns[index].absent += 1 }
    }
    guard columns[index].first == nil else { return }
    columns[index].first = cell
    texts.append(places[index])
    let left = kept.filter { columns[$0].first == nil }
    // Rows that are there move seldom: while they are few, or where most of them is not needed.
    if numbers.rows * kept.count < 1 << 16 || left.count * 2 < kept.count {
      numbers.keep(kept.indices.filter { columns[kept[$0]].first == nil })
      kept = left
    }
  }
}

extension TableNumbers {
  /// Hands on the numbers of the rows since the last time, of columns that are chosen.
  mutating func move(into table: inout SequenceTable) {
    table.columns = places.map { header.names[$0] }
    table.numbers = numbers
    // The next part is about as long.
    numbers = NumberBlocks(width: places.count, expectedRows: numbers.rows + numbers.rows / 16)
  }

  /// Ends the table: the columns that are read, with their numbers. What is a number in nearly all
  /// rows is an error at the first row where it is none; what is none in more rows, such as a date,
  /// is left out.
  mutating func finish(into table: inout SequenceTable) throws {
    if rows == 0 { throw file.failure(nil, "there is no row after the header") }
    let chosen = columns.indices.filter {
      columns[$0].first == nil && (header.chosen != nil || columns[$0].missing < rows)
    }
    for (index, column) in columns.enumerated() {
      guard let first = column.first else { continue }
      // Nine rows of ten, or all that could be meant.
      let present = rows - column.missing
      let isNearly = column.others * 10 <= present
      if isNearly || chosen.isEmpty && column.others < present {
        throw notANumber(index, first)
      }
      if column.marked * 10 >= 9 * min(column.others, Self.mostMarked) {
        throw notANumber(index, first)
      }
    }
    if chosen.isEmpty {
      throw file.failure(nil, "no column holds numbers", hint: "name some in data.columns")
    }
    let beyond = chosen.compactMap { index in columns[index].beyond.map { (index, $0) } }
    if let (index, cell) = beyond.min(by: { $0.1.line < $1.1.line }) {
      throw self.beyond(
        index, cell, CellNumber.parse(Array(cell.text.utf8), point: number.point) ?? .nan)
    }
    let read = Set(chosen)
    numbers.keep(kept.indices.filter { read.contains(kept[$0]) })
    table.columns = chosen.map { header.names[places[$0]] }
    table.numbers = numbers
    describe(chosen, &table)
  }

  private func describe(_ chosen: [Int], _ table: inout SequenceTable) {
    let others =
      [header.sequence, header.label].compactMap { $0 } + header.calendar + header.targets
      + header.categories
    let read = Set(chosen.map { places[$0] } + others)
    table.leftOut = header.names.indices.filter { !read.contains($0) }.map { header.names[$0] }
    for (index, column) in columns.enumerated() {
      let name = "column \"\(header.names[places[index]])\" is left out, as "
      if let first = column.first {
        let onlyMissing = column.absent == min(column.others, Self.mostMarked)
        table.remarks.append(
          name + "\(column.others) of \(rows) rows have no number: line \(first.line) has "
            + "\"\(first.text.prefix(40))\""
            + (onlyMissing && column.others < rows ? "; \(MissingValues.hint)" : ""))
      } else if column.missing == rows {
        table.remarks.append(name + "all its numbers are missing")
      }
    }
    guard rows >= 10 else { return }
    let rising = chosen.filter { columns[$0].rises }.map { header.names[places[$0]] }
    if !rising.isEmpty {
      let isOne = rising.count == 1
      table.remarks.append(
        "column\(isOne ? "" : "s") \(DataFileError.list(rising)) \(isOne ? "rises" : "rise") in "
          + "every row, as a time or a row's number does, which says nothing of what is to come; "
          + "data.columns chooses others")
    }
  }

  private func place(_ index: Int, _ cell: Cell) -> String {
    "line \(cell.line), column \"\(header.names[places[index]])\""
  }

  private func notANumber(_ index: Int, _ cell: Cell) -> DataFileError {
    let mark = CellNumber.mark(cell.text)
    let others =
      header.chosen == nil
      ? "leave the column out: name the others in data.columns"
      : "leave the column out of data.columns"
    if !missing.areFilled, missing.contains(cell.text) {
      return file.failure(
        place(index, cell), "expected a number, found \"\(cell.text)\"",
        hint: "\(MissingValues.hint), or \(others)")
    }
    return file.failure(
      place(index, cell),
      "expected a number, found \"\(cell.text)\"" + (mark.map { ", which has \($0.name)" } ?? ""),
      hint: mark.map { "\($0.remedy), or \(others)" }
        ?? "mend or remove the row, or \(others)")
  }

  private func beyond(_ index: Int, _ cell: Cell, _ value: Double) -> DataFileError {
    value.isFinite
      ? file.failure(
        place(index, cell),
        "expected a number within single precision (at most "
          + "\(Float.greatestFiniteMagnitude)), found \(cell.text)")
      : file.failure(
        place(index, cell), "expected a finite number, found \(value)",
        hint: value.isNaN ? MissingValues.hint : nil)
  }
}
