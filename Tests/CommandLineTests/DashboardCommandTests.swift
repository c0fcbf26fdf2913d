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
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        curl.arguments = [
          "curl", "--silent", "--max-time", "20", "http://127.0.0.1:\(port)/\(path)",
        ]
        let pipe = Pipe()
        curl.standardOutput = pipe
        try? curl.run()
        answers.append(
          String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
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
}
