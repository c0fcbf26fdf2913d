import Collectives
import Configuration
import Dispatch
import Engine
import Foundation
package import Records
import Synchronization
package import Tasks

/// A thread beside the training of a rank. About once a second it tells where the rank stands, and
/// when a step does not advance it says who is missing and ends the job, so that it can go on from
/// its newest checkpoint. It also ends a rank whose launcher is gone.
///
/// Time counts only while the process runs: a job that was suspended as a whole is not late.
package final class Watchdog: Sendable {
  /// What the thread needs to know; the same on all ranks but for the rank's own.
  package struct Settings: Sendable {
    package var runDirectory: String
    /// See `RankStatus`.
    package var job: String
    package var launch: String?
    package var rank: Int
    package var ranks: Int
    package var host: String
    package var threads: Int
    package var steps: Int
    package var task: TaskDescription
    /// The least seconds after which a step is late; 0 never ends the job.
    package var patience: Double
    /// Whether the process that started this one must live.
    package var followsParent: Bool
  }

  let settings: Settings
  let progress: RunProgress
  /// Ends all ranks of the job.
  private let abort: @Sendable () -> Void
  private let stopped = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let parent = getppid()
  private let started = Date().timeIntervalSince1970
  private let sequence = Mutex(0)

  /// - Parameter abort: called on the watchdog's thread; may return when it did not work.
  package init(_ settings: Settings, progress: RunProgress, abort: @escaping @Sendable () -> Void) {
    self.settings = settings
    self.progress = progress
    self.abort = abort
  }

  /// Seconds between two looks.
  var interval: Double {
    settings.patience > 0 ? min(1, max(0.05, settings.patience / 8)) : 1
  }

  package func start() { Thread.detachNewThread { self.watch() } }

  /// Ends the thread and tells what the run ended with.
  package func finish(exitStatus: Int32) {
    stopped.signal()
    ended.wait()
    tell(progress.reading, seconds: 0, exitStatus: exitStatus)
  }

  private func watch() {
    var last = progress.reading
    var told = last
    var seconds = 0.0
    var untold = 0.0
    var before = ContinuousClock.now
    tell(last, seconds: 0)
    while stopped.wait(timeout: .now() + pause(after: last)) == .timedOut {
      let now = ContinuousClock.now
      // A longer gap means that this process, or the machine, did not run.
      let elapsed = min((now - before).seconds, 2 * interval)
      before = now
      if settings.followsParent, getppid() != parent { endOrphan() }
      let reading = progress.reading
      seconds = reading == last ? seconds + elapsed : 0
      last = reading
      untold += elapsed
      if untold >= 0.9 * interval || (reading.finishedSteps > 0) != (told.finishedSteps > 0) {
        tell(reading, seconds: seconds)
        told = reading
        untold = 0
      }
      if let limit = limit(for: reading), seconds > limit + grace {
        endStalledJob(reading, seconds: seconds, limit: limit)
      }
    }
    ended.signal()
  }

  /// Looks come sooner before the first step, so that a supervisor soon knows that there is one.
  private func pause(after reading: RunProgress.Reading) -> Double {
    reading.finishedSteps == 0 ? min(0.1, interval) : interval
  }

  /// Seconds that the activity under way may take; nil for as long as it likes.
  func limit(for reading: RunProgress.Reading) -> Double? {
    guard settings.patience > 0 else { return nil }
    // Who is through with a round waits for the slowest.
    let usual = max(
      settings.patience, 20 * Double(progress.stepsAtOnce) * (progress.medianStepSeconds ?? 0))
    switch reading.activity {
    // These depend on files of any size, and on disks that may be slow for a while.
    case .starting, .checkpoint, .finishing: return 20 * usual
    case .validation: return 10 * usual
    // Before there is a usual step, nobody knows how long one takes.
    default: return reading.finishedSteps == 0 ? 20 * usual : usual
    }
  }

  /// How much longer this rank waits than rank 0, so that as a rule one rank reports for all: the
  /// lowest that can.
  private var grace: Double { interval * Double(min(20, 5 * settings.rank)) }

  // MARK: - Telling

  private func tell(_ reading: RunProgress.Reading, seconds: Double, exitStatus: Int32? = nil) {
    var status = RankStatus(
      job: settings.job, launch: settings.launch, rank: settings.rank, host: settings.host,
      process: .current, reading: reading, seconds: seconds,
      sequence: sequence.withLock {
        $0 += 1
        return $0
      }, exitStatus: exitStatus)
    status.times = progress.times
    let json = status.json(time: Date().timeIntervalSince1970)
    put(json, RunFiles.rankName(settings.rank))
    if settings.rank == 0 { put(heartbeat(json), RunFiles.heartbeat) }
  }

  private func heartbeat(_ json: OrderedJSON) -> OrderedJSON {
    guard case .object(let members) = json else { return json }
    return .object(
      members + [
        .init("steps", .integer(settings.steps)), .init("ranks", .integer(settings.ranks)),
        .init("threads", .integer(settings.threads)), .init("task", settings.task.json),
        .init("step_seconds", progress.medianStepSeconds.map { .number($0) } ?? .null),
        .init("started", .number((started * 1e3).rounded() / 1e3)),
      ])
  }

  /// Without the directory (a host that does not share it) or room on the disk nothing is told, and
  /// training goes on. Where the file exists, its time still shows that this rank lives.
  private func put(_ json: OrderedJSON, _ name: String) {
    let path = "\(settings.runDirectory)/\(name)"
    do { try RunFiles.replace(path, with: json) } catch { unsafe utimes(path, nil) }
  }

  // MARK: - Ending

  private func endStalledJob(_ reading: RunProgress.Reading, seconds: Double, limit: Double) {
    let report = StallReport(settings: settings, interval: interval)
    Console.complain(
      report.text(reading, seconds: seconds, limit: limit, median: progress.medianStepSeconds))
    tell(reading, seconds: seconds, exitStatus: ExitStatus.failed)
    endJob()
  }

  private func endOrphan() -> Never {
    Console.complain(
      "gru-dist: rank \(settings.rank) on \(settings.host): the process that started it "
        + "(\(parent)) is gone; ending")
    _exit(ExitStatus.failed)
  }

  /// Asks the launcher to end all ranks, and ends this one where that does not help: a launcher
  /// ends a job one of whose ranks is gone.
  private func endJob() -> Never {
    Thread.detachNewThread { self.abort() }
    Thread.sleep(forTimeInterval: 5)
    _exit(ExitStatus.failed)
  }
}

