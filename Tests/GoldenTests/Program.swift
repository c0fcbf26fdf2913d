import Foundation
import LaunchEnvironment

/// Runs of `gru-dist` as its users start it.
///
/// Golden tests know the command line, configs and files of the program, and none of its sources.
struct Program: Sendable {
  let path: String

  /// The program that was built with the tests: both lie in one directory.
  static let built = Program(
    path: URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0])
      .deletingLastPathComponent().appendingPathComponent("gru-dist").path)

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Runs the program to its end.
  ///
  /// - Parameters:
  ///   - options: whether the command takes a number of threads and an instruction set.
  ///   - expected: the exit status to expect.
  /// - Returns: what it wrote to standard output.
  /// - Throws: `Failure`, with all that the program said, for another status.
  @discardableResult func run(
    _ arguments: [String], world: GoldenConfig.World = .threads(1), isa: String = "auto",
    options: Bool = true, in folder: URL, status expected: Int32 = 0
  ) throws -> String {
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Failure(description: "there is no program \(path)")
    }
    let launcher = world.ranks.map { ["mpirun", "-np", "\($0)"] } ?? []
    let computing = ["--threads", "\(world.threads)", "--isa", isa]
    let command = launcher + [path] + arguments + (options ? computing : [])
    let logs = folder.appendingPathComponent("logs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: logs) }
    let status = try Self.status(of: command, in: folder, logs: logs)
    let texts = try ["output", "errors"].map {
      String(decoding: try Data(contentsOf: logs.appendingPathComponent($0)), as: UTF8.self)
    }
    guard status == expected else {
      throw Failure(
        description: "\(command.joined(separator: " ")): status \(status), expected \(expected)\n"
          + texts.joined(separator: "\n"))
    }
    return texts[0]
  }

  private static func status(of command: [String], in folder: URL, logs: URL) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    // Jobs that start at the same moment and share a session directory fail now and then.
    process.environment = LaunchEnvironment.values.merging(
      ["OMPI_MCA_orte_tmpdir_base": logs.path]) { $1 }
    process.currentDirectoryURL = folder
    let files = ["output", "errors"].map { logs.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = FileHandle.nullDevice
    // Threads of the test runner block signals, and mpirun would go on doing so.
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    let end = Date(timeIntervalSinceNow: 120)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.002) }
    guard !process.isRunning else {
      process.terminate()
      process.waitUntilExit()
      throw Failure(description: "\(command.joined(separator: " ")) took more than 120 s")
    }
    return process.terminationStatus
  }
}

/// The instruction sets of this machine, by the names of `--isa`.
enum InstructionSets {
  /// All that the program can use here, the least one first.
  static let available: [String] =
    ["portable"] + (has(v3) ? ["avx2"] : [])
    + (has(v3 + v4) ? ["avx512"] : [])

  private static let v3 = ["avx2", "fma", "bmi2", "f16c", "movbe"]
  private static let v4 = ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]

  private static func has(_ flags: [String]) -> Bool {
    // An emulator of arm64 may show the flags of the processor that it runs on.
    #if arch(x86_64)
      return Set(flags).isSubset(of: processorFlags)
    #else
      return false
    #endif
  }

  private static let processorFlags: Set<String> = {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
    else { return [] }
    return Set(line.split(separator: " ").map(String.init))
  }()
}
