import Checkpoints
import Configuration
import Foundation
package import Records
import Tasks

/// What there is to say of one run in a line. Only reads, and looks at tensors where asked to.
package struct RunSummary: Sendable {
  /// What a run is doing, or how it ended.
  package enum State: String, Sendable {
    case running, stopping, done, stopped, failed, pruned, imported
    /// Its process is gone without a word.
    case killed
    /// Its host has told nothing for a while, and only that host knows more.
    case silent
    /// Nothing says what became of it: an earlier program's, or a copy.
    case unknown
    /// It was refused before its first step.
    case empty
  }

  package let name: String
  package let path: String
  package private(set) var state = State.unknown
  package private(set) var task: String?
  package private(set) var step: Int?
  package private(set) var steps: Int?
  /// By what one model is better than another, and what that is counted in.
  package private(set) var measure: String?
  package private(set) var unit: String?
  package private(set) var bestValue: Double?
  package private(set) var bestStep: Int?
  package private(set) var checkpoints = 0
  package private(set) var bytes = 0
  /// Its last sign of life, or the last change of a file; seconds since 1970.
  package private(set) var changed = 0.0
  package private(set) var host: String?
  package private(set) var ranks: Int?
  /// What is damaged or missing.
  package private(set) var problems: [String] = []

  /// A run that has told nothing for so many seconds may be gone.
  private static let silence = 15.0

  /// Whether every byte of the checkpoints is compared with their manifests.
  private let verifies: Bool

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - verifies: whether every byte of the checkpoints is compared with their manifests, and not
  ///     only sizes, headers and what is small.
  package init(name: String, path: String, now: Double, verifies: Bool = false) {
    self.name = name
    self.path = path
    self.verifies = verifies
    let size = DirectorySize(path)
    bytes = size.bytes
    changed = size.changed
    problems += size.unreadable.map { "\($0) cannot be read" }
    let heartbeat = readHeartbeat()
    let config = readConfig()
    let newest = readCheckpoints()
    let state = readState(newest)
    // What was trained is what the checkpoint says; a config may have been replaced since.
    describe(state.flatMap { try? Config(stored: $0.config, place: path) } ?? config)
    steps = config?.run.steps ?? steps
    step = [step, newest?.step].compactMap { $0 }.max()
    if let state {
      bestValue = state.bestCheckpointValue ?? state.bestCheckpointLoss
      bestStep = bestValue == nil ? nil : state.bestCheckpointStep
      if state.bestMeasure != nil || bestValue != nil { describe(measure: state.measureName) }
    }
    decideState(heartbeat, newest, now: now)
  }

  private var description: TaskDescription? {
    task.flatMap { name in TaskName.allCases.first { $0.rawValue == name } }.map(\.description)
  }

  private mutating func readHeartbeat() -> OrderedJSON? {
    let file = "\(path)/\(RunFiles.heartbeat)"
    guard FileStatus(file) != nil else { return nil }
    guard let heartbeat = RunFiles.read(file, atMost: 1 << 20) else {
      problems.append("\(RunFiles.heartbeat) is damaged")
      return nil
    }
    step = heartbeat["step"]?.integerValue
    steps = heartbeat["steps"]?.integerValue
    host = heartbeat["host"]?.stringValue
    ranks = heartbeat["ranks"]?.integerValue
    if let time = heartbeat["time"]?.doubleValue { changed = max(changed, time) }
    return heartbeat
  }

  private mutating func readConfig() -> Config? {
    let file = "\(path)/\(RunFiles.config)"
    guard FileStatus(file) != nil else { return nil }
    guard let json = RunFiles.read(file, atMost: 4 << 20) else {
      problems.append("\(RunFiles.config) is damaged")
      return nil
    }
    do {
      return try Config(stored: json, place: RunFiles.config)
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Looks at all checkpoints, of which the newest whole one is returned.
  private mutating func readCheckpoints() -> Checkpoint? {
    let store = CheckpointStore(directory: "\(path)/\(RunFiles.checkpoints)")
    var newest: Checkpoint?
    do {
      let steps = try store.steps()
      checkpoints = steps.count
      for step in steps {
        do {
          let path = store.path(ofStep: step)
          let checkpoint =
            verifies ? try Checkpoint(verifying: path) : try Checkpoint(measuring: path)
          try checkpoint.checkSmallParts()
          newest = checkpoint
        } catch {
          problems.append("step \(step): \(error)")
        }
      }
    } catch {
      problems.append("\(error)")
    }
    return newest
  }

  private mutating func readState(_ checkpoint: Checkpoint?) -> TrainingState? {
    guard let checkpoint else { return nil }
    do {
      return try checkpoint.trainingState()
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  private mutating func describe(_ config: Config?) {
    guard let config else { return }
    task = config.task.rawValue
    describe(config.taskDescription, measure: config.measure)
  }

  private mutating func describe(measure name: String) {
    guard name != measure else { return }
    measure = name
    unit = description?.measures.first { $0.name == name }?.unit
  }

  private mutating func describe(_ task: TaskDescription, measure: TaskMetric) {
    self.measure = measure.name
    unit = measure == .loss ? task.lossUnit : measure.unit
  }

  private mutating func decideState(
    _ heartbeat: OrderedJSON?, _ newest: Checkpoint?, now: Double
  ) {
    if newest?.isModelOnly == true { return state = .pruned }
    guard let heartbeat else {
      let hasRecords = FileStatus("\(path)/\(RunFiles.metrics)") != nil
      if newest == nil, checkpoints == 0, !hasRecords { return state = .empty }
      if newest?.step == 0, !hasRecords { state = .imported }
      return
    }
    if let exit = heartbeat["exit_status"]?.integerValue {
      state = exit == 0 ? .done : exit == Int(ExitStatus.stopped) ? .stopped : .failed
      return
    }
    let isStopping = heartbeat["stopping"] == .bool(true)
    let age = heartbeat["time"]?.doubleValue.map { abs(now - $0) } ?? .infinity
    let process = heartbeat["pid"]?.integerValue.flatMap { Int32(exactly: $0) }.map {
      ProcessIdentity(pid: $0, start: heartbeat["process_start"]?.stringValue ?? "")
    }
    if process?.isAlive == true || age <= Self.silence {
      let isHere = host == FileLock.hostName
      state =
        isHere && process?.isAlive != true ? .killed : isStopping ? .stopping : .running
    } else {
      state = host == FileLock.hostName ? .killed : .silent
    }
  }
}

extension RunSummary {
  /// The run as a record.
  package var json: OrderedJSON {
    func text(_ value: String?) -> OrderedJSON { value.map { .string($0) } ?? .null }
    func whole(_ value: Int?) -> OrderedJSON { value.map { .integer($0) } ?? .null }
    return [
      "kind": "run", "name": .string(name), "path": .string(path),
      "state": .string(state.rawValue), "task": text(task), "step": whole(step),
      "steps": whole(steps), "best_by": text(measure), "unit": text(unit),
      "best_value": bestValue.map { .number($0) } ?? .null, "best_step": whole(bestStep),
      "checkpoints": .integer(checkpoints), "bytes": .integer(bytes),
      "changed": .number((changed * 1e3).rounded() / 1e3), "host": text(host),
      "ranks": whole(ranks), "problems": .array(problems.map { .string($0) }),
    ]
  }
}
