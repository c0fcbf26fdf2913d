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

    /// A run of tags, whose files may have labels that it lacks.
    @Test func taggedFilesAreTakenAndUnknownLabelsAreSaid() throws {
      let run = try TinyRun(steps: 20, checkpointEvery: 10)
      func sentences(_ count: Int, _ seed: Int, _ labels: [String]) -> String {
        (0..<count).map { line in
          (0..<5).map { word in
            let number = (line * 7 + word * 3 + seed) % 11
            return "word\(number) \(labels[number % labels.count])\n"
          }.joined()
        }.joined(separator: "\n")
      }
      func write(_ name: String, _ text: String) throws {
        try FileManager.default.createDirectory(
          atPath: run.path("incoming"), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: run.path(name)))
      }
      try write("train.conll", sentences(60, 0, ["A", "B"]))
      try write("incoming/b.conll", sentences(40, 1, ["A", "B", "C"]))
      try write("incoming/c.conll", sentences(20, 2, ["D"]))
      run.task = "\"task\": \"tagging\", "
      run.trainingFile = "train.conll"
      try run.writeConfig()
      let daemon = try run.startDaemon(["--watch", run.path("incoming"), "--settle", "0.1"])
      let isThrough = run.wait(seconds: 90) {
        run.phase == "watching" && run.filesTaken == (["b.conll"], true)
          && run.text("daemon.txt").contains("file 'c.conll' is left out")
      }
      #expect(isThrough, "\(run.filesTaken) \(run.text("daemon.txt")) \(run.text("run/job.log"))")
      #expect(run.text("run/job.log").contains("of 1 class that the model lacks (\"C\")"))
      #expect(run.text("daemon.txt").contains("the model lacks all classes"))
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75)
    }

    /// A pass whose file is gone or another ends the daemon with words, and no loop.
    @Test(arguments: [true, false]) func passWhoseFileIsGoneOrAnotherEndsWithWords(
      isGone: Bool
    ) throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 20)
      try run.deliver("a.txt", bytes: 400_000, seed: 1)
      let options = ["--watch", run.path("incoming"), "--settle", "0.1", "--back-off", "0.05"]
      let daemon = try run.startDaemon(options)
      try #require(
        run.wait { run.filesTaken == (["a.txt"], false) }, "\(run.text("daemon.txt"))")
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75)
      try #require(run.filesTaken == (["a.txt"], false))
      if isGone {
        try FileManager.default.removeItem(atPath: run.path("incoming/a.txt"))
      } else {
        try Data("other words\n".utf8).write(to: URL(fileURLWithPath: run.path("incoming/a.txt")))
      }
      let attempts = try #require(run.state?.attempts)
      let again = try run.startDaemon(options)
      #expect(run.status(of: again, seconds: 60) == 1, "\(run.text("daemon.txt"))")
      let lines = run.text("daemon.txt").split(separator: "\n")
      let said = lines.last { $0.contains("gives up") } ?? ""
      #expect(said.contains("of its pass over 'a.txt'"), "\(said)")
      let reason = isGone ? "there is no '\(run.path("incoming"))/a.txt'" : "as it is now"
      #expect(said.contains(reason), "\(said)")
      #expect(said.contains("put that file back, unchanged"), "\(said)")
      #expect(run.phase == "gave_up")
      #expect((run.state?.attempts ?? 0) - attempts == (isGone ? 0 : 1))
    }

    /// A job that was taken up before its first checkpoint within a pass goes on with that file.
    @Test func passOfAJobThatWasTakenUpGoesOnAfterItsEnd() throws {
      let run = try TinyRun(steps: 2000, checkpointEvery: 2000)
      try run.deliver("a.txt", bytes: 600_000, seed: 1)
      let options = ["--watch", run.path("incoming"), "--settle", "0.1", "--back-off", "0.05"]
      let daemon = try run.startDaemon(options)
      try #require(
        run.wait { run.text("daemon.txt").contains("takes file") && run.training() != nil },
        "\(run.text("daemon.txt"))")
      let ranks = (0...1).compactMap { run.rank($0)?.process }
      for rank in ranks { kill(rank.pid, SIGSTOP) }
      kill(daemon.processIdentifier, SIGKILL)
      daemon.waitUntilExit()
      try #require(run.filesTaken.names.isEmpty)
      let again = try run.startDaemon(options)
      let isTakenUp = run.wait { run.text("daemon.txt").contains("takes up the job") }
      for rank in ranks { kill(rank.pid, SIGCONT) }
      try #require(isTakenUp, "\(run.text("daemon.txt"))")
      try #require(run.wait { run.filesTaken == (["a.txt"], false) })
      kill(try #require(ranks.first).pid, SIGKILL)
      #expect(
        run.wait { run.phase == "watching" && run.filesTaken == (["a.txt"], true) },
        "\(run.text("daemon.txt"))")
      kill(again.processIdentifier, SIGTERM)
      #expect(run.status(of: again) == 75)
    }

    @Test func folderThatCannotBeReadEndsNothing() throws {
      let run = try TinyRun(steps: 40, checkpointEvery: 20)
      try run.deliver("a.txt", bytes: 4000, seed: 1)
      let folder = run.path("incoming")
      try Data().write(to: URL(fileURLWithPath: "\(folder)/.rest"))
      let daemon = try run.startDaemon(["--watch", folder, "--settle", "0.1"])
      #expect(run.wait { run.filesTaken == (["a.txt"], true) }, "\(run.text("daemon.txt"))")
      #expect(run.wait { run.text("daemon.txt").contains(".rest' is not taken") })
      try FileManager.default.moveItem(atPath: folder, toPath: run.path("away"))
      #expect(run.wait { run.text("daemon.txt").contains("cannot be read, and is tried again") })
      try FileManager.default.moveItem(atPath: run.path("away"), toPath: folder)
      try run.deliver("b.txt", bytes: 4000, seed: 2)
      #expect(
        run.wait { run.filesTaken == (["a.txt", "b.txt"], true) }, "\(run.text("daemon.txt"))")
      let said = run.text("daemon.txt")
      #expect(said.ranges(of: "tried again").count == 1)
      #expect(said.ranges(of: ".rest' is not taken").count == 1)
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75)
    }

    /// Each checkpoint has its command once, and the end: a restart repeats none.
    @Test func hooksAreStartedOnceEachThroughARestart() throws {
      let run = try TinyRun(steps: 3000, checkpointEvery: 100)
      let file = run.path("events")
      func hook(_ kind: String) -> [String] {
        let script = "echo $GRU_DIST_EVENT $GRU_DIST_STEP >> \(file)"
        return ["--set", "run.hooks.\(kind)=[\"sh\", \"-c\", \"\(script)\"]"]
      }
      func events() -> [String] { run.text("events").split(separator: "\n").map(String.init) }
      let daemon = try run.startDaemon(
        ["--back-off", "0.05"] + hook("checkpoint") + hook("done") + hook("failed"))
      try #require(run.wait { events().count >= 2 }, "\(run.text("daemon.txt"))")
      let rank = try #require(run.rank(0)?.process)
      kill(rank.pid, SIGKILL)
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      #expect((run.state?.attempts ?? 0) >= 2, "\(run.text("daemon.txt"))")
      let found = events()
      #expect(Set(found).count == found.count, "\(found)")
      #expect(found.last == "done 3000" && found.contains("checkpoint 3000"), "\(found)")
      #expect(!found.contains { $0.hasPrefix("failed") }, "\(found)")
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
      // Whose fault it is the refused job has said: training, and a job a file.
      #expect(run.state?.attempts == 3, "\(run.text("daemon.txt"))")
      #expect(!run.text("run/job.log").contains("nothing to do"), "\(run.text("run/job.log"))")
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75)
    }
  }
}
