import Foundation
import Testing

/// Links in documents lead to files, and to headings or named places (`<a id="...">`), that exist.
@Suite struct DocumentTests {
  static func documents() -> [String] {
    ["README.md", "CHANGELOG.md"]
      + ["docs", "launch", "Benchmarks", "configs", "Tests", "Sources"].flatMap {
        Repository.files(in: $0, ending: ".md")
      }
  }

  /// What GitHub makes of a heading: lower case, blanks to hyphens, punctuation left out.
  static func anchor(_ heading: Substring) -> String {
    let text = heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces)
    return String(
      text.lowercased().compactMap { letter in
        if letter == " " { return "-" }
        return letter.isLetter || letter.isNumber || "-_".contains(letter) ? letter : nil
      })
  }

  static func anchors(of path: String) throws -> Set<String> {
    var isCode = false
    var found: Set<String> = []
    for line in try Repository.text(path).split(separator: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      if isCode { continue }
      if line.hasPrefix("#") { found.insert(anchor(line)) }
      for match in line.matches(of: /<a id="([^"]+)"><\/a>/) { found.insert(String(match.1)) }
    }
    return found
  }

  @Test func linksResolve() throws {
    var count = 0
    for document in Self.documents() {
      let text = try Repository.text(document)
      let folder = URL(fileURLWithPath: document).deletingLastPathComponent().relativePath
      for match in text.matches(of: /\]\(([^)\s]+)\)/) where !match.1.contains("://") {
        count += 1
        let parts = match.1.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].isEmpty ? document : "\(folder)/\(parts[0])"
        let url = Repository.root.appendingPathComponent(path).standardized
        guard FileManager.default.fileExists(atPath: url.path) else {
          Issue.record("\(document): \(match.1) does not exist")
          continue
        }
        guard parts.count == 2, url.pathExtension == "md" else { continue }
        let relative = String(url.path.dropFirst(Repository.root.path.count + 1))
        #expect(
          try Self.anchors(of: relative).contains(String(parts[1])),
          "\(document): no heading \(match.1)")
      }
    }
    #expect(count > 50, "links are not found any more")
  }

  /// A place that a document names stands above a heading, which had that name before.
  @Test func namedPlacesStandAboveHeadings() throws {
    for document in Self.documents() {
      let lines = try Repository.text(document).split(
        separator: "\n", omittingEmptySubsequences: false)
      for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("<a id=") {
        #expect(next.hasPrefix("#"), "\(document): \(line)")
      }
    }
  }

  @Test func documentsNameNoLocalPaths() throws {
    for document in Self.documents() {
      let text = try Repository.text(document)
      let found = text.firstMatch(of: /(?:^|[^a-zA-Z])\/(?:home|root|work)\/\w+/)
      #expect(found == nil, "\(document): \(found.map { String($0.0) } ?? "")")
    }
  }
}
