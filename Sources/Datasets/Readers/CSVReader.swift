import Foundation
import SwiftCSV
import Tasks

/// One step a row under a header. A column names the sequence of each row, whose rows stand
/// together; without such a column all rows are one sequence.
struct CSVReader {
  let file: DataFile
  let request: SequenceRequest

  func read() throws -> SequenceSet {
    let table: EnumeratedCSV
    do {
      table = try EnumeratedCSV(string: try file.text(), loadColumns: false)
    } catch let error as DataFileError {
      throw error
    } catch {
      throw file.failure(nil, "cannot be read as CSV: \(error)")
    }
    let header = table.header.map { $0.trimmingCharacters(in: .whitespaces) }
    guard let first = table.rows.first else {
      throw file.failure(nil, "there is no row after the header")
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
    let sequence = try place(of: request.sequenceColumn, "data.sequence")
    let label = try place(
      of: request.task.outputs == .classes ? request.labelColumn : nil, "data.label")
    let columns =
      try request.columns.map { names in
        try names.map { try place(of: $0, "data.columns") ?? 0 }
      }
      ?? header.indices.filter { column in
        // What is no number in the first row, such as a date, is left out.
        column != sequence && column != label && column < first.count
          && Float(first[column].trimmingCharacters(in: .whitespaces)) != nil
      }
    if columns.isEmpty {
      throw file.failure("row 1", "no column holds numbers", hint: "name some in data.columns")
    }
    return try sequences(
      of: table.rows, header, columns: columns, sequence: sequence, label: label)
  }

  private func sequences(
    of rows: [[String]], _ header: [String], columns: [Int], sequence: Int?, label: Int?
  ) throws -> SequenceSet {
    var set = SequenceSet(columns: columns.map { header[$0] })
    var seen: Set<String> = []
    var current: String?
    for (index, row) in rows.enumerated() {
      guard row.count >= header.count else {
        throw file.failure(
          "row \(index + 1)", "has \(row.count) fields, the header has \(header.count)")
      }
      let name = sequence.map { row[$0] } ?? ""
      if name != current {
        if current != nil { set.endSequence() }
        guard seen.insert(name).inserted else {
          throw file.failure(
            "row \(index + 1)", "sequence \"\(name)\" goes on after another one",
            hint: "sort the rows by \"\(sequence.map { header[$0] } ?? "")\"")
        }
        current = name
        if let label { set.labels.append(row[label]) }
      } else if let label, set.labels.last != row[label] {
        throw file.failure(
          "row \(index + 1)",
          "sequence \"\(name)\" has label \"\(row[label])\" after \"\(set.labels.last ?? "")\"")
      }
      for column in columns {
        set.values.append(
          try file.number(row[column], "row \(index + 1), column \"\(header[column])\""))
      }
    }
    set.endSequence()
    return set
  }
}
