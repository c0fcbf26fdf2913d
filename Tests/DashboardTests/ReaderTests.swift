import Foundation
import Records
import Testing
import WebServer

@testable import Dashboard

@Suite struct ReaderTests {
  private func columns(_ metrics: RunMetrics) -> String { metrics.train.json().line }

  @Test func growingFilesAreReadIncrementally() throws {
    let folder = try RunsFolder()
    let reader = MetricsReader()
    let run = "\(folder.path)/first"
    let first = reader.look(at: run)
    #expect(first.metrics.train.rowCount == 2)
    #expect(!first.isBehind)
    #expect(first.readBytes == first.fileBytes)
    try folder.append(#"{"kind":"train","step":30,"accuracy":0.5"#)
    #expect(reader.look(at: run).metrics.train.rowCount == 2)
    try folder.append("}\nnot JSON\n")
    let second = reader.look(at: run)
    #expect(second.generation == first.generation)
    #expect(second.metrics.train.rowCount == 3)
    #expect(second.metrics.damagedLines == 1)
    #expect(second.metrics.train.values("accuracy") == [nil, nil, 0.5])
    #expect(second.metrics.train.values("loss") == [3.5, 3, nil])
    // A resume makes the file shorter.
    try folder.write("first/metrics.jsonl", RunsFolder.metrics[0] + "\n")
    #expect(reader.look(at: run).metrics.train.rowCount == 1)
  }

  /// A file is known by what it holds too: the number of one that is gone is given again, and one
  /// may be written anew in its place.
  @Test func anotherFileInTheSamePlaceIsReadAnew() throws {
    let folder = try RunsFolder()
    let reader = MetricsReader()
    let run = "\(folder.path)/first"
    let path = "\(run)/metrics.jsonl"
    func text(_ losses: [Double]) -> String {
      losses.enumerated().map {
        #"{"kind":"train","step":\#($0.offset + 1),"loss":\#($0.element)}"# + "\n"
      }.joined()
    }
    func overwrite(_ losses: [Double]) throws {
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: Data(text(losses).utf8))
      try file.close()
    }
    let many = (1...100).map { Double($0) + 0.5 }
    for (before, after) in [
      ([1.5, 2.5], [3.5, 2.5]), ([1.5, 2.5], [1.5, 2.5, 3.5]), ([1.5, 2.5], [3.5, 2.5, 3.5]),
      (many, many.dropLast() + [7.25, 8]), (many, [2.5] + many.dropFirst() + [8]),
    ] {
      try overwrite(before)
      _ = reader.look(at: run)
      try overwrite(after)
      #expect(reader.look(at: run).metrics.train.values("loss") == after)
    }
  }

  @Test func whatIsNoMetricsFileEndsNothing() throws {
    let folder = try RunsFolder()
    let path = "\(folder.path)/first/metrics.jsonl"
    let server = try folder.server()
    for kind in ["a pipe", "a directory", "a device"] {
      try FileManager.default.removeItem(atPath: path)
      switch kind {
      case "a pipe": #expect(mkfifo(path, 0o600) == 0)
      case "a directory":
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      default: #expect(symlink("/dev/zero", path) == 0)
      }
      let run = try server.json("/api/run", query: ["name": "first"])
      #expect(run["summary"]?["problem"]?.stringValue != nil, "\(kind)")
      #expect(run["summary"]?["steps"] == 40)
      #expect(try server.get("/metrics").status == 200)
      #expect(try server.get("/api/metrics.csv", query: ["name": "first"]).status == 404)
    }
    // Other files of a run may be anything, too.
    for name in ["heartbeat.json", "config.json", "ranks/rank-00000.json"] {
      try? FileManager.default.removeItem(atPath: "\(folder.path)/first/\(name)")
      try FileManager.default.createDirectory(
        atPath: "\(folder.path)/first/ranks", withIntermediateDirectories: true)
      #expect(mkfifo("\(folder.path)/first/\(name)", 0o600) == 0)
    }
    #expect(try server.get("/api/runs").status == 200)
    #expect(try server.get("/api/run", query: ["name": "first"]).status == 200)
  }

