import Foundation
import Records
import Testing

@Suite struct MetricsLogTests {
  private func temporaryPath() -> String {
    FileManager.default.temporaryDirectory
      .appendingPathComponent("metrics-\(UUID().uuidString).jsonl").path
  }

  @Test func resumeCutsLaterAndUnfinishedRecords() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      let log = try MetricsLog(path: path)
      for step in 1...5 { try log.append(["kind": "train", "step": .integer(step)]) }
      try log.append(["kind": "valid", "step": 3])
      try log.synchronize()
    }
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(#"{"kind":"train","st"#.utf8))
    try handle.close()
    try MetricsLog.truncate(path: path, afterStep: 3)
    let steps = try String(contentsOfFile: path, encoding: .utf8)
      .split(separator: "\n").map { try OrderedJSON(parsing: String($0))["step"]?.integerValue }
    #expect(steps == [1, 2, 3, 3])
    try MetricsLog.truncate(path: path, afterStep: 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "")
    try MetricsLog.truncate(path: path + "-absent", afterStep: 0)
  }

  @Test func unwritableFileIsAnError() {
    let error = #expect(throws: MetricsError.self) { try MetricsLog(path: "/nowhere/m.jsonl") }
    #expect(error?.description.contains("/nowhere/m.jsonl: cannot open") == true)
    #if os(Linux)
      let full = #expect(throws: MetricsError.self) {
        try MetricsLog(path: "/dev/full").append(["step": 1])
      }
      #expect(full?.description.contains("free some space") == true)
    #endif
  }

  @Test func numbersAreFormattedForPeople() {
    #expect(Format.grouped(1_234_567) == "1,234,567")
    #expect(Format.grouped(-12) == "-12")
    #expect(Format.grouped(1000) == "1,000")
    #expect(Format.bytes(1536) == "1.5 KiB")
    #expect(Format.time(3723) == "1:02:03")
    #expect(Format.time(59.7) == "1:00")
    #expect(Format.count(1, "rank") == "1 rank")
    #expect(Format.fixed(1e30, 2) == "1e+30")
  }
}
