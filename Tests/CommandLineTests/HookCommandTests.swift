import Foundation
import Records
import Testing

/// Commands that a run starts at events.
@Suite(.serialized) struct HookCommandTests {
  /// Options for commands that write a line each to a file.
  private func options(
    _ kinds: [String], script: String = "echo $GRU_DIST_EVENT $GRU_DIST_STEP >> events"
  ) -> [String] {
    kinds.flatMap { kind in
      ["--set", "run.hooks.\(kind)=[\"sh\", \"-c\", \"\(script)\"]"]
    }
  }

  private func lines(_ place: Workplace, _ name: String = "events") -> [String] {
    ((try? String(contentsOfFile: place.path(name), encoding: .utf8)) ?? "")
      .split(separator: "\n").map(String.init)
  }

  @Test(arguments: [1, 2])
  func commandsAreStartedAtEventsAndChangeNoBit(ranks: Int) throws {
    let place = try Workplace()
    let kinds = ["checkpoint", "best", "done", "failed"]
    let run = try Program(["config.json"] + options(kinds), ranks: ranks, in: place.folder)
    #expect(run.status == 0, "\(run)")
    let told = lines(place)
    // Of events that come while a command runs only the newest of each kind starts one.
    #expect(told.last == "done 12", "\(told)")
    #expect(told.contains("checkpoint 12") && told.contains { $0.hasPrefix("best ") }, "\(told)")
    #expect(!told.contains { $0.hasPrefix("failed") })
    let plain = try place.run("config.json", "--run-directory", "plain")
    #expect(plain.status == 0, "\(plain)")
    #expect(try place.trajectory() == place.trajectory("plain"))
    // A resume may bring others.
    let other = options(["done"], script: "env | grep ^GRU_DIST_ >> figures")
    let more = try Program(
      ["config.json", "--resume", "--steps", "14"] + other, ranks: ranks, in: place.folder)
    #expect(more.status == 0, "\(more)")
    let figures = lines(place, "figures")
    #expect(figures.contains("GRU_DIST_STEP=14") && figures.contains("GRU_DIST_TASK=language"))
    let best = try #require(try place.records().last { $0["event"] == "done" }?["best_value"])
    #expect(figures.contains("GRU_DIST_BEST_VALUE=\(best.doubleValue ?? 0)"), "\(figures)")
    let path = figures.first { $0.hasPrefix("GRU_DIST_CHECKPOINT=") }?.dropFirst(20)
    #expect(path.map { FileManager.default.fileExists(atPath: "\($0)/manifest.json") } == true)
  }

  /// A command that takes itself for a rank of the job would wait for ever.
  @Test func commandsCanUseTheProgramOnWhatWasSaved() throws {
    let place = try Workplace()
    let script = "\(Program.path) evaluate $GRU_DIST_CHECKPOINT > evaluated"
    let run = try Program(
      ["config.json"] + options(["done"], script: script), ranks: 2, in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(lines(place, "evaluated").contains { $0.contains("loss") }, "\(run)")
    #expect(!run.errors.contains("warning"), "\(run)")
  }

  @Test func failuresAreToldOnceAndCounted() throws {
    let place = try Workplace()
    let run = try Program(
      ["config.json", "--set", "run.checkpoint_every=1", "--steps", "40"]
        + options(["checkpoint"], script: "echo said; exit 9"), in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(run.complaints.filter { $0.contains("run.hooks.checkpoint") }.count == 1, "\(run)")
    #expect(run.errors.contains("ended with status 9"), "\(run)")
    let events = try place.records().filter { $0["event"] == "hook_failed" }
    #expect(!events.isEmpty)
    #expect(events.map { $0["hooks_failed"]?.integerValue } == (1...events.count).map { $0 })
    #expect(lines(place, "run/hooks.log").contains("said"))
    let bad = try place.run("check", "config.json", "--set", "run.hooks.done=[]")
    #expect(bad.status == 2 && bad.errors.contains("run.hooks.done"), "\(bad)")
    let typo = try place.run("check", "config.json", "--set", "run.hooks.finished=true")
    #expect(typo.status == 2 && typo.errors.contains("run.hooks"), "\(typo)")
  }

  @Test func slowCommandsDelayNeitherStepsNorTheEndForLong() throws {
    let place = try Workplace()
    let start = ContinuousClock.now
    let run = try Program(
      ["config.json", "--set", "run.hooks.seconds=1", "--set", "run.checkpoint_every=2"]
        + options(["checkpoint", "done"], script: "echo $$ >> pids; sleep 1234"),
      in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect((ContinuousClock.now - start).seconds < 20)
    #expect(run.errors.contains("run.hooks.seconds is 1"), "\(run)")
    for pid in lines(place, "pids").compactMap({ Int32($0) }) {
      #expect(ProcessIdentity(pid: pid) == nil)
    }
  }

  /// Whatever a command still copies stays, although the run keeps only the newest.
  @Test func checkpointStaysWhileItsCommandRuns() throws {
    let place = try Workplace()
    let script = "test -e copied && exit; sleep 2; cp -r $GRU_DIST_CHECKPOINT copied"
    let run = try Program(
      [
        "config.json", "--steps", "400", "--set", "run.checkpoint_every=5", "--set",
        "run.keep_checkpoints=1", "--set", "run.validate_every=0",
      ] + options(["checkpoint"], script: script), in: place.folder)
    #expect(run.status == 0, "\(run)")
    #expect(!run.errors.contains("warning"), "\(run)")
    #expect(try place.run("inspect", "copied").status == 0)
  }

  @Test func failureOfTheRunStartsItsCommand() throws {
    let place = try Workplace()
    let script = "echo $GRU_DIST_STEP $GRU_DIST_EXIT_STATUS $GRU_DIST_ERROR >> events"
    let run = try Program(
      [
        "config.json", "--set", "optimizer.learning_rate=1e38", "--set", "optimizer.name=sgd",
        "--set", "optimizer.clip_norm=0",
      ] + options(["failed", "done"], script: script), ranks: 2, in: place.folder)
    #expect(run.status == 1, "\(run)")
    #expect(lines(place).count == 1, "\(run) \(lines(place))")
    #expect(lines(place).first?.contains("expected finite values") == true, "\(lines(place))")
    // One that is refused before it begins has not failed.
    let refused = try Program(["config.json"] + options(["failed"]), in: place.folder)
    #expect(refused.status == 2, "\(refused)")
    #expect(lines(place).count == 1)
  }

  /// A coordinator that is killed leaves a run that goes on to the same bits.
  @Test func killWhileACommandRunsLeavesARunThatGoesOn() throws {
    let place = try Workplace()
    let whole = try place.run("config.json", "--steps", "30", "--run-directory", "whole")
    #expect(whole.status == 0, "\(whole)")
    let hooks = options(["checkpoint", "best"], script: "echo $GRU_DIST_STEP >> steps; sleep 1")
    let endless = ["config.json", "--steps", "30", "--resume"] + hooks
    for turn in 1...3 {
      let killed = try Program(endless, in: place.folder) { process in
        guard lines(place, "steps").count >= turn else { return false }
        kill(process.processIdentifier, SIGKILL)
        return true
      }
      #expect(killed.status != 2, "\(killed)")
    }
    let last = try Program(endless, in: place.folder)
    #expect(last.status == 0, "\(last)")
    #expect(try place.trajectory() == place.trajectory("whole"))
  }
}
