import Datasets
import Records
import Tasks

/// A text a row of a table, in one column, and its class in another where texts have one.
struct TextRows {
  let file: DataFile
  let request: SequenceRequest
  let text: TextRequest
  var parts: TableTaker<TextTable>?

  func read(into table: inout TextTable) throws {
    let stream = file.stream
    let dialect = TableDialect(
      head: stream.head(TableDialect.headBytes),
      isWhole: stream.isAtEnd && stream.count <= TableDialect.headBytes, request)
    var rows = try DelimitedText(
      stream, separator: dialect.separator, remark: Array((request.remark ?? "").utf8),
      skipping: dialect.preamble)
    guard try rows.next() else { throw file.failure(nil, "there is no header in it") }
    var unnamed = request
    unnamed.sequenceColumn = nil
    unnamed.columns = nil
    let header = try TableHeader(of: rows, unnamed, file: file)
    let label = header.label
    guard let column = header.names.firstIndex(of: text.column) else {
      throw file.failure(
        "header", "there is no column \"\(text.column)\", which data.text names",
        hint: "the columns are \(DataFileError.list(header.names))")
    }
    if column == label {
      throw file.failure("header", "data.text and data.label name the same column")
    }
    table.form =
      "a row a text, \(dialect.words): \"\(header.names[column])\""
      + (label.map { ", class by \"\(header.names[$0])\"" } ?? "")
    let others = header.names.indices.filter {
      $0 != column && $0 != label && !header.kept.contains($0)
    }
    if !others.isEmpty {
      table.remarks.append(
        "columns that are left out: \(DataFileError.list(others.map { header.names[$0] }))")
    }
    table.remarks += dialect.remarks
    var isThere = try header.isGiven ? rows.next() : true
    var repeated = 0
    while isThere {
      if header.isRepeated(by: rows) {
        repeated += 1
      } else {
        try file.take(into: &table) {
          try append(rows, header, text: column, label: label, dialect, &$0)
        }
      }
      isThere = try rows.next()
    }
    if repeated > 0 {
      table.remarks.append("lines that repeat the header are left out: \(repeated)")
    }
  }

  private func append(
    _ rows: DelimitedText, _ header: TableHeader, text column: Int, label: Int?,
    _ dialect: TableDialect, _ table: inout TextTable
  ) throws {
    let expected = header.names.count
    guard rows.count == expected || rows.count > expected && rows.isEmpty(from: expected) else {
      throw file.failure(
        "line \(rows.line)",
        "has \(rows.count) field\(rows.count == 1 ? "" : "s"), the "
          + "\(header.isGiven ? "header" : "first row") has \(expected) (\(dialect.words))",
        hint: "a text that has separators, quotes or line ends in it stands in quotes")
    }
    if rows.isEmpty(from: 0) { return table.blankLines += 1 }
    let name = label.map { CSVReader.trimmed(rows[$0]) }
    let kept = header.kept.map { OrderedJSON.string(rows[$0]) }
    if let name, name == request.ignoredLabel {
      table.ignoredTexts += 1
      return
    }
    var string = rows[column]
    if parts == nil, name == nil || request.missing == .drop, string.allSatisfy(\.isWhitespace) {
      return table.blankTexts += 1
    }
    guard name != "" else {
      throw file.failure(
        "line \(rows.line)", "has no label",
        hint: "give it one, or leave the text out; data.ignore_label \"\" leaves out all such")
    }
    string.withUTF8 { unsafe table.append($0, label: name, line: rows.line, kept: kept) }
    try parts?.takeIfWhole(&table)
  }
}
