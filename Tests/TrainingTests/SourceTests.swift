import Foundation
import Testing

/// Rules of form for everything written in Swift.
@Suite struct SourceTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private func sources() throws -> [URL] {
    try ["Sources", "Tests"].flatMap { folder in
      let names = try FileManager.default.subpathsOfDirectory(
        atPath: Self.root.appendingPathComponent(folder).path)
      return names.filter { $0.hasSuffix(".swift") || $0.hasSuffix(".h") }.map {
        Self.root.appendingPathComponent(folder).appendingPathComponent($0)
      }
    }
  }

  @Test func linesAndFilesAreShort() throws {
    let sources = try sources()
    #expect(sources.count > 200)
    for source in sources {
      let lines = try String(contentsOf: source, encoding: .utf8)
        .split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count <= 360, "\(source.lastPathComponent): \(lines.count) lines")
      for (number, line) in lines.enumerated() where line.count > 100 {
        Issue.record("\(source.lastPathComponent):\(number + 1): \(line.count) columns")
      }
    }
  }

  @Test func nothingIsLeftForLater() throws {
    let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    for source in try sources() {
      let text = try String(contentsOf: source, encoding: .utf8)
      for mark in marks {
        #expect(!text.contains(mark), "\(source.lastPathComponent) has \(mark)")
      }
    }
  }
}