extension Watchdog {
  /// The watchdog of a run. Every rank calls it; all throw alike.
  convenience init(
    setup: TrainingSetup, trainer: Trainer, followsParent: Bool, isDebugging: Bool
  ) throws {
    let communicator = trainer.communicator
    let directory = setup.config.run.directory
    try communicator.coordinate { Self.clearStatus(in: directory, ranks: communicator.worldSize) }
    let job = String(
      decoding: try communicator.share(Array(UUID().uuidString.utf8)), as: UTF8.self)
    let settings = Settings(
      runDirectory: directory, job: job,
      launch: ProcessInfo.processInfo.environment[RunFiles.launchVariable],
      rank: communicator.rank, ranks: communicator.worldSize, host: communicator.hostName,
      threads: trainer.replica.threads, steps: setup.config.run.steps,
      task: setup.config.taskDescription,
      // The checks of a debug run take any time, and there is nobody to wait for.
      patience: isDebugging ? 0 : Double(setup.config.run.watchdogSeconds),
      followsParent: followsParent)
    // The call comes when the thread that owns the communicator is stuck in it, as the last one.
    nonisolated(unsafe) let stuck = communicator
    self.init(settings, progress: trainer.progress) {
      unsafe stuck.abort(status: ExitStatus.failed)
    }
  }

  /// Makes the place for the ranks' status and removes what an earlier job left there. Where that
  /// fails, ranks tell nothing, and training goes on.
  private static func clearStatus(in directory: String, ranks: Int) {
    let folder = "\(directory)/\(RunFiles.ranks)"
    let files = FileManager.default
    for name in (try? files.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix("rank-")
    {
      try? files.removeItem(atPath: "\(folder)/\(name)")
    }
    try? files.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }
}

extension TaskDescription {
  /// What those who show a run must know of its task: names and units.
  package var json: OrderedJSON {
    [
      "name": .string(name), "unit": .string(unit.rawValue), "loss_unit": .string(lossUnit),
      "metrics": .array(metrics.map { .string($0.name) }),
    ]
  }
}
