import Foundation
import Records
import Testing

@testable import Hooks

/// Commands at events, without a run.
@Suite struct HookRunnerTests {
  /// A directory that is removed with this object.
  private final class Folder {
    let path = NSTemporaryDirectory() + "/hooks-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) -> String {
      (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Waits until a file has some lines.
    func waitForLines(_ count: Int, in name: String) -> Bool {
      for _ in 0..<1000 {
        if text(name).split(separator: "\n").count >= count { return true }
        Thread.sleep(forTimeInterval: 0.01)
      }
      return false
    }
  }

  private func shell(_ script: String) -> [String] { ["sh", "-c", script] }

  private func event(
    _ kind: HookEvent.Kind, _ step: Int, _ figures: [String: String] = [:]
  ) -> HookEvent {
    HookEvent(kind, step: step, figures: figures)
  }

  @Test func commandsLearnTheEventFromTheirEnvironment() throws {
    let folder = try Folder()
    setenv("PMIX_RANK", "3", 1)
    setenv("GRU_DIST_LAUNCH", "x", 1)
    defer {
      unsetenv("PMIX_RANK")
      unsetenv("GRU_DIST_LAUNCH")
    }
    let runner = HookRunner(
      commands: [.best: ["env"]], seconds: 20, runDirectory: folder.path)
    // What is not asked for starts nothing.
    runner.post(event(.checkpoint, 7))
    runner.post(event(.best, 8, ["BEST_VALUE": "1.25", "ERROR": "two\nlines"]))
    runner.finish()
    let lines = folder.text("hooks.log").split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("== ") && lines[0].hasSuffix("best, step 8: env"))
    #expect(lines.contains("GRU_DIST_EVENT=best") && lines.contains("GRU_DIST_STEP=8"))
    #expect(lines.contains("GRU_DIST_BEST_VALUE=1.25") && lines.contains("GRU_DIST_ERROR=two"))
    #expect(lines.contains { $0.hasPrefix("PATH=") })
    #expect(!lines.contains { $0.hasPrefix("PMIX_RANK") || $0.hasPrefix("GRU_DIST_LAUNCH") })
    #expect(runner.takeFailures().isEmpty)
  }

