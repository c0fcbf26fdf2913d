import Collectives
import Configuration
import Engine
import Foundation
import Kernels
import Records

extension Watchdog {
  /// The watchdog of a run that has settled what it does. Every rank calls it; all throw alike.
  convenience init(
    _ work: TrainingSetup.Work, on communicator: any Communicator, directory: RunDirectory,
    isDebugging: Bool
  ) throws {
    let config = work.config
    let job = String(
      decoding: try communicator.share(Array(UUID().uuidString.utf8)), as: UTF8.self)
    let settings = Settings(
      runDirectory: config.run.directory, job: job,
      launch: ProcessInfo.processInfo.environment[RunFiles.launchVariable],
      rank: communicator.rank, ranks: communicator.worldSize, host: communicator.hostName,
      threads: work.plan.threads, steps: config.run.steps, task: config.taskDescription,
      // The checks of a debug run take any time, and there is nobody to wait for.
      patience: isDebugging ? 0 : Double(config.run.watchdogSeconds))
    // The calls come when the thread that owns them is stuck, or reads the data, as the last ones.
    nonisolated(unsafe) let stuck = communicator
    nonisolated(unsafe) let directory = directory
    let stepsAtOnce = config.exchange.isLocal ? config.exchange.synchronizeEvery : 1
    self.init(
      settings, progress: RunProgress(stepsAtOnce: stepsAtOnce),
      withdraw: { unsafe directory.withdraw() }, abort: { unsafe stuck.abort(status: $0) })
  }

  /// As `begin`, on every rank; removes what an earlier job of more ranks left.
  func begin(on communicator: any Communicator) throws {
    try communicator.coordinate {
      let folder = "\(settings.runDirectory)/\(RunFiles.ranks)"
      let own = Set((0..<settings.ranks).map { RunFiles.rankName($0) })
      let files = FileManager.default
      for name in (try? files.contentsOfDirectory(atPath: folder)) ?? []
      where name.hasPrefix("rank-") && !own.contains("\(RunFiles.ranks)/\(name)") {
        try? files.removeItem(atPath: "\(folder)/\(name)")
      }
    }
    begin()
  }
}

/// The status files of a rank, and what they were before its run.
struct StatusFiles {
  /// Whether they are to be written.
  var isOpen = false
  /// Whether the watchdog's thread runs.
  var isWatching = false
  /// Grows with every telling.
  var sequence = 0
  /// What they were, by path; nil for none.
  private var earlier: [String: Data?] = [:]
  /// The folder of the ranks' files.
  private var folder: String?

  /// Replaces a file.
  ///
  /// Without the directory (a host that does not share it) or room on the disk nothing is told, and
  /// training goes on. Where the file exists, its time still shows that this rank lives.
  mutating func put(_ json: OrderedJSON, _ name: String, in directory: String) {
    let path = "\(directory)/\(name)"
    if earlier[path] == nil {
      earlier[path] = .some(FileManager.default.contents(atPath: path))
      let ranks = "\(directory)/\(RunFiles.ranks)"
      _ = unsafe mkdir(ranks, 0o777)
      folder = ranks
    }
    do { try RunFiles.replace(path, with: json) } catch { unsafe utimes(path, nil) }
  }

  /// Puts back what was there before.
  mutating func restore() {
    for (path, data) in earlier {
      if let data {
        try? data.write(to: URL(fileURLWithPath: path), options: .atomic)
      } else {
        unsafe unlink(path)
      }
    }
    earlier = [:]
    // Only an empty one goes, whoever made it: the last rank to take its file back finds it so.
    if let folder { unsafe rmdir(folder) }
    isOpen = false
  }
}
