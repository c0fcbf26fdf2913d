import Foundation
package import Records

/// What a supervisor keeps in `daemon.json`, for people, for its successor and for status pages.
/// Times are seconds since 1970.
package struct DaemonState: Sendable, Equatable {
  package enum Phase: String, Sendable, CaseIterable {
    case starting, running, waiting, stopping
    /// Between two files of a folder.
    case watching
    // Final ones:
    case done, stopped, killed
    case gaveUp = "gave_up"
    case badConfig = "bad_config"
  }

  /// The job under way.
  package struct JobRecord: Sendable, Equatable {
    package var launch: String
    /// The launcher; nil in the moment before it is started.
    package var process: ProcessIdentity?
    package var ranks: Int
    package var started: Double
    /// The newest checkpoint's step when it started; 0 for none.
    package var startStep: Int
    /// Where its output begins in `job.log`.
    package var outputStart: Int
  }

  /// A job that is over.
  package struct Attempt: Sendable, Equatable {
    package var attempt: Int
    package var ranks: Int
    package var started: Double
    package var ended: Double
    package var startStep: Int
    package var lastStep: Int
    package var checkpointStep: Int
    package var outcome: String
  }

  package var phase = Phase.starting
  package var process = ProcessIdentity.current
  package var host = ""
  package var runDirectory = ""
  package var command: [String] = []
  package var ranksWanted = 1
  package var hostsGone: [String] = []
  package var job: JobRecord?
  /// Jobs started so far.
  package var attempts = 0
  /// Failures since the last new checkpoint.
  package var failures = 0
  /// The newest checkpoint's step when a job last ended; progress is what goes beyond it.
  package var progressStep = 0
  package var lastStep = 0
  package var steps = 0
  package var started = 0.0
  package var updated = 0.0
  /// The last jobs, oldest first.
  package var history: [Attempt] = []
  /// Files of a watched folder that the job was given.
  package var files: [WatchedFile] = []

  package init() {}

  private static let longestHistory = 200

  package mutating func remember(_ attempt: Attempt) {
    history.append(attempt)
    history.removeFirst(max(0, history.count - Self.longestHistory))
  }
}

extension DaemonState {
  package var json: OrderedJSON {
    [
      "version": 1, "state": .string(phase.rawValue), "pid": .integer(Int(process.pid)),
      "process_start": .string(process.start), "host": .string(host),
      "run_directory": .string(runDirectory), "command": .array(command.map { .string($0) }),
      "ranks_wanted": .integer(ranksWanted),
      "hosts_gone": .array(hostsGone.map { .string($0) }), "job": job?.json ?? .null,
      "attempts": .integer(attempts), "failures": .integer(failures),
      "progress_step": .integer(progressStep), "last_step": .integer(lastStep),
      "steps": .integer(steps), "started": .number(started), "updated": .number(updated),
      "history": .array(history.map(\.json)), "files": .array(files.map(\.json)),
    ]
  }

  /// What a successor needs of an earlier supervisor's state; nil where `json` is none.
  package init?(_ json: OrderedJSON) {
    guard json["version"] == .integer(1),
      let attempts = json["attempts"]?.integerValue,
      let failures = json["failures"]?.integerValue,
      let progressStep = json["progress_step"]?.integerValue
    else { return nil }
    self.attempts = attempts
    self.failures = failures
    self.progressStep = progressStep
    lastStep = json["last_step"]?.integerValue ?? 0
    if case .array(let words)? = json["command"] { command = words.compactMap(\.stringValue) }
    phase = Phase.allCases.first { .string($0.rawValue) == json["state"] } ?? .starting
    job = json["job"].flatMap(JobRecord.init)
    if case .array(let values)? = json["history"] { history = values.compactMap(Attempt.init) }
    if case .array(let values)? = json["files"] { files = values.compactMap(WatchedFile.init) }
  }
}

extension DaemonState.JobRecord {
  var json: OrderedJSON {
    [
      "launch": .string(launch), "pid": process.map { .integer(Int($0.pid)) } ?? .null,
      "process_start": process.map { .string($0.start) } ?? .null, "ranks": .integer(ranks),
      "started": .number(started), "start_step": .integer(startStep),
      "output_start": .integer(outputStart),
    ]
  }

  init?(_ json: OrderedJSON) {
    guard let launch = json["launch"]?.stringValue, let ranks = json["ranks"]?.integerValue,
      let started = json["started"]?.doubleValue,
      let startStep = json["start_step"]?.integerValue,
      let outputStart = json["output_start"]?.integerValue
    else { return nil }
    self.init(
      launch: launch, process: nil, ranks: ranks, started: started, startStep: startStep,
      outputStart: outputStart)
    if let pid = json["pid"]?.integerValue.flatMap({ Int32(exactly: $0) }),
      let start = json["process_start"]?.stringValue
    {
      process = ProcessIdentity(pid: pid, start: start)
    }
  }
}

extension DaemonState.Attempt {
  var json: OrderedJSON {
    [
      "attempt": .integer(attempt), "ranks": .integer(ranks), "started": .number(started),
      "ended": .number(ended), "start_step": .integer(startStep),
      "last_step": .integer(lastStep), "checkpoint_step": .integer(checkpointStep),
      "outcome": .string(outcome),
    ]
  }

  init?(_ json: OrderedJSON) {
    guard let attempt = json["attempt"]?.integerValue, let ranks = json["ranks"]?.integerValue,
      let started = json["started"]?.doubleValue, let ended = json["ended"]?.doubleValue,
      let startStep = json["start_step"]?.integerValue,
      let lastStep = json["last_step"]?.integerValue,
      let checkpointStep = json["checkpoint_step"]?.integerValue,
      let outcome = json["outcome"]?.stringValue
    else { return nil }
    self.init(
      attempt: attempt, ranks: ranks, started: started, ended: ended, startStep: startStep,
      lastStep: lastStep, checkpointStep: checkpointStep, outcome: outcome)
  }
}
