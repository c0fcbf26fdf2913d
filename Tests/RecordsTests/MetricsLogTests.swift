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

  @Test func whatIsKeptBehindLaterRecordsStays() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    func record(_ kind: String, _ step: Int) -> String { #"{"kind":"\#(kind)","step":\#(step)}"# }
    let text = String(repeating: "x", count: 2 << 20)
    let long = #"{"kind":"sample","step":1,"text":""# + text + "\"}"
    for (lines, rest, kept) in [
      // A checkpoint is recorded when it is written, some steps later.
      (
        [record("train", 1), record("train", 2), record("train", 3), record("checkpoint", 2)], "",
        [record("train", 1), record("train", 2), record("checkpoint", 2)]
      ),
      // A last record may lack nothing but its end.
      ([record("train", 1)], record("train", 2), [record("train", 1), record("train", 2)]),
      ([record("train", 1)], record("train", 3), [record("train", 1)]),
      ([record("train", 1)], #"{"kind":"tr"#, [record("train", 1)]),
      (
        [record("train", 1), long, record("train", 2)], "",
        [record("train", 1), record("train", 2)]
      ),
      ([record("train", 1)], String(long.dropLast()), [record("train", 1)]),
      (["no record", record("train", 2)], "", [record("train", 2)]),
      ([record("train", 5)], "", []), ([], "", []),
    ] as [([String], String, [String])] {
      try Data((lines.map { $0 + "\n" }.joined() + rest).utf8).write(to: URL(fileURLWithPath: path))
      try MetricsLog.truncate(path: path, afterStep: 2)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text == kept.map { $0 + "\n" }.joined())
    }
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
