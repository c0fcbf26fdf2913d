import Foundation
import LaunchEnvironment
import Records
import Supervision
import Testing

extension SupervisedJobTests {
  /// Jobs over several hosts, each a network namespace with an address of its own.
  @Suite(.enabled(if: Laboratory.isPossible, "network namespaces need root and /dev/net/tun"))
  struct LaboratoryTests {
    @Test(arguments: [["--delay", "0.2ms"], ["--via", "bridge", "--delay", "0"]])
    func threeHostsEqualOneProcess(network: [String]) throws {
      let run = try TinyRun(steps: 60, checkpointEvery: 20)
      _ = try run.trainUninterrupted()
      let laboratory = try Laboratory(
        hosts: 3, network: ["--bandwidth", "1gbit"] + network,
        ["mpirun", "-np", "3", run.program, run.path("config.json"), "--threads", "1"], in: run)
      #expect(laboratory.status() == 0, "\(laboratory.output)")
      try run.requireUndisturbed()
      #expect((0..<3).map { run.rank($0)?.host } == ["host1", "host2", "host3"])
      #expect(laboratory.remains == [])
    }

    @Test func ranksOfAHostAreAdjacentInAnyPlacement() throws {
      let run = try TinyRun(steps: 20, checkpointEvery: 20)
      _ = try run.trainUninterrupted()
      let laboratory = try Laboratory(
        hosts: 2, network: ["--slots", "2"],
        ["mpirun", "-np", "4"]
          + (LaunchEnvironment.isOpenMPI ? ["--map-by", "node"] : ["-ppn", "1"])
          + [run.program, run.path("config.json"), "--threads", "1"], in: run)
      #expect(laboratory.status() == 0, "\(laboratory.output)")
      try run.requireUndisturbed()
      #expect((0..<4).map { run.rank($0)?.host } == ["host1", "host1", "host2", "host2"])
    }

    /// As it stands but for the program, the config, and the network.
    @Test(.enabled(if: LaunchEnvironment.isOpenMPI, "its options are those of Open MPI"))
    func exampleOfAHostfileStartsItsRanks() throws {
      let run = try TinyRun(steps: 20, checkpointEvery: 20)
      _ = try run.trainUninterrupted()
      let example = ScriptFolder.launch.appendingPathComponent("hostfile.example")
      let text = try String(contentsOf: example, encoding: .utf8)
      try text.write(toFile: run.path("hosts"), atomically: true, encoding: .utf8)
      let lines = text.split(separator: "\n").filter { $0.hasPrefix("#   ") }
        .map { $0.dropFirst(4) }
      let start = try #require(lines.firstIndex { $0.hasPrefix("mpirun ") })
      let end = try #require(lines[start...].firstIndex { !$0.hasSuffix("\\") })
      let command = lines[start...end].map { $0.hasSuffix("\\") ? $0.dropLast() : $0 }
        .joined(separator: " ")
        .replacing(".build/release/gru-dist", with: "\"$0\"")
        .replacing("configs/lm.json", with: "\"$1\"").replacing("10.0.0.0/24", with: "10.77.0.0/24")
      let laboratory = try Laboratory(
        hosts: 4, ["sh", "-c", command, run.program, run.path("config.json")], in: run)
      #expect(laboratory.status() == 0, "\(command): \(laboratory.output)")
      try run.requireUndisturbed()
      let hosts = (0..<8).map { run.rank($0)?.host ?? "" }
      #expect(hosts == ["host1", "host2", "host3", "host4"].flatMap { [$0, $0] })
      // The numbers are those of the config that it names.
      let config = try String(
        contentsOf: ScriptFolder.launch.deletingLastPathComponent()
          .appendingPathComponent("configs/lm.json"), encoding: .utf8)
      #expect(config.contains("\"shards\": 8"))
    }

