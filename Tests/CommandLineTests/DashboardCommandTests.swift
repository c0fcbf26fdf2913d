import Foundation
import Records
import Testing

@Suite(.serialized) struct DashboardCommandTests {
  @Test func eventFilesAndSamplesDoNotChangeTheTrajectory() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--run-directory", "plain").status == 0)
    let extras = ["--set", "run.tensorboard=true", "--set", "run.sample_length=20"]
    let job = try Program(["config.json"] + extras, ranks: 2, in: place.folder)
    #expect(job.status == 0, "\(job)")
    #expect(try place.trajectory("run") == place.trajectory("plain"))

    let samples = try place.records().filter { $0["kind"] == "sample" }
    #expect(samples.map { $0["step"] } == [6, 12])
    #expect(samples.allSatisfy { ($0["text"]?.stringValue ?? "").isEmpty == false })
    #expect(try place.names(in: "run/tensorboard").count == 1)
    #expect(try place.records("plain").allSatisfy { $0["kind"] != "sample" })
    #expect(!place.exists("plain/tensorboard"))

    let resumed = try Program(
      ["config.json", "--resume", "--steps", "14"] + extras, in: place.folder)
    #expect(resumed.status == 0, "\(resumed)")
    #expect(try place.names(in: "run/tensorboard").count == 2)
    let again = try Program(["config.json", "--overwrite"] + extras, in: place.folder)
    #expect(again.status == 0, "\(again)")
    #expect(try place.names(in: "run/tensorboard").count == 1)
  }

  @Test func metricsPrintATable() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let table = try place.run("metrics", "run")
    let lines = table.output.components(separatedBy: "\r\n")
    #expect(lines[0].hasPrefix("step,epoch,tokens,loss,learning_rate,"), "\(table)")
    #expect(lines.count == 14, "\(table)")
    #expect(try place.run("metrics", "run", "--kind", "valid").output.hasPrefix("step,loss,"))
    let missing = try place.run("metrics", "nothing")
    #expect(missing.status == 2, "\(missing)")
  }

  @Test func serverAnswersUntilStopped() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    var answers: [String] = []
    let server = try place.run("dashboard", ".", "--port", "0", "--json") { process in
      // Its address is the only thing that it prints; the port is a free one.
      guard let port = Self.listeningPort(of: process.processIdentifier) else { return false }
      for path in ["", "api/runs", "metrics"] {
        answers.append(Self.get(path, port))
      }
      process.terminate()
      return true
    }
    #expect(server.output.contains("\"url\":\"http://127.0.0.1:"), "\(server)")
    #expect(answers.count == 3)
    #expect(answers.first?.contains("<title>gru-dist runs") == true)
    #expect(answers.dropFirst().first?.contains("\"name\":\"run\"") == true, "\(answers)")
    #expect(answers.last?.contains("gru_dist_step{run=\"run\"} 12.0") == true, "\(answers)")
  }

  /// The first port that a process listens on.
  private static func listeningPort(of process: Int32) -> Int? {
    guard let table = try? String(contentsOfFile: "/proc/\(process)/net/tcp", encoding: .utf8),
      let links = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")
    else { return nil }
    let sockets = Set(
      links.compactMap {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
      })
    for line in table.split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      // Local address and port, state 0A (listening), and the inode.
      guard fields.count > 9, fields[3] == "0A", sockets.contains("socket:[\(fields[9])]") else {
        continue
      }
      return fields[1].split(separator: ":").last.flatMap { Int($0, radix: 16) }
    }
    return nil
  }

  @Test func unusableDirectoriesAndAddressesAreErrors() throws {
    let place = try Workplace()
    let nothing = try place.run("dashboard", "nothing")
    #expect(nothing.status == 2, "\(nothing)")
    let address = try place.run("dashboard", ".", "--address", "example")
    #expect(address.status == 2, "\(address)")
    let port = try place.run("dashboard", ".", "--port", "70000")
    #expect(port.status == 2, "\(port)")
    try place.write("empty", "")
    try place.write("odd", "a b\n")
    for options in [
      ["--token", "a;b"], ["--token", ""], ["--token-file", "nothing"], ["--token-file", "empty"],
      ["--token-file", "odd"], ["--token-file", "."], ["--token", "a", "--token-file", "odd"],
    ] {
      let token = try Program(["dashboard", "."] + options, in: place.folder)
      #expect(token.status == 2, "\(options): \(token)")
      #expect(token.errors.contains("token"), "\(options): \(token)")
    }
  }

  /// What page and figures call a loss comes from the run itself.
  @Test func heartbeatsTellTheUnitsOfTheTask() throws {
    let place = try Workplace()
    for (options, unit, lossUnit) in [
      ([], "tokens", "nats per token"),
      (
        ["task=adding", "data={}", "output={}"], "sequences", "mean squared error"
      ),
    ] as [([String], String, String)] {
      let settings = options.flatMap { ["--set", $0] }
      let run = try Program(
        ["config.json", "--run-directory", unit] + settings, in: place.folder)
      #expect(run.status == 0, "\(run)")
      let task = RunFiles.read(place.path("\(unit)/\(RunFiles.heartbeat)"))?["task"]
      #expect(task?["unit"]?.stringValue == unit, "\(task?.line ?? "none")")
      #expect(task?["loss_unit"]?.stringValue == lossUnit)
      #expect(task?["name"]?.stringValue?.isEmpty == false)
    }
  }

  /// 200,000 records: the first answer comes at once and says how far it is, all are shown soon, a
  /// spike among them too, and memory stays small.
  @Test func longMetricsAreShownAtOnce() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    var text: [UInt8] = []
    for step in 1...200_000 {
      let loss = step == 123_457 ? "50" : "2.\(step &* 7919 % 100_003)"
      text += #"{"kind":"train","step":\#(step),"epoch":0,"tokens":\#(step * 192),"loss":\#(loss),"#
        .utf8
      text += #""gradient_norm":0.\#(step % 977),"tokens_per_second":1000.0,"step_seconds":0.1}"#
        .utf8
      text.append(0x0A)
    }
    try Data(text).write(to: place.folder.appendingPathComponent("run/metrics.jsonl"))
    var seconds: [Double] = []
    var detail: OrderedJSON?
    var memory = 0
    let server = try place.run("dashboard", ".", "--port", "0") { process in
      guard let port = Self.listeningPort(of: process.processIdentifier) else { return false }
      var isBehind = true
      while isBehind, seconds.count < 100 {
        let start = Date()
        let answer = try? OrderedJSON(parsing: Self.get("api/runs", port))
        seconds.append(Date().timeIntervalSince(start))
        guard case .array(let runs)? = answer?["runs"], let run = runs.first else { break }
        isBehind = run["is_behind"] != .bool(false)
        #expect(run["metrics_bytes"] == .integer(text.count))
      }
      detail = try? OrderedJSON(parsing: Self.get("api/run?name=run", port))
      memory = Self.peakMemory(of: process.processIdentifier)
      process.terminate()
      return true
    }
    // 0.3 s where nothing else goes on, and never more than 0.6 s of reading.
    #expect((seconds.first ?? 100) < 5, "\(seconds) \(server)")
    guard case .array(let losses)? = detail?["train"]?["loss"] else {
      Issue.record("no losses: \(server)")
      return
    }
    let row = try #require(losses.firstIndex { $0.doubleValue == 50 }, "the spike is missing")
    guard case .array(let steps)? = detail?["train"]?["step"] else { return }
    #expect(steps[row].doubleValue == 123_457)
    #expect(steps.last?.doubleValue == 200_000)
    #expect(steps.count <= 4000)
    #if os(Linux)
      #expect((1..<100_000).contains(memory), "\(memory) kB")
    #endif
  }

  /// A resume and the table of the same file, whose records need not be in order.
  @Test func longMetricsAreResumedAndPrintedAtOnce() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let records = try String(contentsOfFile: place.path("run/metrics.jsonl"), encoding: .utf8)
    let copies = String(repeating: records, count: 200_000 / records.split(separator: "\n").count)
    try place.write("run/metrics.jsonl", copies)
    let start = Date()
    let table = try place.run("metrics", "run")
    #expect(table.status == 0, "\(table.errors)")
    #expect(table.output.utf8.count > 10_000_000)
    let resumed = try place.run("config.json", "--resume", "--steps", "13")
    #expect(resumed.status == 0, "\(resumed)")
    // 0.5 s and 0.2 s where nothing else goes on.
    #expect(Date().timeIntervalSince(start) < 10)
    let metrics = place.folder.appendingPathComponent("run/metrics.jsonl")
    let file = try FileHandle(forReadingFrom: metrics)
    try file.seek(toOffset: try file.seekToEnd() - 1000)
    let last = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    #expect(last.contains("\"step\":13,"))
  }

  /// The body of an answer, through bash, which is everywhere where `launch/test` is.
  private static func get(_ path: String, _ port: Int) -> String {
    let client = Process()
    client.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    client.arguments = [
      "timeout", "20", "bash", "-c",
      #"""
      exec 3<>"/dev/tcp/127.0.0.1/$0" &&
        printf 'GET /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$1" >&3 &&
        cat <&3
      """#, "\(port)", path,
    ]
    let pipe = Pipe()
    client.standardOutput = pipe
    try? client.run()
    let answer = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    guard let blank = answer.firstRange(of: "\r\n\r\n") else { return answer }
    return String(answer[blank.upperBound...])
  }

  /// Kilobytes of memory that a process has had at once.
  private static func peakMemory(of process: Int32) -> Int {
    let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
  }
}
