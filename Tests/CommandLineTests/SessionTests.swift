import Foundation
import Records
import Testing

/// Ends of sessions, launchers that are none, and ranks that were not started alike.
@Suite(.serialized) struct SessionTests {
  private static let endless = ["config.json", "--steps", "1000000", "--threads", "1"]

  private static func hasRecords(_ place: Workplace) -> Bool {
    (try? place.records())?.count ?? 0 >= 5
  }

  @Test(arguments: [SIGHUP, SIGXCPU, SIGALRM, SIGPWR])
  func announcedEndStopsWithACheckpoint(signal: Int32) throws {
    let place = try Workplace()
    let run = try Program(Self.endless, in: place.folder) { process in
      guard Self.hasRecords(place) else { return false }
      kill(process.processIdentifier, signal)
      return true
    }
    #expect(run.status == 75, "\(run)")
    #expect(try place.records().last?["event"] == "stopped")
    #expect(try !place.names(in: "run/checkpoints").isEmpty)
    #expect(RankStatus(file: place.path("run/heartbeat.json"))?.isStopping == true)
  }

  /// As under `nohup`, in a shell that a launcher's job has left its variables in.
  @Test func runOutlivesTheShellThatStartedIt() throws {
    let place = try Workplace()
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", #"trap "" HUP; "$0" "$@" >out 2>&1 & sleep 0.2"#, Program.path,
    ] + Self.endless
    shell.currentDirectoryURL = place.folder
    shell.environment = ProcessInfo.processInfo.environment.merging([
      "PMIX_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
    ]) { $1 }
    try shell.run()
    // Its end is not Foundation's to see while somebody has its files.
    while ProcessIdentity(pid: shell.processIdentifier) != nil { usleep(10_000) }
    let end = ContinuousClock.now + .seconds(30)
    while !Self.hasRecords(place), ContinuousClock.now < end { usleep(20_000) }
    // Longer than a rank takes to see that its parent is gone.
    sleep(2)
    let rank = try #require(RankStatus(file: place.path("run/heartbeat.json")))
    #expect(rank.process.isAlive)
    // Ignored when it was started.
    kill(rank.process.pid, SIGHUP)
    usleep(300_000)
    #expect(rank.process.isAlive)
    kill(rank.process.pid, SIGUSR2)
    while rank.process.isAlive, ContinuousClock.now < end { usleep(20_000) }
    #expect(try place.records().last?["event"] == "stopped")
  }

  @Test(arguments: ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
  func tasksThatMPIDoesNotKnowAreAnError(variable: String) throws {
    let place = try Workplace()
    let lost = try place.run("config.json", environment: [variable: "2"])
    #expect(lost.status == 2, "\(lost)")
    #expect(lost.errors.contains("\(variable)=2"), "\(lost)")
    #expect(lost.errors.contains("unset \(variable)"), "\(lost)")
    #expect(!place.exists("run"))
    let alone = try place.run("config.json", environment: [variable: "1"])
    #expect(alone.status == 0, "\(alone)")
  }

  /// Variables of the Slurm step that a launcher runs in do not matter.
  @Test func jobOfMPIKnowsItsTasks() throws {
    let place = try Workplace()
    let job = try place.run(
      "config.json", ranks: 2, environment: ["SLURM_STEP_NUM_TASKS": "4"])
    #expect(job.status == 0, "\(job)")
  }

  @Test(arguments: [
    (["config.json", "--thread", "1"], "rank 1: Error: Unknown option '--thread'"),
    (["config.json", "--resume"], "rank 1 was given --resume and rank 0 neither"),
    (["evaluate", "run"], "rank 1 was started for another command than rank 0"),
    (["--help"], "rank 1 was started for another command than rank 0"),
    (["missing.json"], "rank 1: missing.json"),
  ])
  func rankThatIsRefusedAloneIsNamed(arguments: [String], words: String) throws {
    let place = try Workplace()
    let started = ContinuousClock.now
    let job = try Program(
      ["config.json", ":", "-np", "1", Program.path] + arguments, ranks: 1, in: place.folder)
    #expect(job.status == 2, "\(job)")
    #expect(job.errors.contains(words), "\(job)")
    #expect(ContinuousClock.now - started < .seconds(20))
    #expect(!place.exists("run"))
  }

  /// Open MPI's MPI_Finalize waits for it.
  @Test func ranksStopWithoutTheLauncher() throws {
    let place = try Workplace()
    let job = try place.run("config.json", "--steps", "1000000", ranks: 2) { launcher in
      guard Self.hasRecords(place),
        let rank = RankStatus(file: place.path("run/ranks/rank-00001.json"))
      else { return false }
      kill(launcher.processIdentifier, SIGSTOP)
      kill(rank.process.pid, SIGUSR2)
      let end = ContinuousClock.now + .seconds(30)
      while rank.process.isAlive, ContinuousClock.now < end { usleep(20_000) }
      #expect(!rank.process.isAlive)
      #expect(RankStatus(file: place.path("run/heartbeat.json"))?.exitStatus == 75)
      kill(launcher.processIdentifier, SIGCONT)
      return true
    }
    #expect(job.status == 75, "\(job)")
    #expect(try place.records().last?["event"] == "stopped")
  }

  @Test func refusedAndNeedlessResumesLeaveTheRunAsItWas() throws {
    let place = try Workplace()
    let whole = try place.run("config.json")
    #expect(whole.status == 0, "\(whole)")
    func files() throws -> [String: Data] {
      var found: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: place.path("run"))
      where !name.hasSuffix(".lock") {
        found[name] = FileManager.default.contents(atPath: place.path("run/\(name)")) ?? Data()
      }
      return found
    }
    let before = try files()
    for (arguments, status) in [
      (["--resume"], 0), (["--resume", "--set", "model.hidden=8"], 2),
      (["--resume", "--set", "data.train=missing.txt"], 2), ([], 2),
    ] as [([String], Int32)] {
      let again = try Program(["config.json"] + arguments, in: place.folder)
      #expect(again.status == status, "\(again)")
      #expect(try files() == before, "\(arguments)")
    }
    let refused = try place.run(
      "config.json", "--run-directory", "some/where", "--set", "data.train=missing.txt")
    #expect(refused.status == 2)
    #expect(!place.exists("some"))
  }

  @Test func checkPrintsTheValueOfAKey() throws {
    let place = try Workplace()
    let check = try place.run(
      "check", "config.json", "--set", "data.train=missing.txt", "--key", "run.directory", "--key",
      "batch.sequences")
    #expect(check.lines == ["run", "16"], "\(check)")
    let wrong = try place.run("check", "config.json", "--key", "run.dir")
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("--key run.dir: there is no such key"), "\(wrong)")
  }
}
