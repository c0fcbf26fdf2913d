import Foundation
import LaunchEnvironment
import Records
import Testing

/// `launch/kubernetes.yaml`: what it says suits the operator, the program and its config, and its
/// hooks end a job in good order.
extension SupervisedJobTests {
  @Suite struct KubernetesTests {
    private let manifest: String

    init() throws {
      manifest = try String(
        contentsOf: ScriptFolder.launch.appendingPathComponent("kubernetes.yaml"), encoding: .utf8)
    }

    /// The keys of a mapping, by the path of keys that leads there, with their plain values.
    private func members(of path: String) throws -> [String: String] {
      let job = try #require(manifest.components(separatedBy: "\n---\n").last)
      var keys: [(indent: Int, name: String)] = []
      var found: [String: String] = [:]
      for line in job.split(separator: "\n") {
        let text = line.split(separator: " #", maxSplits: 1)[0]
        let indent = text.prefix { $0 == " " }.count
        let words = text.dropFirst(indent)
        guard !words.hasPrefix("#"), !words.hasPrefix("-"),
          let colon = words.firstIndex(of: ":")
        else { continue }
        keys.removeAll { $0.indent >= indent }
        let name = String(words[..<colon])
        if keys.map(\.name).joined(separator: ".") == path {
          found[name] = words[words.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        keys.append((indent, name))
      }
      return found
    }

    /// The item of the launcher's arguments after `option`.
    private func argument(_ option: String) throws -> String {
      let items = manifest.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { $0.hasPrefix("- ") }
        .map { $0.dropFirst(2).split(separator: " #")[0].trimmingCharacters(in: .whitespaces) }
      let place = try #require(items.firstIndex(of: option), "\(option) is missing")
      return items[place + 1].trimmingCharacters(in: ["\""])
    }

    /// By the operator's definition of an MPIJob, version v2beta1; what it does not know it drops.
    @Test func operatorKnowsEveryKey() throws {
      let known: [String: Set<String>] = [
        "spec": [
          "slotsPerWorker", "runLauncherAsWorker", "runPolicy", "mpiReplicaSpecs",
          "sshAuthMountPath", "launcherCreationPolicy", "mpiImplementation",
        ],
        "spec.runPolicy": [
          "activeDeadlineSeconds", "backoffLimit", "cleanPodPolicy", "managedBy",
          "schedulingPolicy", "suspend", "ttlSecondsAfterFinished",
        ],
        "spec.mpiReplicaSpecs": ["Launcher", "Worker"],
        "spec.mpiReplicaSpecs.Launcher": ["replicas", "restartPolicy", "template"],
        "spec.mpiReplicaSpecs.Worker": ["replicas", "restartPolicy", "template"],
      ]
      for (path, names) in known {
        let found = Set(try members(of: path).keys)
        #expect(!found.isEmpty, "\(path) is not found any more")
        #expect(found.isSubset(of: names), "\(path): \(found.subtracting(names))")
      }
      #expect(try members(of: "spec")["launcherCreationPolicy"] == "WaitForWorkersReady")
      // The operator takes these, and passes over those of the pods.
      #expect(try members(of: "spec.mpiReplicaSpecs.Launcher")["restartPolicy"] == "Never")
      #expect(try members(of: "spec.mpiReplicaSpecs.Worker")["restartPolicy"] == "OnFailure")
      for role in ["Launcher", "Worker"] {
        let pod = try members(of: "spec.mpiReplicaSpecs.\(role).template.spec")
        #expect(pod["restartPolicy"] == nil)
        #expect(pod["terminationGracePeriodSeconds"] == "120")
      }
      #expect(manifest.components(separatedBy: "preStop:").count == 3)
    }

    @Test func numbersSuitEachOtherAndTheConfig() throws {
      let ranks = try #require(Int(try argument("--np")))
      let slots = try #require(Int(try members(of: "spec")["slotsPerWorker"] ?? ""))
      let workers = try members(of: "spec.mpiReplicaSpecs.Worker")["replicas"].flatMap(Int.init)
      #expect(ranks == slots * (workers ?? 0))
      let threads = try argument("--threads")
      #expect(manifest.contains("limits: { cpu: \"\(threads)\""))
      // What the daemon is not to refuse: its launcher is asked to start the job.
      let folder = try ScriptFolder()
      let repository = ScriptFolder.launch.deletingLastPathComponent()
      let process = Process()
      let run = try TinyRun(steps: 1, checkpointEvery: 1)
      process.executableURL = URL(fileURLWithPath: run.program)
      process.arguments = [
        "daemon", "--np", "\(ranks)", repository.appendingPathComponent("configs/lm.json").path,
        "--threads", threads, "--run-directory", folder.path("run"), "--max-failures", "0",
        "--quiet", "--", "sh", "-c", "touch \"$0\"; exit 1", folder.path("asked"),
      ]
      process.environment = LaunchEnvironment.values
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 1)
      #expect(FileManager.default.fileExists(atPath: folder.path("asked")))
    }

    private static let canIsolate =
      Laboratory.isPossible && access("/usr/bin/unshare", X_OK) == 0

    /// In a space of processes of its own, as a container is.
    private func isolated(_ arguments: [String], in run: TinyRun) throws -> Process {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
      process.arguments = ["--pid", "--fork", "--mount-proc", "--kill-child"] + arguments
      process.environment = LaunchEnvironment.values
      process.currentDirectoryURL = run.folder
      let path = run.path("isolated.txt")
      _ = FileManager.default.createFile(atPath: path, contents: nil)
      let output = try #require(FileHandle(forWritingAtPath: path))
      process.standardOutput = output
      process.standardError = output
      process.standardInput = FileHandle.nullDevice
      try process.run()
      return process
    }

    @Test(.enabled(if: canIsolate, "spaces of processes need root"))
    func hookOfAWorkerStopsTheJobAndWaitsForItsRanks() throws {
      let run = try TinyRun(steps: 1_000_000, checkpointEvery: 100_000)
      let hook = ScriptFolder.launch.appendingPathComponent("kubernetes-stop").path
      let worker = try isolated(
        [
          "bash", "-c",
          """
          mpirun -np 2 "$0" config.json --threads 1 & job=$!
          while [ ! -e drain ]; do sleep 0.05; done
          "$1" "$PWD/leaves"; echo "hook ended with $?"
          grep -lx gru-dist /proc/[0-9]*/comm
          wait "$job"; echo "job ended with $?"
          """, run.program, hook,
        ], in: run)
      let isTraining = run.wait { (run.heartbeat?.reading.finishedSteps ?? 0) > 0 }
      #expect(isTraining, "\(run.text("isolated.txt"))")
      #expect(FileManager.default.createFile(atPath: run.path("drain"), contents: nil))
      #expect(run.wait(seconds: 60) { !worker.isRunning })
      let output = run.text("isolated.txt")
      #expect(output.contains("hook ended with 0\njob ended with 75"), "\(output)")
      #expect(FileManager.default.fileExists(atPath: run.path("leaves")))
      #expect(run.heartbeat?.exitStatus == 75)
    }

    @Test(.enabled(if: canIsolate, "spaces of processes need root"))
    func daemonStopsTheJobAsTheFirstProcessOfItsContainer() throws {
      let run = try TinyRun(steps: 1_000_000, checkpointEvery: 100_000)
      let launcher = try isolated(
        [run.program, "daemon", "--np", "2", "config.json", "--threads", "1", "--quiet"], in: run)
      #expect(run.wait { (run.heartbeat?.reading.finishedSteps ?? 0) > 0 })
      let unshare = launcher.processIdentifier
      let children = "/proc/\(unshare)/task/\(unshare)/children"
      let words = try String(contentsOfFile: children, encoding: .utf8).split(separator: " ")
      kill(try #require(words.first.flatMap { pid_t($0) }), SIGTERM)
      #expect(run.wait(seconds: 60) { !launcher.isRunning })
      #expect(launcher.terminationStatus == 75, "\(run.text("isolated.txt"))")
      #expect(run.phase == "stopped")
    }
  }
}