    /// Those on other hosts than the launcher's too: MPI_Finalize waits for it everywhere.
    @Test func ranksOfAllHostsStopWithoutTheLauncher() throws {
      let run = try TinyRun(steps: 1_000_000, checkpointEvery: 100_000)
      let laboratory = try Laboratory(
        hosts: 2,
        [
          "sh", "-c", "mpirun -np 2 \"$0\" \"$1\" --threads 1 & echo $! > \"$2\"; wait $!",
          run.program, run.path("config.json"), run.path("launcher"),
        ], in: run)
      #expect(
        run.wait { run.heartbeat.map { $0.reading.finishedSteps > 20 } ?? false },
        "\(laboratory.output)")
      let ranks = try (0..<2).map { try #require(run.rank($0)) }
      #expect(ranks.map(\.host) == ["host1", "host2"])
      let launcher = try #require(pid_t(run.text("launcher").split(separator: "\n").joined()))
      kill(launcher, SIGSTOP)
      kill(ranks[1].process.pid, SIGUSR2)
      #expect(run.wait(seconds: 30) { ranks.allSatisfy { !$0.process.isAlive } })
      #expect(run.heartbeat?.exitStatus == 75)
      #expect(run.rank(1)?.exitStatus == 75)
      kill(launcher, SIGCONT)
      #expect(laboratory.status() == 75, "\(laboratory.output)")
      #expect(laboratory.output.contains("stopped"), "\(laboratory.output)")
    }

    @Test func daemonLeavesOutAKilledHost() throws {
      let run = try TinyRun(steps: 1500, checkpointEvery: 100)
      _ = try run.trainUninterrupted()
      let laboratory = try Laboratory(
        hosts: 4,
        [
          "sh", "-c",
          "exec \"$0\" daemon --np 4 \"$1\" --threads 1 --quiet --silence 10 "
            + "--hostfile \"$LAB_HOSTFILE\" --probe '\"$LAB_AGENT\" {host} true'",
          run.program, run.path("config.json"),
        ], in: run)
      #expect(run.wait { run.hasCheckpoint(ofStep: 200) }, "\(laboratory.output)")
      try laboratory.kill(host: 3)
      #expect(laboratory.status() == 0, "\(laboratory.output)")
      let state = try #require(run.state)
      #expect(state.history.map(\.ranks) == [4, 3])
      #expect(laboratory.output.contains("hosts gone: host3"), "\(laboratory.output)")
      try run.requireUndisturbed()
      #expect(laboratory.remains == [])
    }

    @Test func withoutDaemonALostHostEndsTheJobAndResumeWorks() throws {
      let run = try TinyRun(steps: 1500, checkpointEvery: 100)
      // An mpirun that is asked by a rank to end the job waits for the host that is gone.
      run.watchdogSeconds = 30
      try run.writeConfig()
      _ = try run.trainUninterrupted()
      let job = "\"$0\" \"$1\" --threads 1"
      let hosts = LaunchEnvironment.isOpenMPI ? "--host" : "-hosts"
      let laboratory = try Laboratory(
        hosts: 4,
        [
          "sh", "-c",
          "mpirun -np 4 \(job); echo \"ended with status $?\"; "
            + "exec mpirun -np 3 \(hosts) host1,host2,host4 \(job) --resume",
          run.program, run.path("config.json"),
        ], in: run)
      #expect(run.wait { run.hasCheckpoint(ofStep: 200) }, "\(laboratory.output)")
      try laboratory.kill(host: 3)
      #expect(laboratory.status() == 0, "\(laboratory.output)")
      let output = laboratory.output
      #expect(output.contains("ended with status"), "\(output)")
      // In the words of Open MPI 4 or 5; MPICH's mpirun does not name the host.
      #expect(
        !LaunchEnvironment.isOpenMPI || output.contains("on node host3")
          || output.contains("Remote host:   host3"), "\(output)")
      try run.requireUndisturbed()
    }
  }
}

extension TinyRun {
  fileprivate func hasCheckpoint(ofStep step: Int) -> Bool {
    let name = String(repeating: "0", count: 8 - "\(step)".count) + "\(step)"
    return FileManager.default.fileExists(atPath: path("run/checkpoints/step-\(name)"))
  }
}
