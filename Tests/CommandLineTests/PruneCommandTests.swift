import Foundation
import Records
import Testing

/// A run that is left nothing but its best model.
@Suite(.serialized) struct PruneCommandTests {
  private static let restless = [
    "config.json", "--steps", "24", "--set", "run.validate_every=2", "--set",
    "run.checkpoint_every=4", "--set", "optimizer.learning_rate=0.5", "--set",
    "optimizer.clip_norm=0",
  ]

  /// What the model says, in every way in which it is used.
  private func answers(_ place: Workplace, _ run: String) throws -> [String] {
    var answers: [String] = []
    let commands = [
      ["evaluate", run, "--json"], ["sample", run, "--length", "30"],
      ["predict", run, "text.txt", "--format", "jsonl"],
      ["export", run, "--format", "onnx", "--output", "\(UUID().uuidString).onnx"],
    ]
    for command in commands {
      let job = try Program(command, in: place.folder)
      #expect(job.status == 0, "\(job)")
      switch command[0] {
      case "evaluate":
        let record = try OrderedJSON(parsing: job.lines[0])
        answers.append("\(record["step"]?.line ?? "") \(record["loss"]?.line ?? "")")
      case "export":
        let file = place.folder.appendingPathComponent(command[command.count - 1])
        answers.append("\(try Data(contentsOf: file).base64EncodedString().hashValue)")
      default: answers.append(job.output)
      }
    }
    return answers
  }

  @Test(arguments: [[], ["--set", "optimizer.ema_decay=0.9"]])
  func prunedRunsAnswerAsBefore(options: [String]) throws {
    let place = try Workplace()
    let run = try Program(Self.restless + options, in: place.folder)
    #expect(run.status == 0, "\(run)")
    let before = try answers(place, "run")
    let rehearsal = try place.run("prune", "run", "--dry-run", "--json")
    #expect(rehearsal.status == 0, "\(rehearsal)")
    #expect(try place.names(in: "run/checkpoints").count > 2)
    let pruned = try place.run("prune", "run", "--json")
    #expect(pruned.status == 0, "\(pruned)")
    let record = try OrderedJSON(parsing: pruned.lines[0])
    let name = try #require(try place.names(in: "run/checkpoints").first)
    #expect(try place.names(in: "run/checkpoints").count == 1)
    #expect(!place.exists("run/checkpoints/\(name)/optimizer.safetensors"))
    #expect(record["taken"] == "best")
    let sizes = try ["bytes_before", "bytes_after"].map {
      try #require(record[$0]?.integerValue)
    }
    #expect(sizes[1] < sizes[0] / 3)
    let foretold = try OrderedJSON(parsing: rehearsal.lines[0])
    #expect(foretold["is_dry_run"] == true && record["is_dry_run"] == false)
    let told = foretold["bytes_after"]?.integerValue ?? 0
    #expect(abs(told - sizes[1]) < 4096, "\(told) \(sizes)")
    #expect(try answers(place, "run") == before)
    let inspection = try place.run("inspect", "run")
    #expect(inspection.output.contains("pruned       to the model alone"), "\(inspection)")
    // A second time there is nothing to do.
    #expect(try place.run("prune", "run").status == 0)
    #expect(try answers(place, "run") == before)
  }

