package import Checkpoints
package import Collectives
package import Configuration
import Engine
import Foundation
package import Records

/// The directory of a run: `config.json`, `metrics.jsonl` and `checkpoints`. Every rank holds one
/// of these, but only rank 0 touches files; what fails there, fails on all.
package final class RunDirectory {
  /// What may be done to a directory that holds a run already.
  package enum Mode: Sendable {
    /// Nothing.
    case fresh
    /// Go on from its newest whole checkpoint.
    case resume
    /// Start over; what belongs to the run goes.
    case overwrite

    package init(_ options: TrainOptions) {
      self = options.resume ? .resume : options.overwrite ? .overwrite : .fresh
    }
  }

  package let path: String
  let mode: Mode
  let communicator: any Communicator
  let store: CheckpointStore
  private var lock: FileLock?
  /// Directories that were made for this run, the outermost first; on rank 0.
  private var made: [String] = []
  private var metrics: MetricsWriter?

  /// Takes the directory for this job, making it when there is none. Changes nothing in it.
  package init(
    path: String, mode: Mode, on communicator: any Communicator, fileSystem: FileSystem = .system
  ) throws {
    self.path = path
    self.mode = mode
    self.communicator = communicator
    store = CheckpointStore(directory: "\(path)/\(RunFiles.checkpoints)", fileSystem: fileSystem)
    try communicator.coordinate {
      let isFound = try Self.examine(path, mode: mode)
      try make(path)
      try requirePlaceForCheckpoints()
      lock = try Self.lock(path)
      // Another job may have started a run between the look and the lock.
      if !isFound { _ = try Self.examine(path, mode: mode) }
      try requireUnpruned()
    }
  }

  /// Makes the directory ready for records of the steps after `step`: removes what is overwritten,
  /// cuts later records off the metrics, and writes the effective config.
  ///
  /// - Parameter examine: called on rank 0 between the last two, to look at what the last start
  ///   has left.
  package func begin(
    afterStep step: Int, config: Config, examine: () throws -> Void = {}
  ) throws {
    try communicator.coordinate {
      if mode == .overwrite { try empty() }
      try MetricsLog.truncate(path: metricsPath, afterStep: step)
      try examine()
      try RunFiles.replace("\(path)/\(RunFiles.config)", with: config.json, isDurable: true)
      metrics = try MetricsWriter(path: metricsPath)
    }
  }

  /// Appends records to the metrics; on rank 0 only. What the disk does not take now is kept, and
  /// tried again with the next ones.
  ///
  /// - Returns: what a person should know, once for each outage.
  package func append(_ records: [OrderedJSON]) -> String? { metrics?.append(records) }

  /// Throws where records are lost, or the last ones may not be on the disk; on rank 0 only.
  func finishRecords() throws { try metrics?.finish() }

  /// Makes the metrics survive a crash; on rank 0 only, on any thread.
  func synchronizeMetrics() throws { try metrics?.synchronize() }

  /// Throws unless `mode` allows a run at `path`; tells whether there is one already.
  private static func examine(_ path: String, mode: Mode) throws -> Bool {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return false
    }
    guard isDirectory.boolValue else {
      throw UsageError("run.directory '\(path)' is a file, expected a directory; choose another")
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw UsageError("run.directory '\(path)' cannot be read: \(reason(error))")
    }
    if names.allSatisfy({ $0 == RunFiles.lock || RunFiles.isCompanion($0) }) {
      return false
    }
    if mode == .fresh {
      throw UsageError(
        "run.directory '\(path)' exists already; go on with it by --resume, start over by "
          + "--overwrite, or choose another with --run-directory")
    }
    // What is overwritten goes: there the lock, which every run leaves, must show whose it is.
    let isRun = [RunFiles.config, RunFiles.metrics, RunFiles.checkpoints]
      .contains { names.contains($0) }
    guard isRun, mode == .resume || names.contains(RunFiles.lock) else {
      throw UsageError(
        "run.directory '\(path)' holds other files and no run, and is left as it is; choose "
          + "another with --run-directory")
    }
    return true
  }

  /// Takes the directory's lock.
  static func lock(_ path: String) throws -> FileLock {
    do throws(FileLockError) {
      let lock = try FileLock(path: "\(path)/\(RunFiles.lock)")
      if let warning = lock.warning { Console.complain(warning) }
      return lock
    } catch {
      switch error {
      case .system(let error): throw error
      case .held(let holder):
        throw RunDirectoryError(
          "run directory '\(path)' is in use by \(holder); wait for it to end or choose another "
            + "run.directory")
      }
    }
  }

  /// Gives the directory up for a run that was refused: what was made for it goes, unless somebody
  /// has put something there since. On rank 0 only.
  func withdraw() {
    guard !made.isEmpty else { return lock = nil }
    // Ranks that the job's end reaches first do not take their own files back.
    if made.contains(path) {
      try? FileManager.default.removeItem(atPath: "\(path)/\(RunFiles.ranks)")
    }
    // Nobody takes the lock of a file that is gone for that of the directory.
    unsafe unlink("\(path)/\(RunFiles.lock)")
    lock = nil
    for directory in made.reversed() where unsafe rmdir(directory) != 0 { break }
    made = []
  }

  /// Makes a directory and those above it, as far as they are missing.
  private func make(_ path: String) throws {
    var isDirectory: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      return
    }
    let parent = Self.parent(of: path)
    if !parent.isEmpty, parent != path { try make(parent) }
    if unsafe mkdir(path, 0o777) == 0 {
      made.append(path)
    } else if errno != EEXIST {
      throw UsageError(
        "run.directory '\(path)' cannot be made: \(SystemError.reason(errno)); choose another")
    }
    // The name must outlive a loss of power too; a system that cannot promise it does not matter.
    let descriptor = unsafe open(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// The directory that `path` is in; empty for the working directory.
  private static func parent(of path: String) -> String {
    // Foundation's own function traps on names of one letter.
    var name = path[...]
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    guard let slash = name.lastIndex(of: "/") else { return "" }
    return slash == name.startIndex ? "/" : String(name[..<slash])
  }

  /// The system's own words, which Foundation wraps.
  static func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      inner.domain == NSPOSIXErrorDomain
    {
      return SystemError.reason(Int32(inner.code))
    }
    return error.localizedDescription
  }
}
