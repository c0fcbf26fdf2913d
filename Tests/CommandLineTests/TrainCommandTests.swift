import Configuration
import Foundation
import Records
import Testing

@Suite(.serialized) struct TrainCommandTests {
  /// As a daemon may be started; no text may end up in a file of the run.
  @Test func closedStandardFilesAreNotMistakenForRunFiles() throws {
    let place = try Workplace()
    let run = try Program(["config.json"], in: place.folder, withoutStandardFiles: true)
    #expect(run.status == 0, "\(run)")
    #expect(try place.trajectory().count == 12)
    let lock = try String(contentsOfFile: place.path("run/run.lock"), encoding: .utf8)
    #expect(lock.hasPrefix("process "), "\(lock)")
  }

  /// A job can be killed after its ranks tell of themselves and before there is a config.
  @Test(arguments: [["--resume"], []])
  func resumeStartsARunWithoutCheckpoints(options: [String]) throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(
      atPath: place.path("run/ranks"), withIntermediateDirectories: true)
    for name in ["run.lock", "heartbeat.json", "config.json.tmp", "ranks/rank-00000.json"] {
      try place.write("run/" + name, "{}")
    }
    let run = try Program(["config.json", "--steps", "2"] + options, in: place.folder)
    #expect(run.status == 0, "\(run)")
  }

  @Test(arguments: ["r", "a/b", "c/", "d//e"]) func runDirectoryMayHaveAnyName(
    name: String
  ) throws {
    let place = try Workplace()
    let run = try place.run("config.json", "--steps", "1", "--run-directory", name)
    #expect(run.status == 0, "\(run)")
    #expect(FileManager.default.fileExists(atPath: place.path("\(name)/metrics.jsonl")))
  }

  @Test func trajectoryIsBitIdenticalAtAnyRankAndThreadCount() throws {
    let place = try Workplace()
    let alone = try place.run("config.json", "--threads", "1")
    #expect(alone.status == 0, "\(alone)")
    let expected = try place.trajectory()
    #expect(expected.count == 12)
    let validations = try place.validations()
    #expect(validations.map { $0["step"] } == [6, 12])
    for (ranks, threads) in [(1, 2), (2, 1), (2, 2), (3, 1), (4, 1)] {
      let name = "run-\(ranks)-\(threads)"
      let job = try place.run(
        "config.json", "--run-directory", name, "--threads", "\(threads)", ranks: ranks)
      #expect(job.status == 0, "\(job)")
      #expect(try place.trajectory(name) == expected, "\(ranks) ranks x \(threads) threads")
      #expect(try place.validations(name) == validations)
      #expect(job.lines.filter { $0.hasPrefix("gru-dist ") }.count == 1, "\(job)")
      #expect(job.lines.filter { $0.hasPrefix("step 12/12") }.count == 2, "\(job)")
    }
  }

  @Test func runDirectoryHasTheDocumentedFiles() throws {
    let place = try Workplace()
    let job = try place.run("train", "config.json", "--set", "run.keep_checkpoints=2", ranks: 2)
    #expect(job.status == 0, "\(job)")
    for name in ["checkpoints", "config.json", "metrics.jsonl", "run.lock"] {
      #expect(try place.names(in: "run").contains(name), "\(name)")
    }
    #expect(try place.names(in: "run/checkpoints") == ["step-00000010", "step-00000012"])
    #expect(
      try place.names(in: "run/checkpoints/step-00000012") == [
        "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json",
      ])
    let written = try Config(file: place.path("run/config.json"))
    #expect(written.run.keepCheckpoints == 2)
    #expect(written.model.hidden == 24)
    let kinds = try place.records().compactMap { $0["kind"]?.stringValue }
    #expect(Set(kinds) == ["data", "train", "valid", "checkpoint", "event"])
    let losses = try place.records().filter { $0["kind"] == "train" }
      .compactMap { $0["loss"]?.doubleValue }
    #expect(losses.last! < losses.first!)
  }

  @Test func resumesBitIdenticallyAtAnyRankCount() throws {
    let place = try Workplace()
    let whole = try place.run("config.json", "--run-directory", "whole")
    #expect(whole.status == 0, "\(whole)")
    let first = try place.run("config.json", "--stop-after", "3", ranks: 4)
    #expect(first.status == 75, "\(first)")
    #expect(first.output.contains("stopped at step 3 of 12"), "\(first)")
    #expect(try place.names(in: "run/checkpoints").last == "step-00000003")
    for (ranks, step) in [(2, 5), (nil, 7), (3, 9)] {
      let leg = try place.run("config.json", "--resume", "--stop-after", "\(step)", ranks: ranks)
      #expect(leg.status == 75, "\(leg)")
    }
    let last = try place.run("config.json", "--resume", ranks: 4)
    #expect(last.status == 0, "\(last)")
    #expect(try place.trajectory() == place.trajectory("whole"))
    let resumes = try place.records().filter { $0["kind"] == "resume" }
    #expect(resumes.map { $0["step"] } == [3, 5, 7, 9])
    #expect(resumes.map { $0["ranks"] } == [2, 1, 3, 4])
  }

  @Test func resumeDropsRecordsAfterTheCheckpoint() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let before = try place.trajectory()
    // As after a crash at the end: the last two checkpoints are gone, the metrics are not.
    for step in ["10", "12"] {
      try FileManager.default.removeItem(atPath: place.path("run/checkpoints/step-000000\(step)"))
    }
    let again = try place.run("config.json", "--resume", ranks: 2)
    #expect(again.status == 0, "\(again)")
    #expect(try place.trajectory() == before)
    let done = try place.run("config.json", "--resume")
    #expect(done.status == 0)
    #expect(done.output.contains("nothing to do"), "\(done)")
    #expect(try place.trajectory() == before)
    let longer = try place.run("config.json", "--resume", "--steps", "14")
    #expect(longer.status == 0, "\(longer)")
    #expect(try place.trajectory().count == 14)
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGUSR2])
  func stopSignalEndsTheRunAfterACheckpoint(signal: Int32) throws {
    let place = try Workplace()
    let folder = place.folder
    let job = try place.run("config.json", "--steps", "1000000") { process in
      let metrics = folder.appendingPathComponent("run/metrics.jsonl")
      guard let text = try? String(contentsOf: metrics, encoding: .utf8), text.count > 500 else {
        return false
      }
      kill(process.processIdentifier, signal)
      return true
    }
    #expect(job.status == 75, "\(job)")
    let last = try #require(try place.records().last)
    #expect(last["event"] == "stopped")
    let step = try #require(last["step"]?.integerValue)
    let name = try #require(try place.names(in: "run/checkpoints").last)
    #expect(name.hasSuffix("\(step)"))
    let next = try place.run("config.json", "--resume", "--steps", "\(step + 1)")
    #expect(next.status == 0, "\(next)")
  }

  @Test func debugModeKeepsTheTrajectoryAndAddsChecks() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--set", "run.log_every=4", ranks: 2).status == 0)
    let debug = try place.run(
      "config.json", "--debug", "--run-directory", "debug", "--set", "run.log_every=4")
    #expect(debug.status == 0, "\(debug)")
    #expect(debug.output.contains("central difference"), "\(debug)")
    let all = try place.trajectory("debug")
    #expect(all.count == 12)
    let logged = try place.trajectory()
    #expect(logged.count == 4)
    #expect(logged.allSatisfy(all.contains))
    let records = try place.records("debug")
    #expect(records.contains { $0["kind"] == "gradient_check" && $0["ok"] == true })
    // Nine tensors at steps 1, 4, 8 and 12.
    #expect(records.filter { $0["kind"] == "tensor" }.count == 36)
    let profiles = records.filter { $0["kind"] == "profile" }
    #expect(profiles.map { $0["steps"]?.integerValue } == [1, 3, 4, 4])
    for profile in profiles {
      guard case .array(let phases) = profile["phases"] else {
        Issue.record("no phases: \(profile)")
        continue
      }
      #expect(phases.contains { $0["phase"] == "weight gradients" })
      #expect(phases.allSatisfy { ($0["seconds"]?.doubleValue ?? 0) > 0 }, "\(profile)")
    }
  }

  @Test func jsonGoesToStandardOutputAndTextToStandardError() throws {
    let place = try Workplace()
    let job = try place.run("config.json", "--json", ranks: 2)
    #expect(job.status == 0, "\(job)")
    let printed = try job.lines.map { try OrderedJSON(parsing: $0) }
    #expect(printed == (try place.records()))
    #expect(job.errors.contains("gru-dist \(programVersion): 2 ranks x"), "\(job)")
  }

  @Test func resumesFromNewestWholeCheckpointAndNamesTheDamagedOne() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let expected = try place.trajectory()
    let model = place.path("run/checkpoints/step-00000012/model.safetensors")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: model))
    bytes[3000] ^= 1
    try bytes.write(to: URL(fileURLWithPath: model))
    let job = try place.run("config.json", "--resume", ranks: 2)
    #expect(job.status == 0, "\(job)")
    #expect(
      job.errors.contains("checkpoint of step 12 not used"), "\(job)")
    #expect(try place.trajectory() == expected)

    for name in try place.names(in: "run/checkpoints") {
      let manifest = place.path("run/checkpoints/\(name)/manifest.json")
      try FileManager.default.removeItem(atPath: manifest)
    }
    let lost = try place.run("config.json", "--resume", ranks: 2)
    #expect(lost.status == 1, "\(lost)")
    #expect(lost.complaints.last?.contains("no checkpoint is whole") == true, "\(lost)")
    #expect(try place.trajectory() == expected)
  }
}
