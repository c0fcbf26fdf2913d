import Foundation

/// The environment in which tests start programs and mpirun: what `launch/env` sets for a user, and
/// nothing of a job that the tests themselves may run in.
package enum LaunchEnvironment {
  /// Variables and their values.
  package static let values: [String: String] = {
    let outside = ProcessInfo.processInfo.environment.filter { name, _ in
      !launcherPrefixes.contains { name.hasPrefix($0) }
    }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("launch/env")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-c", #". "$0" && env -0"#, script.path]
    process.environment = outside
    let pipe = Pipe()
    process.standardOutput = pipe
    do {
      try process.run()
    } catch {
      fatalError("launch/env could not be read: \(error)")
    }
    let text = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    precondition(process.terminationStatus == 0, "launch/env ends with an error")
    var values: [String: String] = [:]
    for line in text.split(separator: 0) {
      let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1)
      guard parts.count == 2 else { continue }
      values[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
    }
    return values
  }()

  /// What variables of launchers, of MPI libraries and of this program begin with.
  private static let launcherPrefixes = [
    "OMPI_", "PRTE_", "PMIX_", "PMI_", "ORTE_", "HYDRA_", "HYDI_", "MPIR_", "GRU_DIST_",
  ]
}
