import Foundation
import LaunchEnvironment
import Records
import Testing

@testable import Supervision

/// A run of a tiny model in a directory of its own, with what tests do to its processes.
final class TinyRun {
  let folder: URL
  let program: String
  var steps: Int
  var checkpointEvery: Int
  var watchdogSeconds = 2
  /// What the config says besides: members of its object, each with a comma behind.
  var task = ""
  /// What it trains on; nil for text lines of numbers and words.
  var trainingFile: String?
  private var daemons: [Process] = []

  init(steps: Int, checkpointEvery: Int) throws {
    self.steps = steps
    self.checkpointEvery = checkpointEvery
    program = LaunchEnvironment.programs.appendingPathComponent("gru-dist").path
    try #require(FileManager.default.isExecutableFile(atPath: program), "\(program) is missing")
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("gru-dist-daemon-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let text = (0..<2000).map { "line \($0) of a text with \($0 &* 7919 % 1000) words\n" }
    try Data(text.joined().utf8).write(to: folder.appendingPathComponent("text.txt"))
    try writeConfig()
  }

  /// A run that takes a job of two ranks about `seconds` on this machine, with some checkpoints in
  /// each of them.
  convenience init(seconds: Double) throws {
    let steps = try Self.stepsPerSecond.get() * seconds
    let checkpointEvery = max(5, Int(steps / seconds / 5))
    try self.init(
      steps: checkpointEvery * max(4, Int(steps) / checkpointEvery),
      checkpointEvery: checkpointEvery)
  }

  private static let stepsPerSecond = Result {
    try TinyRun(steps: 2000, checkpointEvery: 1000).stepsPerSecond(ranks: 2)
  }

  deinit {
    for daemon in daemons where daemon.isRunning { kill(daemon.processIdentifier, SIGKILL) }
    if let record = state?.job {
      _ = JobProcesses.killAll(ofLaunch: record.launch, leader: record.process)
    }
    try? FileManager.default.removeItem(at: folder)
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func writeConfig() throws {
    let config = """
      {\(task)"data": {"train": "\(path(trainingFile ?? "text.txt"))"},
       "model": {"embedding": 8, "hidden": 16, "layers": 1},
       "batch": {"sequences": 8, "window": 8, "shards": 8},
       "run": {"directory": "\(path("run"))", "steps": \(steps), "log_every": \(checkpointEvery),
               "validate_every": 0, "checkpoint_every": \(checkpointEvery),
               "watchdog_seconds": \(watchdogSeconds)}}
      """
    try Data(config.utf8).write(to: folder.appendingPathComponent("config.json"))
  }

  private func start(_ arguments: [String], output: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = LaunchEnvironment.values
    process.standardInput = FileHandle.nullDevice
    if !FileManager.default.fileExists(atPath: path(output)) {
      _ = FileManager.default.createFile(atPath: path(output), contents: nil)
    }
    let file = try #require(FileHandle(forWritingAtPath: path(output)))
    try file.seekToEnd()
    process.standardOutput = file
    process.standardError = file
    try process.run()
    return process
  }

  // MARK: - Running

  /// Trains in one process without interruption; returns the seconds it took.
  func trainUninterrupted() throws -> Double {
    let started = ContinuousClock.now
    let process = try start(
      ["train", path("config.json"), "--threads", "1", "--run-directory", path("reference")],
      output: "reference.txt")
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(text("reference.txt"))")
    return (ContinuousClock.now - started).seconds
  }

  /// As `trainUninterrupted`, and then over files of the folder `incoming`, one after the other.
  func passOverUndisturbed(_ names: [String], rehearsal: String) throws {
    _ = try trainUninterrupted()
    for name in names {
      let process = try start(
        [
          "train", path("config.json"), "--threads", "1", "--run-directory", path("reference"),
          "--resume", "--file", path("incoming/\(name)"), "--rehearsal", rehearsal,
        ], output: "reference.txt")
      process.waitUntilExit()
      try #require(process.terminationStatus == 0, "\(text("reference.txt"))")
    }
  }

  /// Steps a second that a job of `ranks` ranks makes on this machine now.
  func stepsPerSecond(ranks: Int) throws -> Double {
    let daemon = try startDaemon(ranks: ranks)
    try #require(status(of: daemon) == 0, "\(text("daemon.txt"))")
    let seconds = RunFiles.read(path("run/\(RunFiles.heartbeat)"))?["step_seconds"]?.doubleValue
    try FileManager.default.removeItem(atPath: path("run"))
    return 1 / (try #require(seconds))
  }

  func startDaemon(ranks: Int = 2, _ options: [String] = [], launcher: [String] = []) throws
    -> Process
  {
    let daemon = try start(
      ["daemon", "--np", "\(ranks)", path("config.json"), "--threads", "1", "--quiet"] + options
        + (launcher.isEmpty ? [] : ["--"] + launcher), output: "daemon.txt")
    daemons.append(daemon)
    return daemon
  }

  /// Waits for the end of a daemon and returns its exit status; nil when it takes too long.
  func status(of daemon: Process, seconds: Double = 300) -> Int32? {
    wait(seconds: seconds) { !daemon.isRunning } ? daemon.terminationStatus : nil
  }

  /// Waits until `condition` holds; returns whether it did in time.
  func wait(seconds: Double = 150, until condition: () -> Bool) -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
      if ContinuousClock.now > end { return false }
      usleep(5_000)
    }
    return true
  }

  // MARK: - Looking

  func text(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path(name)) ?? Data(), as: UTF8.self)
  }

  var state: DaemonState? { RunFiles.read(path("run/daemon.json")).flatMap(DaemonState.init) }

  /// The daemon's `state` in words.
  var phase: String { RunFiles.read(path("run/daemon.json"))?["state"]?.stringValue ?? "" }

  var heartbeat: RankStatus? { RankStatus(file: path("run/\(RunFiles.heartbeat)")) }

  func rank(_ rank: Int) -> RankStatus? {
    RankStatus(file: path("run/\(RunFiles.rankName(rank))"))
  }

  /// The heartbeat of a job that trains and is not `job`.
  func training(otherThan job: String? = nil) -> RankStatus? {
    guard let heartbeat, heartbeat.job != job, heartbeat.reading.finishedSteps > 0,
      heartbeat.exitStatus == nil, heartbeat.process.isAlive
    else { return nil }
    return heartbeat
  }

  /// Fingerprints by step, as the metrics of a run have them; throws where a step is there twice.
  func fingerprints(_ run: String) throws -> [Int: String] {
    var found: [Int: String] = [:]
    for line in text("\(run)/metrics.jsonl").split(separator: "\n") {
      let record = try OrderedJSON(parsing: String(line))
      guard record["kind"] == "train", let step = record["step"]?.integerValue else { continue }
      try #require(found[step] == nil, "step \(step) is in the metrics twice")
      found[step] = try #require(record["fingerprint"]?.stringValue)
    }
    return found
  }

  /// Whether the run went as if nobody had disturbed it.
  func requireUndisturbed() throws {
    let expected = try fingerprints("reference")
    let found = try fingerprints("run")
    #expect(expected[steps] != nil)
    #expect(found == expected, "\(text("daemon.txt"))")
  }
}
