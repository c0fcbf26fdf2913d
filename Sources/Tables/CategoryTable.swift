/// Columns of categories as a file has them: texts, or codes.
package struct CategoryTable: Sendable {
  package let columns: [String]
  /// The categories of each column, in the order of the file; "" where there is none.
  package private(set) var names: [[String]]
  /// Of each step, by their places among the names, [steps, columns].
  package var codes: [Int32] = []
  private var places: [[[UInt8]: Int32]]

  init(columns: [String]) {
    self.columns = columns
    names = columns.map { _ in [] }
    places = columns.map { _ in [:] }
  }

  /// Appends a cell of the row under way.
  mutating func append(_ cell: [UInt8], column: Int) {
    if let code = places[column][cell] {
      codes.append(code)
      return
    }
    let code = Int32(names[column].count)
    places[column][cell] = code
    names[column].append(CSVReader.trimmed(String(decoding: cell, as: UTF8.self)))
    codes.append(code)
  }

  /// The last steps alone.
  func suffix(_ steps: Int) -> CategoryTable {
    var other = self
    other.codes = Array(codes.suffix(steps * columns.count))
    return other
  }
}
