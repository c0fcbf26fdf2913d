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
/// its newest checkpoint. It also ends a run that is to stop and still reads the data.
///
/// It is there before the data are read, which may take long, and tells of that once it takes a
/// second, a supervisor waits for it, or the run is to stop. Until the run begins, `withdraw`
/// leaves the status files of the run before as they were.
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
  }

  let settings: Settings
  let progress: RunProgress
  /// Gives up the run directory of a run that has not begun.
  let withdrawDirectory: @Sendable () -> Void
  /// Ends all ranks of the job with a status.
  private let abort: @Sendable (Int32) -> Void
  private let stopped = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let started = Date().timeIntervalSince1970
  private let files = Mutex(StatusFiles())
  /// The step that the run goes on to.
  private let lastStep: Mutex<Int>
  private let refusesFile = Mutex(false)

  /// - Parameters:
  ///   - withdraw: called on the watchdog's thread where the run is not to begin.
  ///   - abort: called on a thread of its own; may return when it did not work.
  package init(
    _ settings: Settings, progress: RunProgress, withdraw: @escaping @Sendable () -> Void = {},
    abort: @escaping @Sendable (Int32) -> Void
  ) {
    self.settings = settings
    lastStep = Mutex(settings.steps)
    self.progress = progress
    withdrawDirectory = withdraw
    self.abort = abort
  }

  /// Seconds between two looks.
  var interval: Double {
    settings.patience > 0 ? min(1, max(0.05, settings.patience / 8)) : 1
  }

  /// Takes note of the step that the run goes on to, where that is not the config's last.
  package func expect(steps: Int) { lastStep.withLock { $0 = steps } }

  package func start() {
    files.withLock { $0.isWatching = true }
    Thread.detachNewThread { self.watch() }
  }

  /// From now on the status files are this run's.
  package func begin() {
    files.withLock { $0.isOpen = true }
    tell(progress.reading, seconds: 0)
  }

  /// Ends the thread.
  package func stop() {
    let isWatching = files.withLock { files in
      defer { files.isWatching = false }
      return files.isWatching
    }
    guard isWatching else { return }
    stopped.signal()
    ended.wait()
  }

  /// Ends the thread and tells what the run ended with.
  package func finish(exitStatus: Int32) {
    stop()
    files.withLock { $0.isOpen = true }
    tell(progress.reading, seconds: 0, exitStatus: exitStatus)
  }

  /// Does something that may be refused for the file that the run is to pass over, which a
  /// supervisor is told then.
  func minding<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as FileRefusal {
      refusesFile.withLock { $0 = true }
      throw error
    }
  }

  /// Ends the thread of a run that was refused, or had nothing to do. A supervisor is told so all
  /// the same.
  package func withdraw(exitStatus: Int32) {
    stop()
    withdrawFiles(exitStatus: exitStatus)
  }

  func withdrawFiles(exitStatus: Int32) {
    if settings.launch == nil { return files.withLock { $0.restore() } }
    files.withLock { $0.isOpen = true }
    tell(progress.reading, seconds: 0, exitStatus: exitStatus)
  }

  private func watch() {
    var last = progress.reading
    var told = last
    var seconds = 0.0
    var untold = 0.0
    var before = ContinuousClock.now
    var isStopTold = false
    var processorSeconds = 0.0
    var stop = ReadingStop()
    if settings.launch != nil { files.withLock { $0.isOpen = true } }
    tell(last, seconds: 0)
    while stopped.wait(timeout: .now() + pause(after: last)) == .timedOut {
      let now = ContinuousClock.now
      // A longer gap means that this process, or the machine, did not run.
      let elapsed = min((now - before).seconds, 2 * interval)
      before = now
      let reading = progress.reading
      follow(&stop, reading, elapsed: elapsed)
      let processor = reading.activity == .reading ? Self.processorSeconds : processorSeconds
      // Reading is one long part: it goes on while it computes. This thread hardly does.
      let isAdvancing = reading != last || processor - processorSeconds > 0.02 * elapsed
      processorSeconds = processor
      seconds = isAdvancing ? 0 : seconds + elapsed
      last = reading
      untold += elapsed
      let hasNews =
        (reading.finishedSteps > 0) != (told.finishedSteps > 0)
        || Signals.isStopRequested != isStopTold
      if !stop.isWithdrawn, untold >= 0.9 * interval || hasNews {
        files.withLock { $0.isOpen = true }
        isStopTold = tell(reading, seconds: seconds)
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
    case .starting, .reading, .checkpoint, .finishing: return 20 * usual
    case .validation: return 10 * usual
    // Before there is a usual step, nobody knows how long one takes.
    default: return reading.finishedSteps == 0 ? 20 * usual : usual
    }
  }

  /// How much longer this rank waits than rank 0, so that as a rule one rank reports for all: the
  /// lowest that can.
  private var grace: Double { interval * Double(min(20, 5 * settings.rank)) }

  /// Processor time of all threads of this process.
  private static var processorSeconds: Double {
    var time = timespec()
    guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return 0 }
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  // MARK: - Telling

  /// Writes the status down, where that is the run's to do.
  ///
  /// - Returns: whether it says that the run is to stop.
  @discardableResult private func tell(
    _ reading: RunProgress.Reading, seconds: Double, exitStatus: Int32? = nil
  ) -> Bool {
    files.withLock { files in
      guard files.isOpen else { return false }
      files.sequence += 1
      var status = RankStatus(
        job: settings.job, launch: settings.launch, rank: settings.rank, host: settings.host,
        process: .current, reading: reading, seconds: seconds, sequence: files.sequence,
        exitStatus: exitStatus)
      status.times = progress.times
      let isStopping = Signals.isStopRequested
      status.isStopping = isStopping
      status.refusesFile = refusesFile.withLock { $0 }
      let json = status.json(time: Date().timeIntervalSince1970)
      files.put(json, RunFiles.rankName(settings.rank), in: settings.runDirectory)
      if settings.rank == 0 {
        files.put(heartbeat(json), RunFiles.heartbeat, in: settings.runDirectory)
      }
      return isStopping
    }
  }

  private func heartbeat(_ json: OrderedJSON) -> OrderedJSON {
    guard case .object(let members) = json else { return json }
    return .object(
      members + [
        .init("steps", .integer(lastStep.withLock { $0 })),
        .init("ranks", .integer(settings.ranks)),
        .init("threads", .integer(settings.threads)), .init("task", settings.task.json),
        .init("step_seconds", progress.medianStepSeconds.map { .number($0) } ?? .null),
        .init(
          "remaining_seconds",
          progress.remainingSeconds.map { .number(($0 * 10).rounded() / 10) } ?? .null),
        .init("started", .number((started * 1e3).rounded() / 1e3)),
      ])
  }

  // MARK: - Ending

  private func endStalledJob(_ reading: RunProgress.Reading, seconds: Double, limit: Double) {
    let report = StallReport(settings: settings, interval: interval)
    Console.complain(
      report.text(reading, seconds: seconds, limit: limit, median: progress.medianStepSeconds))
    files.withLock { $0.isOpen = true }
    tell(reading, seconds: seconds, exitStatus: ExitStatus.failed)
    endJob(ExitStatus.failed)
  }

  /// Asks the launcher to end all ranks, and ends this one where that does not help: a launcher
  /// ends a job one of whose ranks is gone.
  func endJob(_ status: Int32) -> Never {
    Thread.detachNewThread { self.abort(status) }
    Thread.sleep(forTimeInterval: 5)
    _exit(status)
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