  @Test func orderIsKeptAndTheNewestOfAKindWaits() throws {
    let folder = try Folder()
    let file = "\(folder.path)/order"
    let script = shell("echo $GRU_DIST_EVENT $GRU_DIST_STEP >> \(file); sleep 0.4")
    let runner = HookRunner(
      commands: [.checkpoint: script, .best: script, .done: script], seconds: 20,
      runDirectory: folder.path)
    runner.post(event(.checkpoint, 1))
    #expect(folder.waitForLines(1, in: "order"))
    runner.post(event(.best, 1))
    for step in 2...5 { runner.post(event(.checkpoint, step)) }
    #expect(runner.stepsInUse == [1, 5])
    runner.post(event(.best, 5))
    runner.post(event(.done, 6))
    runner.finish()
    #expect(
      folder.text("order") == "checkpoint 1\ncheckpoint 5\nbest 5\ndone 6\n")
    #expect(runner.replacedCount == 4)
    #expect(runner.stepsInUse.isEmpty)
  }

  @Test func failuresAreCountedAndTheFirstOfAKindIsTold() throws {
    let folder = try Folder()
    let runner = HookRunner(
      commands: [
        .checkpoint: shell("exit 3"), .best: ["\(folder.path)/nothing-there"],
        .done: shell("kill -9 $$"),
      ], seconds: 20, runDirectory: folder.path)
    var failures: [HookFailure] = []
    func wait(for count: Int) {
      for _ in 0..<1000 where failures.count < count {
        failures += runner.takeFailures()
        Thread.sleep(forTimeInterval: 0.01)
      }
    }
    runner.post(event(.checkpoint, 1))
    wait(for: 1)
    runner.post(event(.checkpoint, 2))
    wait(for: 2)
    runner.post(event(.best, 2))
    wait(for: 3)
    runner.post(event(.done, 3))
    runner.finish()
    failures += runner.takeFailures()
    #expect(failures.map(\.count) == [1, 2, 3, 4])
    #expect(failures.map(\.isFirst) == [true, false, true, true])
    #expect(failures.map(\.step) == [1, 2, 2, 3])
    #expect(failures[0].reason == "ended with status 3")
    #expect(failures[2].reason.contains("cannot be started"), "\(failures[2])")
    #expect(failures[3].reason == "was ended by signal 9")
  }

  @Test func whatTakesTooLongIsEndedWithAllThatItStarted() throws {
    let folder = try Folder()
    let script = "trap '' TERM; sleep 1234 & echo $! > \(folder.path)/inner; echo $$ > "
      + "\(folder.path)/outer; wait"
    let runner = HookRunner(
      commands: [.checkpoint: shell(script), .best: shell("echo next > \(folder.path)/next")],
      seconds: 1, runDirectory: folder.path)
    runner.post(event(.checkpoint, 1))
    runner.post(event(.best, 1))
    #expect(folder.waitForLines(1, in: "next"))
    let failures = runner.takeFailures()
    #expect(failures.count == 1)
    #expect(failures[0].reason.contains("run.hooks.seconds is 1"), "\(failures)")
    for name in ["inner", "outer"] {
      let pid = try #require(Int32(folder.text(name).trimmingCharacters(in: .newlines)))
      for _ in 0..<200 where kill(pid, 0) == 0 { Thread.sleep(forTimeInterval: 0.01) }
      // The outer one was waited for; the inner one is its init's.
      #expect(ProcessIdentity(pid: pid) == nil, "\(name)")
    }
    runner.finish()
  }

  @Test func endWaitsNoLongerThanTheLimit() throws {
    let folder = try Folder()
    let runner = HookRunner(
      commands: [.checkpoint: shell("sleep 1234"), .done: shell("sleep 1234")], seconds: 1,
      runDirectory: folder.path)
    runner.post(event(.checkpoint, 1))
    runner.post(event(.done, 2))
    var beats = 0
    let start = ContinuousClock.now
    runner.finish { beats += 1 }
    let seconds = (ContinuousClock.now - start).seconds
    #expect(seconds < 3)
    #expect(beats >= 5)
    let reasons = runner.takeFailures().map(\.reason)
    #expect(reasons.count == 2 && reasons[1].contains("was not started"), "\(reasons)")
  }

  @Test func postingTakesNoTimeAndNothingStaysBehind() throws {
    let folder = try Folder()
    let runner = HookRunner(
      commands: [.checkpoint: shell("sleep 0.5")], seconds: 20, runDirectory: folder.path)
    runner.post(event(.checkpoint, 0))
    let start = ContinuousClock.now
    for step in 1...10_000 { runner.post(event(.checkpoint, step)) }
    #expect((ContinuousClock.now - start).seconds < 0.5)
    runner.finish()
    #expect(runner.takeFailures().isEmpty)
    // The first may have begun before the others came.
    #expect((1...2).contains(folder.text("hooks.log").split(separator: "\n").count))
    // No child is left to be waited for by this process that the runner has started.
    let idle = HookRunner(commands: [:], seconds: 1, runDirectory: folder.path)
    idle.post(event(.done, 1))
    idle.finish()
  }

  /// What mpirun tells a rank goes; what people have set for jobs (launch/env) stays.
  @Test func settingsOfJobsReachCommandsAndRanksDoNot() {
    let settings = [
      "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
      "OMPI_MCA_rmaps_base_oversubscribe", "OMPI_MCA_mpi_yield_when_idle",
      "OMPI_MCA_hwloc_base_binding_policy", "OMPI_MCA_oob_tcp_keepalive_time", "OMPI_MCA_btl",
      "OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_orte_default_hostfile", "OMPI_MCA_plm_rsh_agent",
      "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "PMIX_MCA_gds",
      "PRTE_MCA_rmaps_default_mapping_policy", "PRTE_MCA_hwloc_default_binding_policy",
      "PRTE_MCA_oob_tcp_keepalive_time",
    ]
    let told = [
      "OMPI_COMM_WORLD_RANK", "OMPI_UNIVERSE_SIZE", "OMPI_APP_CTX_NUM_PROCS", "OMPI_FIRST_RANKS",
      "OMPI_FILE_LOCATION", "OMPI_COMMAND", "OMPI_NUM_APP_CTX", "OMPI_MCA_ess",
      "OMPI_MCA_ess_base_jobid", "OMPI_MCA_ess_base_vpid", "OMPI_MCA_initial_wdir",
      "OMPI_MCA_orte_hnp_uri", "OMPI_MCA_orte_local_daemon_uri", "OMPI_MCA_orte_launch",
      "OMPI_MCA_orte_precondition_transports", "OMPI_MCA_pmix", "PMIX_RANK", "PMI_RANK",
      "OMPI_MCA_shmem_RUNTIME_QUERY_hint", "OMPI_MCA_mpi_oversubscribe", "GRU_DIST_LAUNCH",
      // Those of Open MPI 5.
      "PRTE_LAUNCHED", "PRTE_SHARED_FS", "PMIX_NAMESPACE", "PMIX_SERVER_URI41", "OMPI_WORLD_SIZE",
      "OMPI_MCA_num_procs", "OMPI_MCA_PREFIXES", "OMPI_TOOL_NAME",
    ]
    var own = ["PATH": "/bin"]
    for name in settings + told { own[name] = "1" }
    let found = event(.done, 3).environment(from: own)
    #expect(Set(found.keys) == Set(settings + ["PATH", "GRU_DIST_EVENT", "GRU_DIST_STEP"]))
  }

  @Test func logOfOneCommandIsBoundedAndSaysSo() throws {
    let folder = try Folder()
    let most = 64 << 20
    let runner = HookRunner(
      commands: [
        .checkpoint: shell("head -c \(most + 1_000_000) /dev/zero; sleep 0.3; echo late"),
        .done: shell("echo said"),
      ], seconds: 60, runDirectory: folder.path)
    runner.post(event(.checkpoint, 1))
    runner.post(event(.done, 2))
    runner.finish()
    #expect(runner.takeFailures().isEmpty)
    let before = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/hooks.log.1"))
    let printed = before.drop { $0 != 0 }
    #expect(printed.prefix { $0 == 0 }.count == most)
    let end = String(decoding: printed.drop { $0 == 0 }, as: UTF8.self)
    #expect(end.contains("more than 64 MiB") && end.count < 300, "\(end)")
    #expect(folder.text("hooks.log").hasSuffix("echo said\nsaid\n"))
  }

  @Test func logBeginsAnewWhenItIsLong() throws {
    let folder = try Folder()
    let long = String(repeating: "x", count: 1 << 20) + "\n\n"
    try Data(long.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/hooks.log"))
    let runner = HookRunner(
      commands: [.done: ["echo", "said"]], seconds: 20, runDirectory: folder.path)
    runner.post(event(.done, 1))
    runner.finish()
    #expect(folder.text("hooks.log").hasSuffix("echo said\nsaid\n"))
    #expect(folder.text("hooks.log.1").count > 1 << 20)
  }
}
