import Foundation

/// What a rank reports about itself, about once a second: `ranks/rank-00003.json`, and with the
/// job's figures rank 0's `heartbeat.json`.
package struct RankStatus: Sendable, Equatable {
  /// A name that no two jobs share; the same on all ranks of a job.
  package var job: String
  /// The launch that a supervisor gave the job.
  package var launch: String?
  package var rank: Int
  package var host: String
  package var process: ProcessIdentity
  package var reading: RunProgress.Reading
  /// Seconds since the last beat.
  package var seconds: Double
  /// Grows by one with every telling, so that a reader with another clock sees whether it lives.
  package var sequence: Int
  /// What the run ended with; nil while it goes on.
  package var exitStatus: Int32?
  /// Whether it has heard that the run is to stop; nil where an earlier program wrote it.
  package var isStopping: Bool?
  /// Whether the run was refused for the file that it was to pass over, and would go on without it.
  package var refusesFile = false
  /// How long the rank's steps take; nil before the first.
  package var times: RunProgress.Times?

  /// - Parameter time: seconds since 1970.
  package func json(time: Double) -> OrderedJSON {
    let always: OrderedJSON = [
      "version": 1, "job": .string(job), "launch": launch.map { .string($0) } ?? .null,
      "rank": .integer(rank), "host": .string(host), "pid": .integer(Int(process.pid)),
      "process_start": .string(process.start), "phase": .string(reading.activity.phase),
      "activity": .string(reading.activity.words), "step": .integer(reading.step),
      "beats": .integer(reading.beats), "finished_steps": .integer(reading.finishedSteps),
      "seconds": .number((seconds * 10).rounded() / 10), "sequence": .integer(sequence),
      "time": .number((time * 1e3).rounded() / 1e3),
      "exit_status": exitStatus.map { .integer(Int($0)) } ?? .null,
      "stopping": isStopping.map { .bool($0) } ?? .null,
    ]
    let status = refusesFile ? always.merging(["refused_file": true]) : always
    let data: OrderedJSON = [
      "read_bytes": .integer(reading.data.read), "data_bytes": .integer(reading.data.total),
    ]
    let isReading = reading.activity == .reading && reading.data.total > 0
    guard let times else { return isReading ? status.merging(data) : status }
    return status.merging([
      "mean_step_seconds": .number(times.step), "mean_exchange_seconds": .number(times.exchange),
      "mean_data_seconds": .number(times.data),
    ])
  }

  /// Nil where `json` is no status, or one of another version.
  package init?(_ json: OrderedJSON) {
    guard json["version"] == .integer(1), let job = json["job"]?.stringValue,
      let rank = json["rank"]?.integerValue, let host = json["host"]?.stringValue,
      let pid = json["pid"]?.integerValue.flatMap({ Int32(exactly: $0) }),
      let start = json["process_start"]?.stringValue,
      let activity = RunActivity.allCases.first(where: { .string($0.words) == json["activity"] }),
      let step = json["step"]?.integerValue, let beats = json["beats"]?.integerValue,
      let finishedSteps = json["finished_steps"]?.integerValue,
      let seconds = json["seconds"]?.doubleValue,
      let sequence = json["sequence"]?.integerValue
    else { return nil }
    self.init(
      job: job, launch: json["launch"]?.stringValue, rank: rank, host: host,
      process: ProcessIdentity(pid: pid, start: start),
      reading: RunProgress.Reading(
        activity: activity, step: step, beats: beats, finishedSteps: finishedSteps,
        data: ReadingProgress.Amount(
          read: json["read_bytes"]?.integerValue ?? 0,
          total: json["data_bytes"]?.integerValue ?? 0)),
      seconds: seconds, sequence: sequence,
      exitStatus: json["exit_status"]?.integerValue.flatMap { Int32(exactly: $0) })
    if case .bool(let isStopping)? = json["stopping"] { self.isStopping = isStopping }
    refusesFile = json["refused_file"] == .bool(true)
  }

  package init(
    job: String, launch: String?, rank: Int, host: String, process: ProcessIdentity,
    reading: RunProgress.Reading, seconds: Double, sequence: Int, exitStatus: Int32? = nil
  ) {
    self.job = job
    self.launch = launch
    self.rank = rank
    self.host = host
    self.process = process
    self.reading = reading
    self.seconds = seconds
    self.sequence = sequence
    self.exitStatus = exitStatus
  }

  /// Reads a status file; nil where it is missing or another's.
  package init?(file path: String) {
    guard let json = RunFiles.read(path) else { return nil }
    self.init(json)
  }

  /// One line for people.
  package var words: String {
    let place = "rank \(rank) on \(host) (process \(process.pid))"
    let amount = reading.activity == .reading ? reading.data.words.map { " (\($0))" } : nil
    return "\(place): step \(reading.step), \(reading.activity.words)\(amount ?? ""), beat "
      + "\(reading.beats)"
  }
}
