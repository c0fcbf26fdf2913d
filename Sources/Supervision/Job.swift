import Foundation
import Records

/// A training job that this supervisor started, or took up from one that is gone.
final class Job {
  /// The launcher.
  let process: ProcessIdentity
  /// What the job's processes carry as `GRU_DIST_LAUNCH`.
  let launch: String
  /// Whether the launcher is a child of this process.
  let isChild: Bool
  let started: Double
  private let runDirectory: String
  /// Rank 0's last word; nil before its first.
  private(set) var status: RankStatus?
  /// Changes with every sign of life.
  private var lifeSign = ""

  init(
    process: ProcessIdentity, launch: String, isChild: Bool, started: Double,
    runDirectory: String
  ) {
    self.process = process
    self.launch = launch
    self.isChild = isChild
    self.started = started
    self.runDirectory = runDirectory
  }

  /// How it ended; nil while the launcher runs. To be asked until it answers, and no further.
  func end() -> JobEnd? {
    guard isChild else {
      if process.isAlive { return nil }
      _ = readHeartbeat()
      return status?.exitStatus.map { .exited($0) } ?? .vanished
    }
    var code: Int32 = 0
    let result = unsafe waitpid(process.pid, &code, WNOHANG)
    if result == 0 || (result < 0 && errno == EINTR) { return nil }
    guard result > 0 else { return .vanished }
    let signal = code & 0x7f
    return signal == 0 ? .exited((code >> 8) & 0xff) : .signalled(signal)
  }

  /// Reads the heartbeat; returns whether there is a new sign of life.
  func readHeartbeat() -> Bool {
    let path = "\(runDirectory)/\(RunFiles.heartbeat)"
    guard let status = RankStatus(file: path), status.launch == launch else { return false }
    self.status = status
    // On a full disk only the file's time changes.
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let date = attributes?[.modificationDate] as? Date
    let sign = "\(status.job) \(status.sequence) \(date?.timeIntervalSince1970 ?? 0)"
    if sign == lifeSign { return false }
    lifeSign = sign
    return true
  }

  /// Passes a signal on: to rank 0, which tells the others, where it runs on this machine, and
  /// otherwise to the launcher, a SIGTERM as the signal by which it stops its ranks in good order.
  ///
  /// - Returns: who got it.
  func forward(_ signal: Int32, family: MPIFamily) -> String {
    _ = readHeartbeat()
    if let rank = status?.process, rank.isAlive {
      kill(rank.pid, signal)
      return "rank 0 (process \(rank.pid))"
    }
    if process.isAlive { kill(process.pid, signal == SIGTERM ? family.stopSignal : signal) }
    return "the launcher (process \(process.pid))"
  }

  /// Whether a stop that was passed on has arrived: rank 0 says so itself. What an earlier version
  /// of the program wrote does not say.
  var hasHeardStop: Bool {
    guard let status else { return false }
    return status.isStopping ?? true
  }

  /// What its end means, when rank 0's own last word and the checkpoints are heard too: a launcher
  /// may end with 0 although it has lost a host.
  ///
  /// - Parameters:
  ///   - checkpointStep: of the newest checkpoint.
  ///   - steps: of the whole run.
  func meaning(of end: JobEnd, checkpointStep: Int, steps: Int) -> JobEnd {
    if end == .killed { return end }
    switch status?.exitStatus {
    case ExitStatus.done?: return .exited(ExitStatus.done)
    case ExitStatus.stopped?: return .exited(ExitStatus.stopped)
    default: break
    }
    let hasMadeSteps = (status?.reading.finishedSteps ?? 0) > 0
    switch end {
    case .exited(ExitStatus.done) where checkpointStep < steps:
      return .unfinished(launcherStatus: ExitStatus.done)
    // Whoever has made steps was not refused.
    case .exited(ExitStatus.badUsage) where hasMadeSteps:
      return .unfinished(launcherStatus: ExitStatus.badUsage)
    default: return end
    }
  }

  /// Ends it, first by asking the launcher, which also reaches other hosts.
  ///
  /// - Returns: whether nothing is left of it on this machine.
  func terminate(patience: Double) -> Bool {
    if patience > 0 {
      if process.isAlive { kill(process.pid, SIGTERM) }
      let end = ContinuousClock.now + .seconds(patience)
      while process.isAlive, ContinuousClock.now < end {
        if isChild { waitpid(process.pid, nil, WNOHANG) }
        usleep(20_000)
      }
    }
    return clear()
  }

  /// Kills what is left of it on this machine.
  func clear() -> Bool { JobProcesses.killAll(ofLaunch: launch, leader: process) }
}

/// The processes of a job on this machine: launcher and ranks.
///
/// They carry the launch's name in their environment, so that a stranger is never among them,
/// whatever has become of process numbers, groups and parents.
enum JobProcesses {
  /// Processes that run, in no order. Systems without `/proc` show none.
  static func all(ofLaunch launch: String) -> [ProcessIdentity] {
    let mark = Array("\(RunFiles.launchVariable)=\(launch)".utf8)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
      guard let pid = Int32(name), pid != getpid(), let process = ProcessIdentity(pid: pid),
        let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
        environment.split(separator: 0).contains(where: { $0.elementsEqual(mark) })
      else { return nil }
      return process
    }
  }

  /// Kills all that is left of a launch, and its launcher's process group.
  ///
  /// - Returns: whether nothing is left; a process that hangs in the system dies only later.
  static func killAll(ofLaunch launch: String, leader: ProcessIdentity?) -> Bool {
    for _ in 0..<200 {
      let processes = all(ofLaunch: launch)
      let isLed = leader?.isAlive == true
      if processes.isEmpty, !isLed { return true }
      if let leader, isLed { kill(-leader.pid, SIGKILL) }
      for process in processes where process.isAlive { kill(process.pid, SIGKILL) }
      // A child of this process stays visible, as its exit status, until somebody waits for it.
      if let leader { waitpid(leader.pid, nil, WNOHANG) }
      usleep(20_000)
    }
    return false
  }
}
