import Foundation
import LaunchEnvironment
import Records
import Testing

@testable import Supervision

/// Tests with real jobs come one after another: each wants all cores.
@Suite(.serialized) enum SupervisedJobTests {}

extension SupervisedJobTests {
  /// The daemon with real jobs under mpirun.
  @Suite struct DaemonTests {
    @Test func suspendedRankIsReportedAndTheJobEndsBitIdentically() throws {
      let run = try TinyRun(seconds: 1.5)
      _ = try run.trainUninterrupted()
      let daemon = try run.startDaemon()
      #expect(run.wait { run.training() != nil && (run.state?.job != nil) })
      let stopped = try #require(run.rank(1)?.process)
      let first = run.heartbeat?.job
      kill(stopped.pid, SIGSTOP)
      let started = ContinuousClock.now
      #expect(run.wait { run.training(otherThan: first) != nil }, "\(run.text("daemon.txt"))")
      // Two seconds of the watchdog, its look at the others, and the time to start again.
      let seconds = (ContinuousClock.now - started).seconds
      #expect(seconds < 20)
      Console.complain(
        "from SIGSTOP of a rank to the first step of the next job: "
          + "\(Format.fixed(seconds, 2)) s, run.watchdog_seconds = \(run.watchdogSeconds)")
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      let output = run.text("run/job.log")
      #expect(output.contains("does not advance"), "\(output)")
      #expect(output.contains("has not arrived: rank 1 on"), "\(output)")
      #expect(output.contains("(process \(stopped.pid))"), "\(output)")
      #expect(!stopped.isAlive)
      try run.requireUndisturbed()
    }

    @Test func suspendedJobIsSilentAndRestarted() throws {
      let run = try TinyRun(seconds: 1.5)
      _ = try run.trainUninterrupted()
      let daemon = try run.startDaemon(["--silence", "1.5"])
      #expect(run.wait { run.training() != nil && (run.state?.job != nil) })
      let launch = try #require(run.state?.job?.launch)
      let processes = JobProcesses.all(ofLaunch: launch)
      // mpirun and two ranks; MPICH's mpirun starts a proxy of the host besides.
      #expect(processes.count == (LaunchEnvironment.isOpenMPI ? 3 : 4))
      for process in processes { kill(process.pid, SIGSTOP) }
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      #expect(run.state?.history.first?.outcome == "no heartbeat")
      #expect(processes.allSatisfy { !$0.isAlive })
      try run.requireUndisturbed()
    }

    @Test func newDaemonAdoptsTheJobOfAKilledOne() throws {
      let run = try TinyRun(seconds: 2)
      _ = try run.trainUninterrupted()
      let first = try run.startDaemon()
      #expect(run.wait { run.training() != nil && (run.state?.job?.process != nil) })
      let second = try run.startDaemon()
      #expect(run.status(of: second) == 2)
      #expect(run.text("daemon.txt").contains("another daemon (process"))
      kill(first.processIdentifier, SIGKILL)
      first.waitUntilExit()
      let launcher = try #require(run.state?.job?.process)
      #expect(launcher.isAlive)
      let third = try run.startDaemon()
      #expect(run.status(of: third) == 0, "\(run.text("daemon.txt"))")
      #expect(run.text("daemon.txt").contains("takes up the job of an earlier daemon"))
      #expect(run.state?.attempts == 1)
      #expect(run.phase == "done")
      try run.requireUndisturbed()
    }

    @Test func reusedProcessNumberIsNotTheJob() throws {
      let run = try TinyRun(steps: 500, checkpointEvery: 250)
      let stranger = Process()
      stranger.executableURL = URL(fileURLWithPath: "/bin/sleep")
      stranger.arguments = ["100"]
      try stranger.run()
      // Other signals may be blocked in whatever runs the tests, and in its children.
      defer { kill(stranger.processIdentifier, SIGKILL) }
      try FileManager.default.createDirectory(
        atPath: run.path("run"), withIntermediateDirectories: true)
      var state = DaemonState()
      state.phase = .running
      state.job = DaemonState.JobRecord(
        launch: "earlier",
        process: ProcessIdentity(pid: stranger.processIdentifier, start: "another start"), ranks: 2,
        started: 0, startStep: 0, outputStart: 0)
      try RunFiles.replace(run.path("run/daemon.json"), with: state.json)
      let daemon = try run.startDaemon()
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      #expect(stranger.isRunning)
    }