  @Test(arguments: [nil, 2])
  func prunedRunCannotBeResumed(ranks: Int?) throws {
    let place = try Workplace()
    #expect(try Program(Self.restless, in: place.folder).status == 0)
    #expect(try place.run("prune", "run").status == 0)
    let metrics = try place.records().count
    let resumed = try place.run("config.json", "--resume", "--steps", "99", ranks: ranks)
    #expect(resumed.status == 2, "\(resumed)")
    #expect(
      resumed.errors.contains("run: the run was pruned to its model and cannot be resumed"),
      "\(resumed)")
    #expect(try place.records().count == metrics)
    #expect(try place.run("evaluate", "run").status == 0)
    let again = try Program(Self.restless + ["--overwrite", "--steps", "4"], in: place.folder)
    #expect(again.status == 0, "\(again)")
  }

  @Test func newestModelIsKeptWhereThatIsAskedFor() throws {
    let place = try Workplace()
    #expect(try Program(Self.restless, in: place.folder).status == 0)
    let pruned = try place.run("prune", "run", "--newest")
    #expect(pruned.status == 0, "\(pruned)")
    #expect(try place.names(in: "run/checkpoints") == ["step-00000024"])
    let measured = try place.run("evaluate", "run")
    #expect(measured.output.contains("the one that the run was pruned to"), "\(measured)")
    #expect(try place.run("evaluate", "run", "--best").status == 2)
  }

  @Test func runInUseIsLeftAlone() throws {
    let place = try Workplace()
    var refused: Program?
    let endless = ["config.json", "--steps", "1000000", "--set", "run.validate_every=5"]
    let run = try Program(endless, in: place.folder) { process in
      guard (try? place.names(in: "run/checkpoints"))?.isEmpty == false else { return false }
      refused = try? place.run("prune", "run")
      kill(process.processIdentifier, SIGTERM)
      return true
    }
    #expect(run.status == 75, "\(run)")
    let words = try #require(refused)
    #expect(words.status == 1, "\(words)")
    #expect(words.errors.contains("run directory 'run' is in use by process"), "\(words)")
    let resumed = try Program(endless + ["--resume", "--stop-after", "1"], in: place.folder)
    #expect(resumed.status == 75, "\(resumed)")
    for path in ["text.txt", "nothing", "."] {
      let stranger = try place.run("prune", path)
      #expect(stranger.status == 2, "\(stranger)")
    }
    let checkpoint = try #require(try place.names(in: "run/checkpoints").first)
    let named = try place.run("prune", "run/checkpoints/\(checkpoint)")
    #expect(named.status == 2 && named.errors.contains("name its run"), "\(named)")
  }

  /// Killed at many moments, the run is whole or the model is, and both give the same answers.
  @Test func killAnywhereLeavesTheRunOrTheModelWhole() throws {
    let place = try Workplace()
    let large = ["--set", "model.hidden=400", "--steps", "8"]
    #expect(try Program(Self.restless + large, in: place.folder).status == 0)
    let files = FileManager.default
    func loss() throws -> String {
      let job = try place.run("evaluate", "copy", "--json")
      #expect(job.status == 0, "\(job)")
      let record = try OrderedJSON(parsing: job.lines[0])
      return "\(record["step"]?.line ?? "") \(record["loss"]?.line ?? "")"
    }
    try files.copyItem(atPath: place.path("run"), toPath: place.path("copy"))
    let expected = try loss()
    var pruned = 0
    for turn in 0..<12 {
      try? files.removeItem(atPath: place.path("copy"))
      try files.copyItem(atPath: place.path("run"), toPath: place.path("copy"))
      let start = ContinuousClock.now
      let killed = try Program(["prune", "copy"], in: place.folder) { process in
        guard ContinuousClock.now - start > .milliseconds(30 + 12 * turn) else { return false }
        kill(process.processIdentifier, SIGKILL)
        return true
      }
      if killed.status == 0 { pruned += 1 }
      #expect(try loss() == expected, "turn \(turn)")
      let names = try place.names(in: "copy/checkpoints").filter { $0.hasPrefix("step-") }
      for name in names {
        #expect(try place.run("inspect", "copy/checkpoints/\(name)").status == 0, "turn \(turn)")
      }
      #expect(try place.run("prune", "copy").status == 0)
      #expect(try place.names(in: "copy/checkpoints").count == 1)
      #expect(try loss() == expected, "turn \(turn)")
    }
    #expect(pruned < 12, "no one was killed on its way")
  }
}
