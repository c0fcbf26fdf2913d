import Testing

/// Files, functions and targets stay small enough to be read.
@Suite struct SizeTests {
  static let functionLines = 70
  static let columns = 100
  static let fileLines = 350
  static let targetLines = 5000

  @Test func functionsHaveAtMost70Lines() throws {
    let files = try Repository.swiftFiles()
    #expect(files.reduce(0) { $0 + $1.functions.count } > 1500, "functions are not found any more")
    for file in files {
      for function in file.functions where function.lineCount > Self.functionLines {
        Issue.record(
          "\(file.path):\(function.line): \(function.name) has \(function.lineCount) lines")
      }
    }
  }

  @Test func linesHaveAtMost100Columns() throws {
    let files = try Repository.swiftFiles() + Repository.cFiles() + Repository.pageFiles()
    for file in files {
      for (index, line) in file.lines.enumerated() where line.count > Self.columns {
        Issue.record("\(file.path):\(index + 1): \(line.count) columns")
      }
    }
  }

  @Test func filesHaveAtMost350Lines() throws {
    let page = try Repository.pageFiles()
    #expect(page.count > 20, "the page is not found any more")
    for file in try Repository.swiftFiles() + page where file.lines.count > Self.fileLines {
      Issue.record("\(file.path): \(file.lines.count) lines")
    }
  }

  @Test func targetsHaveAtMost5000Lines() throws {
    let files = try Repository.swiftFiles().filter { $0.path.hasPrefix("Sources/") }
    for (target, own) in Dictionary(grouping: files, by: \.target) {
      let count = own.reduce(0) { $0 + $1.lines.count }
      #expect(count <= Self.targetLines, "Sources/\(target): \(count) lines")
    }
  }

  @Test func sourcesHaveNoOpenMarks() throws {
    let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    let files = try Repository.swiftFiles() + Repository.cFiles() + Repository.pageFiles()
    for file in files {
      for (index, line) in file.lines.enumerated() where marks.contains(where: line.contains) {
        Issue.record("\(file.path):\(index + 1): \(line)")
      }
    }
  }

  @Test func functionLengthsAreCountedCorrectly() {
    let text = """
      protocol P { func none(_ a: Int) -> Int }
      struct S: P {
        init(a: Int) { print("} { \\(a > 0 ? "}" : "{")") }
        // func gone() {
        func none(
          _ a: Int
        ) -> Int
        {
          a
        }
        var many: Int {
          1
        }
        static let table = (0..<3).map {
          $0
        }
      }
      """
    let functions = SwiftFile(path: "Sources/X/S.swift", text: text).functions
    #expect(functions.map(\.lineCount) == [1, 6, 3, 3])
    #expect(functions.map(\.line) == [3, 5, 11, 14])
  }
}
