import Checkpoints
import Configuration
import Foundation
import Records

/// Keeps a training job alive: starts it, watches its heartbeat and its end, and starts it again
/// from its newest checkpoint until it is done, was stopped, or cannot be helped.
///
/// Its state is on the disk at every moment, so that another supervisor can go on with the job that
/// this one leaves when it is killed.
package final class Supervisor {
  let options: SupervisorOptions
  let log: DaemonLog
  let output: JobOutput
  var state: DaemonState
  var policy: RestartPolicy
  /// Whether it was asked to stop and has passed that on.
  var isStopping = false
  /// When it was asked to stop.
  var stopAsked: ContinuousClock.Instant?
  /// When it last passed that on.
  var stopPassed: ContinuousClock.Instant?
  /// Why it gives up, where that is no number of failures.
  var surrender: String?
  /// Whether the last job was refused for the file that it was given, and for nothing else.
  var isFileRefused = false
  /// SIGUSR1s that were passed on, or came when there was no job.
  var passedSaves = 0
  private let lock: FileLock
  private let hostfile: Hostfile?
  /// Hosts that the launcher complained of when it last failed to start the job.
  private var suspects: Set<String> = []

  /// Takes the run directory.
  ///
  /// - Throws: where another supervisor has it.
  package init(_ options: SupervisorOptions) throws {
    self.options = options
    hostfile = try options.hostfile.map { try Hostfile(file: $0) }
    let directory = options.runDirectory
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw UsageError("run.directory '\(directory)' cannot be made: \(error)")
    }
    lock = try Self.lock(directory)
    log = DaemonLog(runDirectory: directory)
    output = JobOutput(runDirectory: directory, isQuiet: options.isQuiet)
    policy = RestartPolicy(
      maxFailures: options.maxFailures, firstDelay: options.backOff,
      longestDelay: SupervisorOptions.longestBackOff)
    state = DaemonState()
    if let json = RunFiles.read("\(directory)/\(RunFiles.daemonState)"),
      let earlier = DaemonState(json)
    {
      state.attempts = earlier.attempts
      state.lastStep = earlier.lastStep
      state.history = earlier.history
      state.job = earlier.job
      state.files = earlier.files
      state.command = earlier.command
      // Checkpoints may have been removed since.
      state.progressStep = min(earlier.progressStep, checkpointStep)
      // Whoever starts again after the end wants another try; after a crash the count goes on.
      let underWay: [DaemonState.Phase] = [.starting, .running, .waiting, .stopping, .watching]
      let wasUnderWay = underWay.contains(earlier.phase)
      policy.failures = wasUnderWay ? earlier.failures : 0
    }
    state.host = ProcessInfo.processInfo.hostName
    state.runDirectory = directory
    state.ranksWanted = options.ranks
    state.steps = options.config.lastStep ?? 0
    state.started = now
  }

  private static func lock(_ directory: String) throws -> FileLock {
    do throws(FileLockError) {
      let lock = try FileLock(path: "\(directory)/\(RunFiles.daemonLock)")
      if let warning = lock.warning { Console.complain(warning) }
      return lock
    } catch {
      switch error {
      case .system(let error): throw UsageError("\(error)")
      case .held(let holder):
        throw UsageError(
          "another daemon (\(holder)) looks after \(directory); stop it by SIGTERM, or choose "
            + "another run directory")
      }
    }
  }

  /// Supervises until there is nothing more to do.
  ///
  /// - Returns: the exit status.
  package func run() throws -> Int32 {
    Signals.listenAsSupervisor()
    let left = takeUp()
    let passes = options.watched == nil ? [] : try filePasses()
    var end = DaemonState.Phase.done
    // A run that passes over files has made its own steps.
    if left != nil || passes.isEmpty {
      end = try supervise(nil, takingUp: left)
      if end == .badConfig, let folder = options.watched, try fileUnderWay() != nil {
        surrender = whyRefused(try filePasses(), in: folder, output.tail())
        end = .gaveUp
      }
    }
    if end == .done, let folder = options.watched { end = try passOverFiles(of: folder) }
    return finish(end)
  }

  /// Has a job done, with as many starts as that takes.
  ///
  /// - Parameters:
  ///   - file: to pass over; nil trains to the config's last step.
  ///   - left: a job that runs already.
  func supervise(_ file: String?, takingUp left: Job? = nil) throws -> DaemonState.Phase {
    var left = left
    while true {
      // A job that was taken up may have begun a pass since that file was named.
      let file = try fileUnderWay() ?? file
      if left == nil {
        passedSaves = Signals.saveRequests
        if Signals.isStopRequested { return .stopped }
        if let reason = file.flatMap(whyMissing) {
          surrender = reason
          return .gaveUp
        }
      }
      let job = try left ?? launch(file)
      left = nil
      let end = watch(job)
      switch conclude(job, end) {
      case .done: return .done
      case .stopped: return .stopped
      case .killed: return .killed
      case .badConfig: return .badConfig
      case .giveUp: return .gaveUp
      case .restart(let delay):
        if !rest(seconds: delay) { return .stopped }
      }
    }
  }

  var now: Double { (Date().timeIntervalSince1970 * 1e3).rounded() / 1e3 }

  /// The step of the newest checkpoint, whole or not; 0 for none.
  var checkpointStep: Int {
    let store = CheckpointStore(directory: "\(options.runDirectory)/checkpoints")
    return (try? store.steps().last) ?? 0
  }

  /// Writes the state; without room for it the supervisor goes on.
  func keep(_ phase: DaemonState.Phase) {
    state.phase = phase
    state.updated = now
    state.failures = policy.failures
    let path = "\(options.runDirectory)/\(RunFiles.daemonState)"
    do {
      try RunFiles.replace(path, with: state.json, isDurable: true)
    } catch {
      Console.complain("gru-dist daemon: \(error)")
    }
  }

  // MARK: - Starting

  /// The job that an earlier supervisor left, if it lives; what is left of a dead one is removed.
  private func takeUp() -> Job? {
    guard let record = state.job else { return nil }
    if let process = record.process, process.isAlive {
      log.say(
        "takes up the job of an earlier daemon: process \(process.pid), \(record.ranks) ranks")
      output.takeUp(start: record.outputStart)
      keep(.running)
      return Job(
        process: process, launch: record.launch, isChild: false, started: record.started,
        runDirectory: options.runDirectory)
    }
    let job = Job(
      process: record.process ?? ProcessIdentity(pid: 0, start: ""), launch: record.launch,
      isChild: false, started: record.started, runDirectory: options.runDirectory)
    log.say("the job of an earlier daemon is gone")
    _ = job.clear()
    state.job = nil
    return nil
  }

  /// Starts the job on the hosts that answer.
  private func launch(_ file: String?) throws -> Job {
    var ranks = options.ranks
    var hostsPath = options.hostfile
    if let hostfile {
      let (left, gone) = HostProbe(command: options.probe).reachable(
        hostfile, without: suspects)
      if gone != state.hostsGone {
        log.say(
          gone.isEmpty
            ? "all hosts answer"
            : "hosts gone: \(gone.joined(separator: ", ")); each start tries them again")
      }
      state.hostsGone = gone
      if !left.hosts.isEmpty, !gone.isEmpty || !hostfile.isPlain(for: options.family) {
        ranks = left.ranks(wanted: options.ranks, ofAll: hostfile)
        let path = "\(options.runDirectory)/\(RunFiles.daemonHosts)"
        if let input = options.hostfile, FileStatus.areSame(input, path) {
          throw UsageError("--hostfile: '\(path)' is written by the daemon; name another file")
        }
        try FileDraft.write(Array(left.text(for: options.family).utf8), to: path, replaces: true)
        hostsPath = path
      }
    }
    let command = options.command(ranks: ranks, hostfile: hostsPath, file: file)
    let launch = UUID().uuidString
    let startStep = checkpointStep
    let path = try output.begin()
    state.attempts += 1
    state.command = command
    state.job = DaemonState.JobRecord(
      launch: launch, process: nil, ranks: ranks, started: now, startStep: startStep,
      outputStart: output.start)
    keep(.starting)
    var environment = ProcessInfo.processInfo.environment
    environment[RunFiles.launchVariable] = launch
    let pid: Int32
    do throws(SystemError) {
      pid = try Spawn.start(command, environment: environment, output: path)
    } catch {
      throw UsageError(
        "cannot start '\(command[0])': \(SystemError.reason(error.code)); install it, put it on "
          + "the PATH, or name another launcher after --")
    }
    // One that is over already has no start any more.
    let process = ProcessIdentity(pid: pid) ?? ProcessIdentity(pid: pid, start: "over")
    state.job?.process = process
    keep(.running)
    log.say(
      "attempt \(state.attempts): started \(ranks) ranks as process \(pid), from "
        + (startStep > 0 ? "step \(startStep)" : "the beginning"))
    return Job(
      process: process, launch: launch, isChild: true, started: now,
      runDirectory: options.runDirectory)
  }

  // MARK: - Ending

  /// Removes what is left of the job, remembers it and decides what follows.
  private func conclude(_ job: Job, _ end: JobEnd) -> RestartPolicy.Decision {
    if !job.clear() { log.say("some processes of the job do not end; they hang in the system") }
    _ = job.readHeartbeat()
    output.relay()
    let newest = checkpointStep
    let end = job.meaning(of: end, checkpointStep: newest, steps: options.config.lastStep ?? .max)
    state.lastStep = job.status?.reading.step ?? state.lastStep
    let record = state.job
    state.remember(
      DaemonState.Attempt(
        attempt: state.attempts, ranks: record?.ranks ?? options.ranks, started: job.started,
        ended: now, startStep: record?.startStep ?? 0, lastStep: state.lastStep,
        checkpointStep: newest, outcome: "\(end)"))
    state.job = nil
    isFileRefused = job.status?.refusesFile ?? false
    let hasStarted = job.status != nil
    suspects = hasStarted ? [] : hostfile?.named(in: output.tail()) ?? []
    let hasProgressed = newest > state.progressStep
    state.progressStep = newest
    let decision = policy.decide(end, hasProgressed: hasProgressed, isStopping: isStopping)
    let what = "the job ended: \(end), at step \(state.lastStep), checkpoint of step \(newest)"
    if case .restart(let delay) = decision {
      log.say(
        what + (hasProgressed ? "" : "; failure \(policy.failures) without a newer checkpoint")
          + "; next start in \(Format.fixed(delay, 2)) s")
    } else {
      log.say(what)
    }
    return decision
  }

  /// Waits before a restart; returns whether nobody asked to stop meanwhile.
  private func rest(seconds: Double) -> Bool {
    keep(.waiting)
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if Signals.isStopRequested { return false }
      usleep(20_000)
    }
    return true
  }

  private func finish(_ phase: DaemonState.Phase) -> Int32 {
    state.job = nil
    keep(phase)
    let directory = options.runDirectory
    switch phase {
    case .done:
      log.say("done")
      return ExitStatus.done
    case .badConfig:
      log.say("gives up: the job refuses its config or command line\n\(output.tail())")
      return ExitStatus.badUsage
    case .gaveUp:
      log.say(
        surrender.map { "gives up: \($0)" }
          ?? "gives up after \(policy.failures) failures without a new checkpoint; the job's last "
          + "words (all are in \(directory)/\(RunFiles.jobLog)):\n\(output.tail())")
      return ExitStatus.failed
    case .killed:
      log.say("killed the job on request; the same command goes on from the newest checkpoint")
      return ExitStatus.failed
    default:
      log.say("stopped; the same command goes on from the newest checkpoint")
      return ExitStatus.stopped
    }
  }
}
