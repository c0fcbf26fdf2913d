import Foundation
import Tasks

/// One step a row under a header. A column names the sequence of each row, whose rows stand
/// together; without such a column all rows are one sequence.
struct CSVReader {
  let file: DataFile
  let request: SequenceRequest

  func read() throws -> SequenceTable {
    // Names and errors are text.
    _ = try file.text()
    var rows = DelimitedText(file.bytes, separator: DelimitedText.separator(of: file.bytes))
    guard try next(&rows) else { throw file.failure(nil, "there is no header in it") }
    let columns = try Columns(of: rows, in: self)
    let chosen = try columns.chosen ?? numbers(of: rows, columns)
    return try sequences(of: rows, columns, chosen)
  }

  /// Reads the next row; false where there is none.
  private func next(_ rows: inout DelimitedText) throws -> Bool {
    do throws(DelimitedText.Failure) {
      return try rows.next()
    } catch {
      throw file.failure("line \(error.line)", error.problem)
    }
  }

  private func nextRow(_ rows: inout DelimitedText, _ columns: Columns) throws -> Bool {
    guard try next(&rows) else { return false }
    let count = columns.header.count
    if rows.count == count || rows.hasTrailingSeparator(after: count) { return true }
    throw file.failure(
      "line \(rows.line)",
      "has \(rows.count) field\(rows.count == 1 ? "" : "s"), the header has \(count)")
  }

  /// The columns that hold numbers in all rows. What is a number in nearly all is an error at the
  /// first row where it is none; what is none in more rows, such as a date, is left out.
  private func numbers(of rows: DelimitedText, _ columns: Columns) throws -> [Int] {
    var rows = rows
    var count = 0
    let candidates = columns.header.indices.filter {
      $0 != columns.sequence && $0 != columns.label
    }
    var others = [Int](repeating: 0, count: columns.header.count)
    var first: [Int: (line: Int, text: String)] = [:]
    while try nextRow(&rows, columns) {
      count += 1
      for column in candidates where !file.isNumber(rows[column]) {
        others[column] += 1
        if first[column] == nil { first[column] = (rows.line, rows[column]) }
      }
    }
    if count == 0 { throw file.failure(nil, "there is no row after the header") }
    let chosen = candidates.filter { others[$0] == 0 }
    for column in candidates {
      guard let other = first[column], others[column] < count else { continue }
      // Nine rows of ten, or all that could be meant.
      if others[column] * 10 <= count || chosen.isEmpty {
        throw file.failure(
          "line \(other.line), column \"\(columns.header[column])\"",
          "expected a number, found \"\(other.text)\"",
          hint: "fill in or remove missing values, or name the columns to read in data.columns")
      }
    }
    if chosen.isEmpty {
      throw file.failure(nil, "no column holds numbers", hint: "name some in data.columns")
    }
    return chosen
  }

  private func sequences(
    of rows: DelimitedText, _ columns: Columns, _ chosen: [Int]
  ) throws -> SequenceTable {
    var rows = rows
    let header = columns.header
    var set = SequenceTable(columns: chosen.map { header[$0] })
    let used = Set(chosen + [columns.sequence, columns.label].compactMap { $0 })
    set.leftOut = header.indices.filter { !used.contains($0) }.map { header[$0] }
    var seen: Set<String> = []
    var current: String?
    while try nextRow(&rows, columns) {
      let name = columns.sequence.map { rows[$0] } ?? ""
      let label = columns.label.map { rows[$0] }
      if name != current {
        if current != nil { set.endSequence() }
        guard seen.insert(name).inserted else {
          throw file.failure(
            "line \(rows.line)", "sequence \"\(name)\" goes on after another one",
            hint: "sort the rows by \"\(columns.sequence.map { header[$0] } ?? "")\"")
        }
        current = name
        if let label { set.labels.append(label) }
      } else if let label, set.labels.last != label {
        throw file.failure(
          "line \(rows.line)",
          "sequence \"\(name)\" has label \"\(label)\" after \"\(set.labels.last ?? "")\"")
      }
      for column in chosen {
        set.numbers.append(
          try file.number(rows[column], "line \(rows.line), column \"\(header[column])\""))
      }
    }
    if current == nil { throw file.failure(nil, "there is no row after the header") }
    set.endSequence()
    return set
  }
}

extension CSVReader {
  /// The header, and where in it stands what a config names.
  private struct Columns {
    let header: [String]
    let sequence: Int?
    let label: Int?
    /// Those that the config chooses; nil where it leaves that to the file.
    let chosen: [Int]?

    /// - Parameter rows: has read the header, and no more.
    init(of rows: DelimitedText, in reader: CSVReader) throws {
      let file = reader.file
      let request = reader.request
      var header = (0..<rows.count).map { rows[$0].trimmingCharacters(in: .whitespaces) }
      if header.count > 1, header.last == "" { header.removeLast() }
      if header.allSatisfy({ Double($0) != nil }) {
        throw file.failure(
          "line \(rows.line)", "holds numbers, expected a header with the names of the columns",
          hint: "write one above them")
      }
      var places: [String: Int] = [:]
      for (place, name) in header.enumerated() {
        guard places.updateValue(place, forKey: name) == nil else {
          throw file.failure("header", "column \"\(name)\" appears twice")
        }
      }
      func place(of name: String?, _ key: String) throws -> Int? {
        guard let name else { return nil }
        if let place = places[name] { return place }
        throw file.failure(
          "header", "there is no column \"\(name)\", which \(key) names",
          hint: "the columns are \(DataFileError.list(header))")
      }
      self.header = header
      sequence = try place(of: request.sequenceColumn, "data.sequence")
      label = try place(
        of: request.task.outputs == .classes ? request.labelColumn : nil, "data.label")
      chosen = try request.columns?.compactMap { try place(of: $0, "data.columns") }
    }
  }
}
