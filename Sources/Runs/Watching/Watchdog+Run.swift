import Collectives
import Configuration
import Engine
import Foundation
import Records

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
      // The checks of a debug run take any time, and there is nobody to wait for.
      patience: isDebugging ? 0 : Double(setup.config.run.watchdogSeconds),
      followsParent: followsParent)
    // The call comes when the thread that owns the communicator is stuck in it, as the last one.
    nonisolated(unsafe) let stuck = communicator
    self.init(settings, progress: trainer.progress) { stuck.abort(status: ExitStatus.failed) }
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
