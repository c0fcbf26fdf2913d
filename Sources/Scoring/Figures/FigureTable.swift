package import Records

/// A table of figures: rows of people's text, and the same for programs.
package struct FigureTable: Sendable {
  package enum Cell: Sendable, Equatable {
    case text(String)
    case count(Int)
    /// Nil where it is not defined.
    case number(Double?)
    /// A number for each of several steps, which text leaves out.
    case numbers([Double?])
  }

  /// As records name it.
  package var name: String
  /// What stands above it.
  package var title: String
  package var columns: [String]
  package var rows: [[Cell]]
  /// Whether records have rows of numbers alone, without the first column.
  package var isMatrix = false
  /// Whether text leaves it out.
  package var isForPrograms = false

  package init(_ name: String, title: String, columns: [String], rows: [[Cell]]) {
    for row in rows { precondition(row.count == columns.count, "\(row.count) cells: \(name)") }
    self.name = name
    self.title = title
    self.columns = columns
    self.rows = rows
  }

  /// Rows that text shows, at most.
  private static let mostRows = 60

  /// Lines for people, the columns under each other.
  package var lines: [String] {
    if isForPrograms || rows.isEmpty { return [] }
    let shown = rows.prefix(Self.mostRows).map { $0.map(\.words) }
    let cells = [columns] + shown
    let widths = columns.indices.map { place in cells.map { $0[place].count }.max() ?? 0 }
    let isText = columns.indices.map { place in
      if case .text? = rows.first?[place] { true } else { false }
    }
    var lines = [title]
    for row in cells {
      let fields = row.indices.map { place in
        let blanks = String(repeating: " ", count: widths[place] - row[place].count)
        return isText[place] ? row[place] + blanks : blanks + row[place]
      }
      lines.append("  " + fields.joined(separator: "  "))
    }
    if rows.count > Self.mostRows {
      lines.append("  ... \(Format.grouped(rows.count - Self.mostRows)) more with --json")
    }
    return lines
  }

  /// A list of rows: of objects, or of lists where it is a matrix.
  package var json: OrderedJSON {
    if isMatrix { return .array(rows.map { .array($0.dropFirst().map(\.json)) }) }
    return .array(
      rows.map { row in .object(zip(columns, row).map { .init($0, $1.json) }) })
  }
}

extension FigureTable {
  /// Rows that reports have, at most.
  private static let mostReported = 500

  /// The table as status pages show it, with its heading; nil where cells have many numbers.
  var report: OrderedJSON? {
    let hasLists = rows.contains { row in
      row.contains { if case .numbers = $0 { true } else { false } }
    }
    if hasLists { return nil }
    return [
      "title": .string(title), "columns": .array(columns.map { .string($0) }),
      "rows": .array(rows.prefix(Self.mostReported).map { .array($0.map(\.json)) }),
      "row_count": .integer(rows.count), "is_matrix": .bool(isMatrix),
    ]
  }
}

extension FigureTable.Cell {
  fileprivate var words: String {
    switch self {
    case .text(let text): text
    case .count(let count): Format.grouped(count)
    case .number(let number): number.map(Format.small) ?? "-"
    case .numbers(let numbers): "\(numbers.count)"
    }
  }

  fileprivate var json: OrderedJSON {
    switch self {
    case .text(let text): .string(text)
    case .count(let count): .integer(count)
    case .number(let number): number.map { .number($0) } ?? .null
    case .numbers(let numbers): .array(numbers.map { $0.map { .number($0) } ?? .null })
    }
  }
}
