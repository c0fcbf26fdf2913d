package import Foundation

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

  /// The folder of the programs under test: that of the tests themselves, or what GRU_DIST_PROGRAMS
  /// names, for programs that are built with another MPI library.
  package static let programs: URL = {
    if let named = ProcessInfo.processInfo.environment["GRU_DIST_PROGRAMS"] {
      return URL(fileURLWithPath: named)
    }
    return ownFolder
  }()

  /// Where the tests lie.
  package static let ownFolder =
    URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()

  /// Whether mpirun is that of Open MPI, and not of MPICH or its kin, which has other options and
  /// passes other signals on.
  package static let isOpenMPI: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["mpirun", "--version"]
    process.environment = values
    let pipe = Pipe()
    process.standardOutput = pipe
    guard (try? process.run()) != nil else { return true }
    let words = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return words.isEmpty || words.contains("Open MPI")
  }()

  /// The name of the signal that has mpirun stop its ranks in good order.
  package static var stopSignalName: String { isOpenMPI ? "USR2" : "TERM" }

  /// What variables of launchers, of MPI libraries and of this program begin with.
  private static let launcherPrefixes = [
    "OMPI_", "PRTE_", "PMIX_", "PMI_", "ORTE_", "HYDRA_", "HYDI_", "MPIR_", "GRU_DIST_",
  ]
}
