import Foundation
import Records
import Testing

@testable import Supervision

extension TinyRun {
  /// Writes a file of a folder under another name first, and renames it.
  func deliver(_ name: String, bytes: Int, seed: Int) throws {
    let lines = (0..<bytes / 20).map { "line \(($0 * 31 + seed) % 997) of \(name)\n" }
    let folder = folder.appendingPathComponent("incoming")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let draft = folder.appendingPathComponent(".\(name)")
    try Data(lines.joined().utf8).write(to: draft)
    try FileManager.default.moveItem(at: draft, to: folder.appendingPathComponent(name))
  }

  /// What the daemon's folder has brought into the newest checkpoint: names of files, and whether
  /// the last one is passed over.
  var filesTaken: (names: [String], isDone: Bool) {
    let checkpoints = (try? FileManager.default.contentsOfDirectory(
      atPath: path("run/checkpoints"))) ?? []
    guard let newest = checkpoints.filter({ $0.hasPrefix("step-") }).max(),
      let state = RunFiles.read(path("run/checkpoints/\(newest)/state.json")),
      case .array(let passes)? = state["file_passes"], let last = passes.last,
      let first = last["first_step"]?.integerValue, let steps = last["steps"]?.integerValue,
      let step = state["step"]?.integerValue
    else { return ([], false) }
    return (passes.compactMap { $0["name"]?.stringValue }, step >= first + steps - 1)
  }
}

extension SupervisedJobTests {
  /// A daemon that trains on what arrives. `Tests/campaigns/kill --watch` kills more often.
  @Suite struct WatchTests {
    private static func setting(_ name: String, default fallback: Int) throws -> Int {
      guard let text = ProcessInfo.processInfo.environment[name] else { return fallback }
      return try #require(Int(text), "\(name): expected a whole number, found '\(text)'")
    }

    @Test func filesAreTakenOnceThroughKillsAndEndBitIdentically() throws {
      let kills = try Self.setting("GRU_DIST_WATCH_KILLS", default: 5)
      let seed = try Self.setting("GRU_DIST_KILL_SEED", default: 1)
      var random = Splitmix(state: UInt64(seed))
      let names = (0..<max(3, kills / 2)).map { "file-\(100 + $0).txt" }
      let run = try TinyRun(steps: 400, checkpointEvery: 100)
      for (index, name) in names.enumerated() {
        try run.deliver(name, bytes: 100_000, seed: index)
      }
      try run.passOverUndisturbed(names, rehearsal: "0.25")
      let folder = run.path("incoming")
      try FileManager.default.moveItem(atPath: folder, toPath: run.path("later"))
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      let options = [
        "--watch", folder, "--settle", "0.1", "--rehearsal", "0.25", "--max-failures", "1000",
        "--back-off", "0.05",
      ]
      var daemon = try run.startDaemon(options)
      try #require(run.wait { run.phase == "watching" }, "\(run.text("daemon.txt"))")
      var left = names
      var killed: String?
      for _ in 0..<kills {
        if !left.isEmpty {
          let name = left.removeFirst()
          try FileManager.default.moveItem(
            atPath: run.path("later/\(name)"), toPath: "\(folder)/\(name)")
        }
        // A job that trains on a file, and not the one that was killed last.
        try #require(
          run.wait { run.training(otherThan: killed) != nil || run.phase == "watching" },
          "\(run.text("daemon.txt").suffix(2000))")
        killed = run.heartbeat?.job
        Thread.sleep(forTimeInterval: Double.random(in: 0...0.5, using: &random))
        let rank = run.rank(Int.random(in: 0...1, using: &random))?.process
        switch Int.random(in: 0..<3, using: &random) {
        case 0: if let rank, rank.isAlive { kill(rank.pid, SIGKILL) }
        case 1:
          if let launcher = run.state?.job?.process, launcher.isAlive {
            kill(launcher.pid, SIGKILL)
          }
        default:
          kill(daemon.processIdentifier, SIGKILL)
          daemon.waitUntilExit()
          daemon = try run.startDaemon(options)
        }
      }
      for name in left {
        try FileManager.default.moveItem(
          atPath: run.path("later/\(name)"), toPath: "\(folder)/\(name)")
      }
      let isThrough = run.wait(seconds: 300 + 10 * Double(names.count)) {
        run.phase == "watching" && run.filesTaken == (names, true)
      }
      #expect(isThrough, "\(run.filesTaken) \(run.text("daemon.txt").suffix(4000))")
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75, "\(run.text("daemon.txt").suffix(2000))")
      #expect(try run.fingerprints("run") == run.fingerprints("reference"))
    }

    @Test func fileThatTheRunRefusesIsLeftOutAndSaid() throws {
      let run = try TinyRun(steps: 40, checkpointEvery: 20)
      try run.deliver("a-short.txt", bytes: 20, seed: 1)
      try run.deliver("b.txt", bytes: 4000, seed: 2)
      let daemon = try run.startDaemon(["--watch", run.path("incoming"), "--settle", "0.1"])
      #expect(
        run.wait { run.phase == "watching" && run.filesTaken == (["b.txt"], true) },
        "\(run.text("daemon.txt"))")
      #expect(run.state?.files.first { $0.name == "a-short.txt" }?.refusal != nil)
      #expect(run.text("daemon.txt").contains("file 'a-short.txt' is left out"))
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75)
    }
  }
}
