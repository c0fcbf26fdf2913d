import Foundation
import LaunchEnvironment
import Records
import Testing

@testable import Supervision

extension SupervisedJobTests {
  /// Stops that a starting job drops, and launchers whose status says something else than the job.
  @Suite struct StopTests {
    private let stop = LaunchEnvironment.stopSignalName

    @Test func stopThatTheLauncherDropsIsRepeated() throws {
      let run = try TinyRun(steps: 1_000_000, checkpointEvery: 100_000)
      let daemon = try run.startDaemon(launcher: [
        "sh", "-c",
        "trap '' \(stop); : >'\(run.path("deaf"))'; sleep 1; trap - \(stop); "
          + #"exec mpirun -np {np} "$0" "$@""#,
      ])
      #expect(run.wait { FileManager.default.fileExists(atPath: run.path("deaf")) })
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon, seconds: 40) == 75, "\(run.text("daemon.txt"))")
      #expect(run.text("daemon.txt").contains("passes that on again"), "\(run.text("daemon.txt"))")
      #expect(run.phase == "stopped")
    }

    @Test func stopThatNobodyHearsIsEnforced() throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 10)
      let daemon = try run.startDaemon(
        ["--silence", "1.5"],
        launcher: [
          "sh", "-c", "trap '' \(stop); : >'\(run.path("deaf"))'; while :; do sleep 0.1; done",
        ])
      // A shell that has not come to its trap yet would die of the signal.
      #expect(run.wait { FileManager.default.fileExists(atPath: run.path("deaf")) })
      let launch = try #require(run.state?.job?.launch)
      kill(daemon.processIdentifier, SIGTERM)
      #expect(run.status(of: daemon, seconds: 20) == 75, "\(run.text("daemon.txt"))")
      #expect(run.text("daemon.txt").contains("does not hear that it is to stop"))
      #expect(JobProcesses.all(ofLaunch: launch).isEmpty)
    }

    @Test func launcherThatEndsWellWithoutTheLastStepIsNotDone() throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 10)
      let daemon = try run.startDaemon(
        ["--max-failures", "1", "--back-off", "0.05"], launcher: ["sh", "-c", "exit 0"])
      #expect(run.status(of: daemon, seconds: 20) == 1, "\(run.text("daemon.txt"))")
      #expect(run.phase == "gave_up")
      #expect(
        run.state?.history.last?.outcome == "exit status 0 of the launcher, with steps missing")
    }

    @Test func jobIsDoneWhateverItsLauncherSays() throws {
      let run = try TinyRun(steps: 100, checkpointEvery: 10)
      let daemon = try run.startDaemon(launcher: [
        "sh", "-c", #"mpirun -np {np} "$0" "$@"; exit 7"#,
      ])
      #expect(run.status(of: daemon, seconds: 40) == 0, "\(run.text("daemon.txt"))")
      #expect(run.phase == "done")
      // Nothing is left to do, and the checkpoint says so.
      #expect(run.status(of: try run.startDaemon(), seconds: 40) == 0)
    }
  }
}
