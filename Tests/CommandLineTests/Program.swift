import Foundation
import LaunchEnvironment
import Records
import Testing

/// A finished run of the program.
struct Program: CustomStringConvertible {
  let status: Int32
  let output: String
  let errors: String
  let command: String

  var description: String {
    "\(command): status \(status), output: \(output), errors: \(errors)"
  }

  /// Non-empty lines of standard output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// Lines of standard error that the program wrote, without what mpirun says of a failed job.
  var complaints: [String] {
    errors.split(separator: "\n").map(String.init).filter {
      $0.hasPrefix("gru-dist:") || $0.hasPrefix("Error:")
    }
  }

  /// Where the program lies.
  static var path: String { LaunchEnvironment.programs.appendingPathComponent("gru-dist").path }

  /// Runs the program to its end.
  ///
  /// - Parameters:
  ///   - wrapper: what the program's command line is given to.
  ///   - ranks: nil to run without mpirun.
  ///   - folder: the working directory.
  ///   - withoutStandardFiles: closes input, output and errors first.
  ///   - whileRunning: called now and then; true ends the calls.
  init(
    _ arguments: [String], launchedBy wrapper: [String] = [], ranks: Int? = nil, in folder: URL,
    environment extra: [String: String] = [:], secondsAllowed: Double = 120,
    withoutStandardFiles: Bool = false,
    whileRunning: ((Process) -> Bool)? = nil
  ) throws {
    let program = Self.path
    try #require(FileManager.default.isExecutableFile(atPath: program), "\(program) is missing")
    let launcher = ranks.map { ["mpirun", "-np", "\($0)"] } ?? []
    command = (launcher + ["gru-dist"] + arguments).joined(separator: " ")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let shell = ["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"]
    process.arguments =
      (withoutStandardFiles ? shell : []) + launcher + wrapper + [program] + arguments
    process.environment = LaunchEnvironment.values.merging(extra) { $1 }
    process.currentDirectoryURL = folder
    // Files, not pipes: a job that is ended early may leave a writer behind, which nobody awaits.
    let logs = FileManager.default.temporaryDirectory
      .appendingPathComponent("gru-dist-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: logs) }
    // Jobs that start at the same moment and share a session directory fail now and then.
    process.environment?["OMPI_MCA_orte_tmpdir_base"] = logs.path
    let files = ["output", "errors"].map { logs.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = FileHandle.nullDevice
    let isLate = try !process.runToItsEnd(within: secondsAllowed, whileRunning: whileRunning)
    output = String(decoding: try Data(contentsOf: files[0]), as: UTF8.self)
    errors = String(decoding: try Data(contentsOf: files[1]), as: UTF8.self)
    try #require(!isLate, "\(command) took more than \(secondsAllowed) s: \(output) \(errors)")
    status = process.terminationStatus
  }
}

/// A working directory with a text and a config of a small model.
final class Workplace {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("workplace-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let sentence = "The coordinator trains too, and alone writes the run directory; "
    let text = (0..<300).map { "\($0 * 7919 % 1000) \(sentence)" }.joined(separator: "\n")
    try write("text.txt", text)
    try write(
      "config.json",
      """
      {
        "data": { "train": "text.txt" },
        "model": { "embedding": 16, "hidden": 24 },
        "batch": { "sequences": 16, "window": 12 },
        "optimizer": { "schedule": { "warmup_steps": 4 } },
        "run": { "directory": "run", "steps": 12, "log_every": 1, "validate_every": 6,
                 "checkpoint_every": 5 }
      }
      """)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  func names(in directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(directory)).sorted()
  }

  /// The records of a run's validations, but for when they were written.
  func validations(_ run: String = "run") throws -> [OrderedJSON] {
    try records(run).filter { $0["kind"] == "valid" }.map { record in
      guard case .object(let members) = record else { return record }
      return .object(members.filter { $0.name != "time" })
    }
  }

  /// The records of a run's metrics.
  func records(_ run: String = "run") throws -> [OrderedJSON] {
    try String(contentsOfFile: path("\(run)/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").map { try OrderedJSON(parsing: String($0)) }
  }

  /// Step, loss, norm and fingerprint of every logged step.
  func trajectory(_ run: String = "run") throws -> [String] {
    try records(run).filter { $0["kind"] == "train" }.map { record in
      ["step", "loss", "gradient_norm", "learning_rate", "fingerprint"]
        .map { record[$0]?.line ?? "?" }.joined(separator: " ")
    }
  }

  func run(
    _ arguments: String..., ranks: Int? = nil, environment: [String: String] = [:],
    whileRunning: ((Process) -> Bool)? = nil
  ) throws -> Program {
    try Program(
      arguments, ranks: ranks, in: folder, environment: environment, whileRunning: whileRunning)
  }
}

extension Process {
  /// Starts the process and waits for its end; one that takes longer is ended.
  ///
  /// - Parameter whileRunning: called again and again until it returns true.
  /// - Returns: whether it ended in time.
  func runToItsEnd(
    within secondsAllowed: Double, whileRunning: ((Process) -> Bool)? = nil
  ) throws -> Bool {
    // Threads of the test runner block signals, and what they start would go on doing so.
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
    let end = Date(timeIntervalSinceNow: secondsAllowed)
    var isWatching = whileRunning != nil
    while isRunning, Date() < end {
      if isWatching, let whileRunning, whileRunning(self) { isWatching = false }
      Thread.sleep(forTimeInterval: 0.01)
    }
    let isInTime = !isRunning
    if !isInTime { terminate() }
    waitUntilExit()
    return isInTime
  }
}