  /// Time is over with the first of them at the latest.
  @Test func smallFilesDoNotWaitForLargeOnes() throws {
    let text = String(repeating: "x", count: 900)
    let line = #"{"kind":"train","step":1,"loss":1.25,"text":"\#(text)"}"#
    let folder = try RunsFolder(metrics: [String](repeating: line, count: 50_000))
    try folder.write("small/metrics.jsonl", RunsFolder.metrics[0] + "\n")
    let reader = MetricsReader()
    var looks = 0
    while true {
      let large = reader.look(at: "\(folder.path)/first")
      let small = reader.look(at: "\(folder.path)/small")
      #expect(small.metrics.train.rowCount == 1)
      #expect(large.readBytes > 0)
      looks += 1
      if !large.isBehind || looks > 1000 { break }
    }
    #expect(reader.look(at: "\(folder.path)/first").metrics.train.recordCount == 50_000)
  }

  @Test func oddNumbersAndLinesAreCounted() throws {
    let odd = [
      #"{"kind":"train","step":1e300,"loss":1e300,"tokens":1e300,"tokens_per_second":1e-300}"#,
      #"{"kind":"valid","step":1e300,"loss":-1e300}"#,
      #"{"kind":"train","step":99999999999999999999,"loss":-0.0,"epoch":1e18}"#,
      #"{"kind":"train","step":4,"loss":null}"#, #"{"kind":"train","step":"5"}"#,
      #"{"kind":"train","step":{"a":[1]}}"#, #"{"kind":"event","step":1e300}"#,
      #"{"kind":"sample","step":-1e300,"text":"\#(String(repeating: "x", count: 100_000))"}"#,
    ]
    let damaged = [
      #"{"kind":"train","step":1e999}"#, #"{"kind":"train","a":1,"a":2}"#, "[1]", "7", "\0",
      "{}", #"{"kind":7}"#, #"{"step":7}"#, #"{"kind":"train","step":1}}"#,
      #"{"kind":"train","step":01}"#, String(repeating: "[", count: 100_000),
      "{\"kind\":\"train\",\"text\":\"" + String(repeating: "x", count: 2_000_000) + "\"}",
    ]
    let folder = try RunsFolder(metrics: odd + damaged)
    let server = try folder.server()
    for path in ["/api/runs", "/metrics"] { #expect(try server.get(path).status == 200) }
    let run = try server.json("/api/run", query: ["name": "first"])
    #expect(run["summary"]?["damaged_lines"] == .integer(damaged.count))
    #expect(run["train"]?["loss"]?.line == "[1e+300,-0.0,null,null,null]")
    #expect(run["samples"]?.line.utf8.count ?? 0 < 1000)
    let table = try server.get("/api/metrics.csv", query: ["name": "first", "kind": "valid"])
    #expect(table.text == "step,loss\r\n1e300,-1e300\r\n")
  }

  @Test func trainingSecondsAddUp() throws {
    let folder = try RunsFolder(metrics: [
      #"{"kind":"train","step":10,"tokens":100,"tokens_per_second":50,"step_seconds":0.25}"#,
      #"{"kind":"valid","step":10,"loss":1}"#,
      #"{"kind":"train","step":30,"tokens":300,"tokens_per_second":50}"#,
      #"{"kind":"train","step":40,"tokens":400}"#,
      #"{"kind":"train","step":50,"tokens":500,"step_seconds":0.5}"#,
      #"{"kind":"valid","step":50,"loss":1}"#,
    ])
    let run = try folder.server().json("/api/run", query: ["name": "first"])
    #expect(run["train"]?["training_seconds"]?.line == "[2.5,6.5,6.5,11.5]")
    #expect(run["valid"]?["training_seconds"]?.line == "[2.5,11.5]")
  }

  @Test func onlyWhatIsNewIsSent() throws {
    let folder = try RunsFolder()
    let server = try folder.server()
    func ask(_ mark: OrderedJSON?) throws -> OrderedJSON {
      var query = ["name": "first"]
      if let mark = mark?.stringValue { query["since"] = mark }
      return try server.json("/api/run", query: query)
    }
    let first = try ask(nil)
    #expect(first["kept"]?.line == #"{"train":0,"valid":0,"events":0,"samples":0}"#)
    try folder.append(
      #"{"kind":"train","step":30,"loss":1,"new":5}"# + "\n" + #"{"kind":"event","step":30}"#
        + "\n")
    let second = try ask(first["mark"])
    #expect(second["kept"]?.line == #"{"train":2,"valid":2,"events":1,"samples":1}"#)
    #expect(second["train"]?["loss"]?.line == "[1.0]")
    #expect(second["train"]?["new"]?.line == "[5.0]")
    #expect(second["train"]?["tokens"]?.line == "[null]")
    #expect(second["events"]?.line == #"[{"kind":"event","step":30}]"#)
    #expect(second["config"] == nil)
    #expect(try ask(second["mark"])["train"]?["loss"]?.line == "[]")
    // Another file, another config and what is no mark are told as a whole.
    try folder.write("first/config.json", #"{"run":{"steps":50}}"#)
    try folder.write("first/metrics.jsonl", RunsFolder.metrics[2] + "\n")
    let third = try ask(second["mark"])
    #expect(third["kept"]?.line == #"{"train":0,"valid":0,"events":0,"samples":0}"#)
    #expect(third["config"]?["run"]?["steps"] == 50)
    for mark in [
      "", "x", "1.2.3", "-1.0.0.0.0.0.0.0.0.0.0.0", "1.1.1.1.1.1.1.1",
      "1.1.1.1.1.1.1.1.1.1.1.99999999999999999999",
    ] {
      #expect(try ask(.string(mark))["train"]?["loss"]?.line == "[3.0]", "\(mark)")
    }
  }

  @Test func answersAreCompressedForThoseWhoTakeIt() throws {
    let folder = try RunsFolder(
      metrics: (1...500).map { #"{"kind":"train","step":\#($0),"loss":\#($0).5}"# })
    let server = try folder.server()
    let query = ["name": "first"]
    let plain = try server.get("/api/run", query: query)
    #expect(plain.response.header("Content-Encoding") == nil)
    #expect(plain.response.header("Vary") == "Accept-Encoding")
    for (value, isTaken) in [
      ("gzip", true), ("deflate, GZIP;q=0.5", true), ("*", true), ("gzip;q=0", false),
      ("br", false), ("gzip; q=0.0, br", false),
    ] {
      let answer = try server.get(
        "/api/run", query: query, headers: ["Accept-Encoding": value])
      let isCompressed = answer.response.header("Content-Encoding") == "gzip"
      #expect(isCompressed == isTaken, "\(value)")
      guard isTaken, case .bytes(let bytes) = answer.response.body else { continue }
      #expect(bytes.count < plain.text.utf8.count / 2)
      #expect(try Self.unpacked(bytes) == plain.text)
    }
  }

  private static func unpacked(_ bytes: [UInt8]) throws -> String {
    let path = NSTemporaryDirectory() + "answer-\(UUID().uuidString).gz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-dc", path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}

@Suite struct SharedAnswersTests {
  @Test func whoAskedBeforeGetsTheSameAnswer() {
    let answers = SharedAnswers()
    var made = 0
    func ask(_ request: HTTPRequest) -> String {
      let response = answers.answer(to: request, by: ["name"]) {
        made += 1
        return HTTPResponse(.ok, body: .bytes(Array("\(made)".utf8)))
      }
      guard case .bytes(let bytes) = response.body else { return "" }
      return String(decoding: bytes, as: UTF8.self)
    }
    func request(_ name: String, _ other: String = "") -> HTTPRequest {
      HTTPRequest(path: "/", query: [.init("name", name), .init("other", other)])
    }
    let early = [request("a"), request("a", "x"), request("b"), request("a")]
    #expect(early.map(ask) == ["1", "1", "2", "1"])
    // Nobody gets what was known before they asked.
    #expect(ask(request("a")) == "3")
    #expect(ask(early[0]) == "3")
    #expect(ask(HTTPRequest(path: "/")) == "4")
  }
}

@Suite struct LivenessTests {
  private func beat(_ sequence: Int, time: Double) -> OrderedJSON {
    ["job": "a", "sequence": .integer(sequence), "time": .number(time)]
  }

  /// The clock of the machine that trains is an hour behind or ahead.
  @Test(arguments: [0.0, -3600, 3600])
  func aHeartbeatThatMovesIsAlive(offset: Double) {
    let liveness = Liveness()
    let start = ContinuousClock.now
    func isAlive(_ sequence: Int, _ seconds: Double, beatAt told: Double) -> Bool {
      liveness.isAlive(
        "run", heartbeat: beat(sequence, time: 1e9 + told + offset),
        now: start.advanced(by: .seconds(seconds)), time: 1e9 + seconds)
    }
    #expect(isAlive(1, 0, beatAt: 0) == (offset == 0))
    for second in 1...100 { #expect(isAlive(1 + second, Double(second), beatAt: Double(second))) }
    #expect(isAlive(101, 110, beatAt: 100))
    #expect(!isAlive(101, 116, beatAt: 100))
    #expect(!isAlive(101, 1000, beatAt: 100))
    #expect(isAlive(102, 1001, beatAt: 1001))
  }
}
