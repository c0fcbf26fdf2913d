/// Rows of cells as lines in which columns stand below each other.
package enum TextTable {
  /// - Parameter rightAligned: columns of numbers.
  package static func lines(_ rows: [[String]], rightAligned: Set<Int> = []) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let filling = String(repeating: " ", count: max(0, widths[column] - cell.count))
        line += rightAligned.contains(column) ? filling + cell : cell + filling
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