    @Test func stopIsPassedOnAndTheSameCommandResumes() throws {
      let run = try TinyRun(seconds: 1.5)
      _ = try run.trainUninterrupted()
      let daemon = try run.startDaemon()
      #expect(run.wait { run.training() != nil })
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon) == 75, "\(run.text("daemon.txt"))")
      #expect(run.phase == "stopped")
      #expect(run.state?.history.last?.outcome == "exit status 75", "\(run.text("run/job.log"))")
      #expect(run.status(of: try run.startDaemon(ranks: 3)) == 0)
      let logged = try run.fingerprints("run")
      let expected = try run.fingerprints("reference")
      // The step at which it stopped is logged besides.
      #expect(expected.allSatisfy { logged[$0.key] == $0.value })
    }

    @Test func secondInterruptKillsTheJob() throws {
      let run = try TinyRun(steps: 1_000_000, checkpointEvery: 100_000)
      let daemon = try run.startDaemon()
      #expect(run.wait { run.training() != nil && (run.state?.job != nil) })
      let launch = try #require(run.state?.job?.launch)
      // A launcher that hangs, and ranks that cannot stop.
      for process in JobProcesses.all(ofLaunch: launch) { kill(process.pid, SIGSTOP) }
      kill(daemon.processIdentifier, SIGINT)
      #expect(run.wait { run.phase == "stopping" })
      kill(daemon.processIdentifier, SIGINT)
      #expect(run.status(of: daemon, seconds: 10) == 1)
      #expect(run.phase == "killed")
      #expect(JobProcesses.all(ofLaunch: launch).isEmpty)
    }

    @Test func givesUpAndPrintsTheJobsLastOutput() throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 10)
      let daemon = try run.startDaemon(
        ["--max-failures", "2", "--back-off", "0.05"],
        launcher: ["sh", "-c", "echo the disk of {np} is on fire; exit 1"])
      #expect(run.status(of: daemon, seconds: 20) == 1)
      let words = run.text("daemon.txt")
      #expect(words.contains("gives up after 3 failures without a new checkpoint"), "\(words)")
      #expect(words.contains("the disk of 2 is on fire"), "\(words)")
      #expect(run.phase == "gave_up")
      #expect(run.state?.history.count == 3)
      // The next daemon counts from the start.
      #expect(run.status(of: try run.startDaemon(), seconds: 30) == 0)
    }

    @Test func badUsageIsNotRetried() throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 10)
      let refused = try run.startDaemon(launcher: ["sh", "-c", "echo no such key; exit 2"])
      #expect(run.status(of: refused, seconds: 20) == 2)
      #expect(run.phase == "bad_config")
      #expect(run.state?.attempts == 1)
      #expect(run.text("daemon.txt").contains("no such key"))

      let badKey = try run.startDaemon(["--set", "run.stpes=3"])
      #expect(run.status(of: badKey, seconds: 20) == 2)
      #expect(run.text("daemon.txt").contains("run.stpes: unknown key"))
      let badLauncher = try run.startDaemon(launcher: ["no-such-launcher"])
      #expect(run.status(of: badLauncher, seconds: 20) == 2)
      #expect(run.text("daemon.txt").contains("cannot start 'no-such-launcher'"))
      let tooMany = try run.startDaemon(ranks: 9)
      #expect(run.status(of: tooMany, seconds: 20) == 2)
      #expect(run.state?.attempts == 2)
    }

    @Test func hostNamedInLauncherErrorsIsLeftOut() throws {
      let run = try TinyRun(steps: 500, checkpointEvery: 250)
      try Data("localhost slots=1\nnode-b slots=1\n".utf8)
        .write(to: URL(fileURLWithPath: run.path("hosts")))
      let script = """
        if grep -q node-b "{hostfile}"; then echo "ssh: node-b: no route to host"; exit 1; fi
        exec "$0" "$@"
        """
      let daemon = try run.startDaemon(
        ["--hostfile", run.path("hosts"), "--probe", "true"], launcher: ["sh", "-c", script])
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      #expect(run.state?.history.map(\.ranks) == [2, 1])
      #expect(run.text("daemon.txt").contains("hosts gone: node-b"))
    }

    @Test func lostHostIsLeftOutAndTheTrajectoryKept() throws {
      let run = try TinyRun(steps: 1000, checkpointEvery: 200)
      _ = try run.trainUninterrupted()
      try Data("localhost slots=1\nno-such-host slots=1\n".utf8)
        .write(to: URL(fileURLWithPath: run.path("hosts")))
      let daemon = try run.startDaemon(["--hostfile", run.path("hosts"), "--probe", "false"])
      #expect(run.status(of: daemon) == 0, "\(run.text("daemon.txt"))")
      #expect(run.text("daemon.txt").contains("hosts gone: no-such-host"))
      #expect(run.state?.history.last?.ranks == 1)
      try run.requireUndisturbed()
    }
  }
}
