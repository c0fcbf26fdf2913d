import Configuration
import Foundation
import Records
import Tasks
import Testing

/// Holds docs/config.md against the declarations of keys: one row for each key, in a table for each
/// section, and what may change at a resume. Set GRU_DIST_WRITE_REFERENCES to write them anew.
@Suite struct ConfigReferenceTests {
  static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../docs/config.md").standardized

  @Test func everyKeyIsDocumentedAsItIsDeclared() throws {
    let text = try String(contentsOf: Self.file, encoding: .utf8)
    let written = Self.document(below: Self.introduction(of: text))
    if ProcessInfo.processInfo.environment["GRU_DIST_WRITE_REFERENCES"] != nil {
      return try written.write(to: Self.file, atomically: true, encoding: .utf8)
    }
    let found = text.split(separator: "\n")
    let expected = written.split(separator: "\n")
    let hint = "docs/config.md: run this test with GRU_DIST_WRITE_REFERENCES=1"
    for line in expected where !found.contains(line) {
      Issue.record("\(hint): it lacks\n\(line)")
    }
    for line in found where !expected.contains(line) {
      Issue.record("\(hint): no key is so any more:\n\(line)")
    }
    #expect(text == written, "\(hint)")
  }

  @Test func everyKeyIsDeclaredOnceForATask() {
    for task in TaskName.allCases {
      let paths = Config.reference.filter { $0.tasks.contains(task) }.map(\.path)
      #expect(Set(paths).count == paths.count, "\(task)")
      #expect(paths.count > 60, "\(task)")
    }
  }

  @Test func everyDescriptionIsASentence() {
    for key in Config.reference {
      #expect(key.meaning.first?.isUppercase == true, "\(key.path)")
      #expect(key.meaning.hasSuffix("."), "\(key.path)")
    }
  }

  /// The text before the first table.
  private static func introduction(of text: String) -> String {
    text.components(separatedBy: "\n## ")[0].trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The introduction, and a table for each section.
  private static func document(below introduction: String) -> String {
    var sections: [(name: String, lines: [String])] = []
    for key in Config.reference {
      let section = key.path.split(separator: ".").dropLast().joined(separator: ".")
      let name = section.isEmpty ? "The config" : "`\(section)`"
      if sections.last?.name != name {
        sections.append((name, ["| key | values | default | what it is |", "|---|---|---|---|"]))
      }
      sections[sections.count - 1].lines.append(row(key))
    }
    let tables = sections.map { "## \($0.name)\n\n" + $0.lines.joined(separator: "\n") + "\n" }
    return ([introduction + "\n"] + tables + [resume]).joined(separator: "\n")
  }

  /// What is declared of resumes.
  private static var resume: String {
    func list(_ rule: ResumeRule) -> String {
      var paths: [String] = []
      for key in Config.reference where key.resume == rule && !paths.contains(key.path) {
        paths.append(key.path)
      }
      return paths.map { "`\($0)`" }.joined(separator: ", ")
    }
    return """
      ## What a resumed run may change

      These keys, and no others. `data.train` may name another file, but of the same content.

      | what follows | keys |
      |---|---|
      | nothing for the steps to come | \(list(.free)) |
      | another trajectory from there on, and the run says so | \(list(.changesTrajectory)) |
      | the same, from `"sgd"` to `"asgd"` and back alone | \(list(.switchesAveraging)) |
      | another trajectory where validations decide on steps (a schedule of plateau, \
      `run.patience`, asgd) | \
      \(list(.changesValidations)) |

      """
  }

  private static func row(_ key: KeyDeclaration) -> String {
    let others = TaskName.allCases.filter { !key.tasks.contains($0) }
    let isCommon = others.count < key.tasks.count
    let list = (isCommon ? others : key.tasks).map(\.rawValue).joined(separator: ", ")
    let isChosen = others.isEmpty || key.path == "task"
    let values = key.values + (isChosen ? "" : isCommon ? " (not \(list))" : " (\(list))")
    let fallback = key.fallback.map { "`\($0.line)`" } ?? "required"
    return "| `\(key.path)` | \(values) | \(fallback) | \(key.meaning) |"
  }
}
