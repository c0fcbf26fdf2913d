import Configuration
import Foundation
import Records
import Testing

@testable import Training

/// Holds docs/config.md against the config's types: one row for each key, in a table for each
/// section, its values and default as the types have them. Set GRU_DIST_WRITE_REFERENCES to write
/// them anew; what the last column says of a key is kept, and has to be written for a new one.
@Suite struct ConfigReferenceTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../docs/config.md").standardized

  struct Row: Equatable {
    var key: String
    var values: String
    var fallback: String
    var meaning: String

    var line: String { "| `\(key)` | \(values) | \(fallback) | \(meaning) |" }

    init(_ key: ConfigReference.Key, meaning: String) {
      self.key = key.path
      let others = TaskName.allCases.filter { !key.tasks.contains($0) }
      let isCommon = others.count < key.tasks.count
      let list = (isCommon ? others : key.tasks).map(\.rawValue).joined(separator: ", ")
      let isChosen = others.isEmpty || key.path == "task"
      values = key.values + (isChosen ? "" : isCommon ? " (not \(list))" : " (\(list))")
      fallback = key.fallback.map { "`\($0.line)`" } ?? "required"
      self.meaning = meaning
    }

    /// A row of a table; nil for any other line.
    init?(line: Substring) {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 4, cells[0].hasPrefix("`"), cells[0].hasSuffix("`") else { return nil }
      (key, values, fallback, meaning) = (
        cells[0].trimmingCharacters(in: ["`"]), cells[1], cells[2], cells[3]
      )
    }
  }

  @Test func everyKeyIsDocumentedAsItIs() throws {
    let text = try String(contentsOf: Self.file, encoding: .utf8)
    let rows = text.split(separator: "\n").compactMap { Row(line: $0) }
    let keys = try ConfigReference().keys
    #expect(keys.count > 40)
    func meaning(_ key: ConfigReference.Key) -> String {
      let same = rows.filter { $0.key == key.path }
      let fitting = same.first { $0.fallback == Row(key, meaning: "").fallback } ?? same.first
      return fitting?.meaning ?? ""
    }
    let expected = keys.map { Row($0, meaning: meaning($0)) }
    if ProcessInfo.processInfo.environment["GRU_DIST_WRITE_REFERENCES"] != nil {
      return try write(expected, into: text)
    }
    let hint =
      "docs/config.md: run this test with GRU_DIST_WRITE_REFERENCES=1, then say what it is for"
    for row in expected {
      #expect(rows.contains(row), "\(row.key): \(hint)")
      #expect(!row.meaning.isEmpty, "\(row.key) has no description: \(hint)")
    }
    for row in rows {
      #expect(expected.contains(row), "\(row.key) is no key of a config any more: \(hint)")
    }
  }

  /// The text up to the first table, and the tables.
  private func write(_ rows: [Row], into text: String) throws {
    let head = text.components(separatedBy: "\n## ")[0].trimmingCharacters(
      in: .whitespacesAndNewlines)
    var sections: [(name: String, lines: [String])] = []
    for row in rows {
      let section = row.key.split(separator: ".").dropLast().joined(separator: ".")
      let name = section.isEmpty ? "The config" : "`\(section)`"
      if sections.last?.name != name {
        sections.append((name, ["| key | values | default | what it is |", "|---|---|---|---|"]))
      }
      sections[sections.count - 1].lines.append(row.line)
    }
    let tables = sections.map { "## \($0.name)\n\n" + $0.lines.joined(separator: "\n") + "\n" }
    try ([head + "\n"] + tables).joined(separator: "\n")
      .write(to: Self.file, atomically: true, encoding: .utf8)
  }
}
