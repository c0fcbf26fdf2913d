import Foundation
import Records
import Testing

@testable import Dashboard

/// A program that runs scripts.
private enum Node {
  static let isThere = (try? run(["--version"], in: "/", input: "").status) == 0

  static func run(
    _ arguments: [String], in folder: String, input: String
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["node"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let (source, sink) = (Pipe(), Pipe())
    process.standardInput = source
    process.standardOutput = sink
    process.standardError = sink
    try process.run()
    DispatchQueue.global().async {
      source.fileHandleForWriting.write(Data(input.utf8))
      try? source.fileHandleForWriting.close()
    }
    let data = sink.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}

/// The page's modules in a directory of their own, where there is a `node` to run them. What needs
/// a browser, Tests/page/click tests.
@Suite(.enabled(if: Node.isThere, "no node here")) struct PageTests {
  private final class Copy {
    let path = NSTemporaryDirectory() + "page-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true)
      try write("package.json", Data(#"{"type":"module"}"#.utf8))
      for (name, bytes) in DashboardPages.pageFiles { try write(name, Data(bytes)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ data: Data) throws {
      try data.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
  }

  @Test func modulesComputeWhatTheyShould() throws {
    let copy = try Copy()
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../page/modules.mjs").standardized
    try copy.write("modules.mjs", try Data(contentsOf: tests))
    let (status, output) = try Node.run(["--test", "modules.mjs"], in: copy.path, input: "")
    #expect(status == 0, "\(output)")
    #expect(output.contains("pass 13"), "\(output)")
  }

  /// Of two answers of the server, the second of which has only what is new, the page makes the
  /// same as of one that has everything.
  @Test func additionsMakeTheWhole() throws {
    let folder = try RunsFolder()
    let server = try folder.server()
    let first = try server.json("/api/run", query: ["name": "first"])
    let more = [
      #"{"kind":"train","step":30,"tokens":300,"loss":2,"tokens_per_second":60,"new":1}"#,
      #"{"kind":"valid","step":30,"loss":2.9,"bits_per_byte":3}"#,
      #"{"kind":"event","step":30,"event":"resume"}"#,
      #"{"kind":"sample","step":30,"text":"later"}"#, "damaged",
    ]
    try folder.append(more.map { $0 + "\n" }.joined())
    try folder.write("first/validation.json", #"{"step":30,"tables":{}}"#)
    let mark = try #require(first["mark"]?.stringValue)
    let second = try server.json("/api/run", query: ["name": "first", "since": mark])
    #expect(second["config"] == nil)
    #expect(second["checkpoints"] == nil)
    #expect(second["figures"]?["step"] == 30)
    let script = """
      import { merged } from "./store.js";
      const first = \(first.line);
      const second = \(second.line);
      const { cache, version, ...detail } = merged(merged(undefined, first), second);
      console.log(JSON.stringify(detail));
      """
    let copy = try Copy()
    let (status, output) = try Node.run(["--input-type=module", "-"], in: copy.path, input: script)
    try #require(status == 0, "\(output)")
    let detail = try OrderedJSON(parsing: output)
    let whole = try server.json("/api/run", query: ["name": "first"])
    #expect(whole["summary"]?["damaged_lines"] == 1)
    for name in [
      "train", "valid", "events", "samples", "config", "checkpoints", "figures", "ranks", "daemon",
    ] {
      #expect(
        detail[name]?.line == whole[name]?.line.replacingOccurrences(of: ".0", with: ""), "\(name)")
    }
  }
}
