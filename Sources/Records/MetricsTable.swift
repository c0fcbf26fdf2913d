import Foundation

/// The records of one kind in `metrics.jsonl` as a table, for spreadsheets and statistics programs.
package struct MetricsTable: Sendable {
  /// In the order in which records bring them up.
  package private(set) var columns: [String] = []
  private var rows: [[String: OrderedJSON]] = []

  package init() {}

  package var rowCount: Int { rows.count }

  /// Reads a run's records of a kind.
  package init(run: String, kind: String) throws {
    let path = "\(run)/\(RunFiles.metrics)"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UsageError("no metrics at '\(path)': expected a run directory")
    }
    var kinds: [String] = []
    for line in data.split(separator: UInt8(ascii: "\n")) {
      // The last line of a run that is under way may be half written.
      guard let record = try? OrderedJSON(parsing: String(decoding: line, as: UTF8.self)) else {
        continue
      }
      guard let found = record["kind"]?.stringValue else { continue }
      if found == kind { append(record) }
      if !kinds.contains(found) { kinds.append(found) }
    }
    guard rows.isEmpty, !kinds.isEmpty else { return }
    throw UsageError(
      "--kind: '\(path)' has no records of kind '\(kind)'; it has " + kinds.joined(separator: ", "))
  }

  package mutating func append(_ record: OrderedJSON) {
    guard case .object(let members) = record else { return }
    var row: [String: OrderedJSON] = [:]
    for member in members where member.name != "kind" {
      if row.updateValue(member.value, forKey: member.name) == nil,
        !columns.contains(member.name)
      {
        columns.append(member.name)
      }
    }
    rows.append(row)
  }

  /// Comma-separated values by RFC 4180, a line of names first.
  package var csv: String {
    (0..<csvPartCount).map { csv(part: $0) }.joined()
  }

  /// Rows of a part of the values.
  private static let partRows = 1000

  package var csvPartCount: Int { max(1, (rows.count + Self.partRows - 1) / Self.partRows) }

  /// Some lines of the values, counted from 0; the line of names stands in the first part.
  package func csv(part: Int) -> String {
    var lines = part == 0 ? [columns.map(Self.quoted).joined(separator: ",")] : []
    for row in rows.dropFirst(part * Self.partRows).prefix(Self.partRows) {
      let fields = columns.map { name -> String in
        switch row[name] {
        case nil, .null: ""
        case .string(let text): Self.quoted(text)
        case let value?: Self.quoted(value.line)
        }
      }
      lines.append(fields.joined(separator: ","))
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
