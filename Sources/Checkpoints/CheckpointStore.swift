import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The checkpoints of a run: one directory for each step, complete or absent.
///
/// A checkpoint is written under a name that no reader looks at and renamed when all of it is on
/// the disk, so that neither a failure nor a loss of power leaves half of one in sight. Only the
/// process that holds the run directory's lock may call the methods that change something.
package final class CheckpointStore {
  /// The directory that holds the checkpoints.
  package let directory: String
  let fileSystem: FileSystem
  /// Steps that `newestValid` found damaged; `prune` does not count them.
  var damagedSteps: Set<Int> = []
  /// The step that this process wrote last; `prune` keeps it.
  var lastWritten: Int?
  /// Whether the directory's own name is known to be on the disk.
  var isDirectoryDurable = false

  /// - Parameter directory: `checkpoints` of the run directory; `write` creates it.
  package init(directory: String, fileSystem: FileSystem = .system) {
    self.directory = directory
    self.fileSystem = fileSystem
  }

  /// The directory of the checkpoint of a step.
  package func path(ofStep step: Int) -> String { directory + "/" + Self.name(ofStep: step) }

  /// Steps for which there is a checkpoint, whole or not, in ascending order.
  package func steps() throws(CheckpointError) -> [Int] {
    try entries().compactMap(Self.step(ofName:)).sorted()
  }

  /// The newest checkpoint that is whole, with those newer ones that are not.
  ///
  /// - Parameter accept: looks into a checkpoint whose files are as its manifest says, and throws
  ///   where it cannot be used all the same.
  /// - Throws: only where the directory itself cannot be listed; a directory that does not exist
  ///   has no checkpoints.
  /// - Complexity: reads all of every checkpoint down to the one returned.
  package func newestValid(
    accepting accept: (Checkpoint) throws(CheckpointError) -> Void = { _ in }
  ) throws(CheckpointError) -> CheckpointSelection {
    var refused: [CheckpointSelection.Refusal] = []
    for step in try steps().reversed() {
      do throws(CheckpointError) {
        let checkpoint = try verified(step)
        try accept(checkpoint)
        return CheckpointSelection(checkpoint: checkpoint, refused: refused)
      } catch {
        damagedSteps.insert(step)
        refused.append(.init(step: step, path: path(ofStep: step), error: error))
      }
    }
    return CheckpointSelection(checkpoint: nil, refused: refused)
  }

  /// The state of the newest checkpoint that has one as its manifest says, whose tensors are not
  /// looked at; nil where there is none.
  package func newestState() throws(CheckpointError) -> TrainingState? {
    for step in try steps().reversed() {
      let checkpoint = try? Checkpoint(measuring: path(ofStep: step), in: fileSystem)
      if let state = try? checkpoint?.trainingState() { return state }
    }
    return nil
  }

  /// Whether there is a checkpoint of a step, and every file of it is as its manifest says.
  ///
  /// - Complexity: reads all of it.
  package func isWhole(step: Int) -> Bool { (try? verified(step)) != nil }

  /// The checkpoint of a step, all of whose files were found whole.
  ///
  /// - Throws: `CheckpointError.missing` where there is none.
  package func verified(_ step: Int) throws(CheckpointError) -> Checkpoint {
    let checkpoint = try Checkpoint(verifying: path(ofStep: step), in: fileSystem)
    guard checkpoint.step == step else {
      throw .damaged(
        path: checkpoint.path, reason: "its manifest is of step \(checkpoint.step)")
    }
    return checkpoint
  }

  /// Names in the directory; none where it does not exist.
  func entries() throws(CheckpointError) -> [String] {
    do {
      return try fileSystem.entries(directory)
    } catch {
      if error.code == ENOENT { return [] }
      // Below a file there is nothing, as where somebody takes one for a run.
      if error.code == ENOTDIR, FileStatus(directory, followsLink: false) == nil { return [] }
      throw .system(error)
    }
  }

  /// `step-` and at least 8 digits, so that names sort like steps.
  package static func name(ofStep step: Int) -> String {
    precondition(step >= 0, "step \(step) < 0")
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
  }

  /// Whether a name in the directory is that of a checkpoint, or of what a store makes on the way.
  package static func isOwn(_ name: String) -> Bool {
    step(ofName: name) != nil || name.hasPrefix(draftPrefix) || name.hasPrefix(replacedPrefix)
  }

  /// The step of a name that `name(ofStep:)` gave; nil for any other.
  static func step(ofName name: String) -> Int? {
    guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), step >= 0,
      Self.name(ofStep: step) == name
    else { return nil }
    return step
  }
}

/// The checkpoint to go on from, and newer ones that cannot be trusted.
package struct CheckpointSelection: Sendable {
  /// A checkpoint that was passed over.
  package struct Refusal: Sendable, CustomStringConvertible {
    package let step: Int
    package let path: String
    package let error: CheckpointError

    /// Whether the directory is there still.
    var isThere: Bool { FileStatus(path) != nil }

    package var description: String { "checkpoint of step \(step) not used: \(error)" }
  }

  /// Nil where no checkpoint is whole.
  package let checkpoint: Checkpoint?
  /// Newest first.
  package let refused: [Refusal]

  /// What a path on the command line means: a checkpoint's own directory, or a run directory, of
  /// which it is the newest whole checkpoint.
  ///
  /// - Throws: `CheckpointError.missing` where the path is neither or the run has no checkpoints;
  ///   what is wrong with the newest where none is whole.
  package static func find(
    at path: String, in fileSystem: FileSystem = .system
  ) throws(CheckpointError) -> (checkpoint: Checkpoint, refused: [Refusal]) {
    do throws(CheckpointError) {
      return (try Checkpoint(verifying: path, in: fileSystem), [])
    } catch .missing {
      let store = CheckpointStore(directory: path + "/checkpoints", fileSystem: fileSystem)
      let selection = try store.newestValid()
      if let checkpoint = selection.checkpoint { return (checkpoint, selection.refused) }
      guard let newest = selection.refused.first else { throw .missing(path: path) }
      if case .missing = newest.error {
        throw .damaged(
          path: newest.path, reason: "it has no manifest, and it is the run's only one")
      }
      throw newest.error
    }
  }
}
