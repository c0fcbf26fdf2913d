import Checkpoints
import Foundation
import Records
import Scoring

/// What belongs to the run that is in the directory already.
extension RunDirectory {
  /// Throws where the place of the checkpoints is a link that leads to no directory: whoever laid
  /// it has them elsewhere.
  func requirePlaceForCheckpoints() throws(UsageError) {
    let place = store.directory
    guard FileStatus(place, followsLink: false)?.kind == .link else { return }
    let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: place)) ?? "?"
    switch FileStatus(place)?.kind {
    case .directory: return
    case nil:
      throw UsageError(
        "\(place) is a link to '\(target)', which is not there; mount or make that directory, or "
          + "remove the link")
    case let kind?:
      throw UsageError(
        "\(place) is a link to '\(target)', which is \(kind.rawValue), expected a directory")
    }
  }

  /// Throws where there are no checkpoints, and the metrics tell of some: they are elsewhere, not
  /// none.
  func requireNoneMissing() throws {
    let metrics = "\(path)/\(RunFiles.metrics)"
    guard let step = try MetricsSurvey(path: metrics).newestCheckpoint else { return }
    let isThere = FileStatus(store.directory) != nil
    throw UsageError(
      "\(metrics) tells of a checkpoint of step \(step), and \(store.directory) "
        + (isThere ? "holds none" : "is not there")
        + "; bring the checkpoints back, or start over by --overwrite")
  }

  /// What to say where the newest checkpoint of the metrics is not there, and an older one is.
  func complaint(ofCheckpoint step: Int) -> String? {
    guard let newest = try? MetricsSurvey(path: "\(path)/\(RunFiles.metrics)").newestCheckpoint,
      newest > step
    else { return nil }
    return "gru-dist: warning: the metrics of \(path) tell of a checkpoint of step \(newest), "
      + "which is not in \(store.directory); going on from step \(step)"
  }

  /// Removes what belongs to the run. Links stay, and what they lead to is emptied.
  func empty() throws {
    let files = [RunFiles.metrics, ImportedBiases.fileName, RunFiles.start].map { "\(path)/\($0)" }
    for file in files {
      if let kind = FileStatus(file)?.kind, kind != .regular {
        throw RunDirectoryError("\(file) is \(kind.rawValue), expected a file; it is not removed")
      }
    }
    for file in files {
      let isLink = FileStatus(file, followsLink: false)?.kind == .link
      // An empty file of metrics is one of no records; of biases, a damaged one.
      if isLink, FileStatus(file) != nil, file == files[0] {
        try FileDraft.write([], to: file, replaces: true)
      } else {
        try Self.remove(file)
      }
    }
    for name in [RunFiles.validation, RunFiles.hooksLog, RunFiles.hooksLog + ".1"] {
      try Self.remove("\(path)/\(name)")
    }
    try empty(store.directory) { CheckpointStore.isOwn($0) }
    try empty("\(path)/\(TensorBoardLog.directoryName)") { $0.hasPrefix("events.out.tfevents.") }
  }

  /// Removes a directory; of one that a link leads to, which may hold other files, only what is
  /// the run's.
  private func empty(_ directory: String, isOwn: (String) -> Bool) throws {
    guard FileStatus(directory, followsLink: false)?.kind == .link else {
      return try Self.remove(directory)
    }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    where isOwn(name) {
      try Self.remove("\(directory)/\(name)")
    }
  }

  private static func remove(_ path: String) throws {
    guard FileStatus(path, followsLink: false) != nil else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw RunDirectoryError("\(path): cannot remove: \(reason(error))")
    }
  }
}
