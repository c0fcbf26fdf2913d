import Tasks

/// Looks for rows of totals among the rows of a table: their numbers look like any others, and a
/// word such as "Summe", or a cell that is no date where all others are, tells them.
///
/// Looks at the columns that are not read as numbers. It only ever says what it found.
struct TotalRows {
  /// A cell that tells such a row.
  private struct Found {
    var line: Int
    var text: String
  }

  /// What is known of the cells of a column.
  private struct Column {
    let place: Int
    /// Rows that say they are totals, and the first of them.
    var totals = 0
    var total: Found?
    /// Cells that begin like a number or a date, and of the first of them those that are dates.
    var numbers = 0
    var dates = 0
    /// Cells that begin like neither, nor stand for a missing one; and the first of them.
    var others = 0
    var other: Found?
    /// Cells that stand for a missing one, of those that were looked at.
    var missing = 0
    var empty = 0
    var lastEmptyLine = 0
  }

  private let header: TableHeader
  private let missing: MissingValues
  private var columns: [Column]
  private var rows = 0
  private var lastLine = 0

  /// So many cells of a column are looked at for dates, and for what stands for missing ones.
  private static let mostSeen = 1000

  /// - Parameter numbers: columns that are read as numbers, unless a cell of them is none.
  init(_ header: TableHeader, numbers: [Int], _ missing: MissingValues) {
    self.header = header
    self.missing = missing
    let known = Set(numbers + header.targets)
    columns = header.names.indices.filter { !known.contains($0) }.map { Column(place: $0) }
  }

  /// Takes the row that was read last.
  ///
  /// - Parameter texts: columns that turned out to hold no numbers, in the order in which they did.
  mutating func append(_ text: DelimitedText, texts: [Int]) {
    if rows == 0 || seen < texts.count {
      columns += texts[seen...].map { Column(place: $0) }
      seen = texts.count
    }
    rows += 1
    lastLine = text.line
    for index in columns.indices { Self.look(&columns[index], text, missing) }
  }

  /// How many of the columns without numbers are looked at.
  private var seen = 0

  /// Static, since a method of all columns would be handed a copy of them at every cell.
  private static func look(
    _ column: inout Column, _ text: DelimitedText, _ missing: MissingValues
  ) {
    var cell = unsafe text.bytes(of: text.field(column.place))[...]
    while let first = unsafe cell.first, first == 0x20 || first == 0x09 {
      unsafe cell = cell.dropFirst()
    }
    guard let first = unsafe cell.first else {
      column.empty += 1
      column.lastEmptyLine = text.line
      return
    }
    let second = unsafe cell.dropFirst().first
    let isSigned = first == 0x2B || first == 0x2D || first == 0x2E
    if isDigit(isSigned ? second ?? 0 : first) {
      column.numbers += 1
      if column.numbers <= mostSeen, unsafe isDate(cell) { column.dates += 1 }
      return
    }
    if unsafe TotalWords.contains(cell) {
      column.totals += 1
      if column.total == nil {
        column.total = Found(line: text.line, text: text[column.place])
      }
      return
    }
    if column.others + column.missing < mostSeen, column.other == nil || column.numbers > 0 {
      let words = text[column.place]
      if missing.contains(words) {
        column.missing += 1
        return
      }
      if column.other == nil { column.other = Found(line: text.line, text: words) }
    }
    column.others += 1
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  /// Whether it is digits with what separates those of dates and times.
  private static func isDate(_ cell: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var separators = 0
    var points = 0
    for unsafe byte in unsafe cell {
      switch byte {
      case 0x30...0x39, 0x20, 0x54, 0x5A, 0x2B: continue
      case 0x2D, 0x2F, 0x3A: separators += 1
      case 0x2E: points += 1
      default: return false
      }
    }
    return separators > 0 || points > 1
  }

  /// A line on every row of totals that there seems to be, at most two of a column.
  var remarks: [String] {
    guard rows > 2 else { return [] }
    var told: Set<Int> = []
    var remarks: [String] = []
    func say(_ line: Int, _ column: Column, _ what: String) {
      guard told.insert(line).inserted else { return }
      remarks.append("line \(line), column \"\(header.names[column.place])\" \(what)")
    }
    for column in columns {
      // What stands in many rows is a kind of row like others.
      if let total = column.total, column.totals * 4 <= rows {
        let isOne = column.totals == 1
        say(
          total.line, column,
          "says \"\(total.text.prefix(40))\": a row of totals? "
            + (isOne ? "It is read" : "There are \(column.totals) such rows, which are read")
            + " as data like the others; take \(isOne ? "it" : "them") out of the file if so")
      }
    }
    let question = ": a row of totals? It is read as data like the others; take it out if so"
    for column in columns {
      let isOfDates = column.numbers > 2 && 10 * column.dates >= 9 * min(
        column.numbers, Self.mostSeen)
      if let other = column.other, column.numbers > 2 {
        let isLast = column.others == 1 && other.line == lastLine
        if isLast || isOfDates && column.others * 10 <= rows {
          say(
            other.line, column,
            "has \"\(other.text.prefix(40))\" where other rows have "
              + (isOfDates ? "dates" : "numbers") + question)
        }
      }
      if column.place == 0, column.empty == 1, column.lastEmptyLine == lastLine {
        say(lastLine, column, "is empty in the last row alone" + question)
      }
    }
    return remarks
  }
}

/// Words that a row of totals has where others have a name or a date.
private enum TotalWords {
  private static let words = [
    "total", "totals", "grand total", "sub total", "sub-total", "subtotal", "sum", "sums",
    "average", "averages", "avg", "mean", "overall", "summe", "summen", "gesamt", "gesamtsumme",
    "zwischensumme", "endsumme", "insgesamt", "durchschnitt", "mittelwert", "somme", "moyenne",
    "total general", "suma", "promedio", "somma", "totale", "totaal", "gemiddelde", "\u{2211}",
    "\u{03A3}",
  ]
  /// By their length in bytes.
  private static let byLength: [[[UInt8]]] = {
    var table = [[[UInt8]]](repeating: [], count: 1 + (words.map(\.utf8.count).max() ?? 0))
    for word in words { table[word.utf8.count].append(Array(word.utf8)) }
    return table
  }()

  /// Whether it is one of them, in letters of any case, with a colon behind it or none.
  static func contains(_ cell: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var cell = unsafe cell
    while let last = unsafe cell.last, last == 0x20 || last == 0x09 || last == 0x3A {
      unsafe cell = cell.dropLast()
    }
    guard unsafe cell.count < byLength.count else { return false }
    return unsafe byLength[cell.count].contains { word in
      unsafe zip(word, cell).allSatisfy { $0 == ($1 | (0x41...0x5A ~= $1 ? 0x20 : 0)) }
    }
  }
}
