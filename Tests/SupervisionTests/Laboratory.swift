import Foundation
import LaunchEnvironment
import Records
import Testing

/// Several hosts on this machine, which `launch/lab` makes for one command.
final class Laboratory {
  private let process: Process
  private let outputPath: String

  /// Whether this machine and user can have one.
  static let isPossible: Bool = {
    guard getuid() == 0, access("/dev/net/tun", R_OK | W_OK) == 0 else { return false }
    let probe = "gru-dist-probe-\(getpid())"
    return run(["ip", "netns", "add", probe]) == 0 && run(["ip", "netns", "del", probe]) == 0
  }()

  /// The script, of the sources that this test is built from.
  private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("launch/lab")
    .path

  /// Starts `command` on the first of `hosts` hosts.
  init(
    hosts: Int, network options: [String] = [], _ command: [String], in run: TinyRun
  ) throws {
    outputPath = run.path("laboratory.txt")
    _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
    process = Process()
    process.executableURL = URL(fileURLWithPath: Self.script)
    process.arguments = ["--no-build", "--hosts", "\(hosts)"] + options + command
    process.environment = LaunchEnvironment.values.merging([
      // mpirun notices in five seconds that a host is gone.
      "OMPI_MCA_oob_tcp_keepalive_time": "2", "OMPI_MCA_oob_tcp_keepalive_intvl": "1",
      "OMPI_MCA_oob_tcp_keepalive_probes": "3",
      "PRTE_MCA_oob_tcp_keepalive_time": "2", "PRTE_MCA_oob_tcp_keepalive_intvl": "1",
      "PRTE_MCA_oob_tcp_keepalive_probes": "3",
      "LAB_SWITCH": LaunchEnvironment.ownFolder.appendingPathComponent("lab-switch").path,
    ]) { $1 }
    process.currentDirectoryURL = run.folder
    process.standardInput = FileHandle.nullDevice
    let output = try #require(FileHandle(forWritingAtPath: outputPath))
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    guard process.isRunning else { return }
    // The second one ends it at once.
    for _ in 0..<2 {
      process.terminate()
      usleep(200_000)
    }
    process.waitUntilExit()
  }

  private var name: String { "lab-\(process.processIdentifier)" }

  var output: String {
    String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self)
  }

  /// Waits for the end of the command and returns its exit status; nil when it takes too long.
  func status(seconds: Double = 300) -> Int32? {
    let end = ContinuousClock.now + .seconds(seconds)
    while process.isRunning {
      if ContinuousClock.now > end { return nil }
      usleep(10_000)
    }
    return process.terminationStatus
  }

  /// Cuts a host's cable, kills its processes and removes it.
  func kill(host: Int) throws {
    try #require(Self.run([Self.script, "kill", name, "host\(host)"]) == 0)
  }

  /// What of it is left on the machine.
  var remains: [String] {
    let spaces = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/run")) ?? []
    return spaces.filter { $0.hasPrefix("\(name)-") } + folders.filter { $0.hasSuffix(name) }
  }

  /// Runs a command to its end; returns its exit status.
  private static func run(_ command: [String]) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
  }
}
