package import Checkpoints
import Engine
import Foundation
import GRUCore
import Kernels
package import Records
import Scoring

/// Leaves a run nothing but its best model and its records.
package struct RunPruning {
  package var path: String
  /// Which model; nil takes the best where the run has validated.
  package var wish: ChosenCheckpoint.Wish?
  /// Only says what would be removed.
  package var isDryRun = false

  package init(path: String) { self.path = path }

  /// Writes and verifies what stays, then removes the rest. Wherever it is interrupted, the run is
  /// whole or the model is, and pruning again ends what was begun.
  ///
  /// - Throws: where the run is in use or no model of it can be used; then nothing has changed.
  package func run(console: Console) throws {
    let store = CheckpointStore(directory: "\(path)/\(RunFiles.checkpoints)")
    try requireRun()
    try withRunHeld {
      if !isDryRun { try store.recover() }
      let model = try LoadedModel(path: path, wanting: wish)
      model.refusals.forEach(Console.complain)
      guard model.checkpoint.path == store.path(ofStep: model.checkpoint.step) else {
        throw UsageError("'\(path)' is one checkpoint; name its run")
      }
      _ = try Inspection.parameters(of: model)
      let before = DirectorySize(path)
      let others = try store.steps().filter { $0 != model.checkpoint.step }
      say(of: model, others, console)
      var record: OrderedJSON = [
        "kind": "pruning", "run": .string(path), "checkpoint": .string(model.checkpoint.path),
        "step": .integer(model.checkpoint.step),
        "removed_steps": .array(others.map { .integer($0) }),
        "bytes_before": .integer(before.bytes),
      ]
      if !isDryRun {
        let kept = try reduce(model, in: store)
        try store.removeAllBut(kept)
      }
      let after = isDryRun ? try expected(of: model, others, store) : DirectorySize(path)
      console.say(
        "\(path) \(isDryRun ? "would take" : "takes") \(Format.bytes(after.bytes)), and took "
          + "\(Format.bytes(before.bytes)); it can\(isDryRun ? "" : "not") be resumed"
          + (isDryRun ? " still, since nothing was removed (--dry-run)" : " any more"))
      record = record.merging([
        "bytes_after": .integer(after.bytes), "is_dry_run": .bool(isDryRun),
      ])
      console.record(record.merging(model.choice.json))
    }
  }

  /// Makes the model's checkpoint one of the model alone, and requires that it is the same model.
  private func reduce(_ model: LoadedModel, in store: CheckpointStore) throws -> Checkpoint {
    let count = ParameterTable(shape: model.shape).elementCount
    let before = AlignedBuffer(count: count)
    let after = AlignedBuffer(count: count)
    try unsafe model.readParameters(into: before.pointer)
    let kept = try store.makeModelOnly(
      model.checkpoint,
      averagePrefix: model.state.averagedSteps ?? 0 > 0 ? "\(UpdateRule.averageName)." : nil,
      reason: model.choice.json)
    try unsafe LoadedModel(path: kept.path).readParameters(into: after.pointer)
    guard unsafe memcmp(before.pointer, after.pointer, count * MemoryLayout<Float>.stride) == 0
    else {
      throw RunDirectoryError(
        "\(kept.path): other parameters were read than before; a disk or memory of this host is at "
          + "fault, and nothing else was removed")
    }
    return kept
  }

  private func say(of model: LoadedModel, _ others: [Int], _ console: Console) {
    console.say(
      "keeps       \(model.checkpoint.path)" + (model.choice.words.map { ", \($0)" } ?? ""))
    if model.state.averagedSteps ?? 0 > 0 {
      console.say("            its parameters, and their running mean, with which it is used")
    }
    let steps = others.prefix(6).map { "\($0)" }.joined(separator: ", ")
    console.say(
      "removes     "
        + (others.isEmpty
          ? "no other checkpoint"
          : "\(Format.count(others.count, "checkpoint")) (of step \(steps)"
            + (others.count > 6 ? ", ...)" : ")"))
        + ", and what training needs besides the model")
  }

  /// Throws unless the path is a run's.
  private func requireRun() throws {
    guard FileStatus(path)?.kind == .directory else {
      throw UsageError("'\(path)' is no directory, expected that of a run")
    }
    guard FileStatus("\(path)/\(RunFiles.checkpoints)")?.kind == .directory else {
      let isCheckpoint = FileStatus("\(path)/\(Manifest.fileName)") != nil
      throw UsageError(
        isCheckpoint
          ? "'\(path)' is one checkpoint; name its run"
          : "'\(path)' is no run: it has no directory \(RunFiles.checkpoints)")
    }
  }

  /// Calls `body` while no job and no supervisor can work in the run directory.
  private func withRunHeld(_ body: () throws -> Void) throws {
    let lock = try RunDirectory.lock(path)
    defer { withExtendedLifetime(lock) {} }
    // Where hosts do not share locks, its words tell that a job is alive.
    let heartbeat = "\(path)/\(RunFiles.heartbeat)"
    if let status = RankStatus(file: heartbeat), status.exitStatus == nil,
      status.host != FileLock.hostName, let time = RunFiles.read(heartbeat)?["time"]?.doubleValue
    {
      let age = abs(Date().timeIntervalSince1970 - time)
      guard age > Self.silence else {
        throw RunDirectoryError(
          "run directory '\(path)' had a heartbeat \(Int(age)) s ago, of \(status.words); wait "
            + "until that job has ended")
      }
    }
    guard FileStatus("\(path)/\(RunFiles.daemonLock)") != nil else { return try body() }
    let daemon = try Self.lockOfDaemon(path)
    defer { withExtendedLifetime(daemon) {} }
    try body()
  }

  private static func lockOfDaemon(_ path: String) throws -> FileLock {
    do throws(FileLockError) {
      return try FileLock(path: "\(path)/\(RunFiles.daemonLock)")
    } catch {
      guard case .held(let holder) = error else { throw error }
      throw RunDirectoryError(
        "run directory '\(path)' is kept alive by a daemon, \(holder); stop that first")
    }
  }

  /// Seconds after which a job that tells nothing may be gone.
  private static let silence = 15.0

  /// What the run directory would take, about.
  private func expected(
    of model: LoadedModel, _ others: [Int], _ store: CheckpointStore
  ) throws -> DirectorySize {
    var size = DirectorySize(path)
    for step in others { size.bytes -= DirectorySize(store.path(ofStep: step)).bytes }
    let moments = "\(model.checkpoint.path)/\(Checkpoint.optimizerFile)"
    size.bytes -= FileStatus(moments)?.byteCount ?? 0
    if model.state.averagedSteps ?? 0 > 0, !model.checkpoint.isModelOnly {
      size.bytes += 4 * ParameterTable(shape: model.shape).parameterCount
    }
    return size
  }
}
