package import Records

/// The checkpoint that a path means to who uses a model: that path's own, or the best or newest of
/// a run, and why it was taken.
package struct ChosenCheckpoint: Sendable {
  /// Which of a run's checkpoints somebody asks for.
  package enum Wish: String, Sendable { case best, newest }

  /// Why a checkpoint was taken.
  package enum Reason: Sendable, Equatable {
    /// The path is its own.
    case named
    /// Of all that the run has it is the best by a measure: in validations, or on a file that the
    /// run has passed over since.
    case best(measure: String, value: Double, newest: Int, file: String? = nil)
    /// It is the newest that is whole, and something says why no better one was taken.
    case newest(because: String)
  }

  package let checkpoint: Checkpoint
  package let reason: Reason
  /// Checkpoints that were passed over, newest first.
  package let refused: [CheckpointSelection.Refusal]

  /// Finds what `path` means.
  ///
  /// - Parameter wish: nil takes the best where the run has validated, else the newest.
  /// - Throws: `CheckpointError`, as `CheckpointSelection.find(at:)`.
  package init(
    at path: String, wanting wish: Wish?, in fileSystem: FileSystem = .system
  ) throws(CheckpointError) {
    var found = try Self(once: path, wish, fileSystem)
    // A run that trains removes checkpoints while somebody looks at them.
    for _ in 1..<Self.mostAttempts where found.refused.contains(where: { !$0.isThere }) {
      found = try Self(once: path, wish, fileSystem)
    }
    self = found
  }

  /// How often a checkpoint is chosen again where the one before vanished.
  package static let mostAttempts = 5

  private init(
    once path: String, _ wish: Wish?, _ fileSystem: FileSystem
  ) throws(CheckpointError) {
    var search = BestSearch(
      store: CheckpointStore(directory: path + "/checkpoints", fileSystem: fileSystem))
    if wish != .newest, let best = try search.best() {
      checkpoint = best.checkpoint
      reason = best.reason
      refused = search.refused
      return
    }
    let found = try CheckpointSelection.find(at: path, in: fileSystem)
    checkpoint = found.checkpoint
    let isNamed = found.checkpoint.path == path
    reason =
      isNamed ? .named : .newest(because: wish == .newest ? "--newest asks for it" : search.finding)
    let newer = found.refused.map(\.step)
    refused = found.refused + search.refused.filter { !newer.contains($0.step) }
  }

  /// What people should know of the choice; nil where the path says it all.
  package var words: String? {
    switch reason {
    case .named: nil
    case .best(let measure, let value, let newest, let file):
      "the best by \(measure) (\(Format.small(value))" + (file.map { " on \($0)" } ?? "") + ")"
        + (checkpoint.isModelOnly
          ? ", which the run was pruned to"
          : newest == checkpoint.step
            ? ", and the newest" : "; the newest is of step \(newest)")
    case .newest(let because):
      checkpoint.isModelOnly
        ? "the one that the run was pruned to, since \(because)" : "the newest, since \(because)"
    }
  }

  /// Members of a record that say the same.
  package var json: OrderedJSON {
    switch reason {
    case .named: ["taken": "named"]
    case .best(let measure, let value, let newest, let file):
      OrderedJSON.object([
        .init("taken", "best"), .init("best_by", .string(measure)),
        .init("best_value", .number(value)), .init("newest_step", .integer(newest)),
      ]).merging(file.map { ["best_file": .string($0)] } ?? [:])
    case .newest(let because): ["taken": "newest", "because": .string(because)]
    }
  }
}

/// Looks for a run's best checkpoint.
private struct BestSearch {
  let store: CheckpointStore
  private(set) var refused: [CheckpointSelection.Refusal] = []
  /// Why there is none.
  private(set) var finding = "the run has not validated"

  init(store: CheckpointStore) { self.store = store }

  /// The best checkpoint by the word of the newest state whose best one is whole; nil where there
  /// is none.
  ///
  /// - Complexity: reads the best one, and nothing but the states of others.
  mutating func best() throws(CheckpointError) -> (
    checkpoint: Checkpoint, reason: ChosenCheckpoint.Reason
  )? {
    let steps = try store.steps()
    for step in steps.reversed() {
      if let pruned = pruned(step) {
        finding = pruned.because ?? finding
        guard let reason = pruned.reason else { return nil }
        return (pruned.checkpoint, reason)
      }
      guard let state = state(of: step) else { continue }
      guard let best = state.bestCheckpointStep,
        let value = state.bestCheckpointValue ?? state.bestCheckpointLoss
      else {
        if state.bestValidationStep != nil {
          finding = "no step that was validated has a checkpoint"
        } else if state.validatedStep ?? 0 > 0 {
          finding = "no validation of the run had a loss that is a number"
        }
        return nil
      }
      if refused.contains(where: { $0.step == best }) { continue }
      do throws(CheckpointError) {
        let checkpoint = try store.verified(best)
        return (
          checkpoint,
          .best(
            measure: state.measureName, value: value, newest: steps.last ?? step,
            file: state.filePasses.last?.name)
        )
      } catch {
        refuse(best, error)
        finding = "the best, of step \(best), cannot be used"
      }
    }
    return nil
  }

  /// What a checkpoint says that its run was pruned to; nil where it was not, or is not whole.
  private func pruned(_ step: Int) -> PrunedCheckpoint? {
    guard
      let measured = try? Checkpoint(measuring: store.path(ofStep: step), in: store.fileSystem),
      measured.isModelOnly, let checkpoint = try? store.verified(step)
    else { return nil }
    return PrunedCheckpoint(checkpoint)
  }

  private mutating func state(of step: Int) -> TrainingState? {
    if refused.contains(where: { $0.step == step }) { return nil }
    do throws(CheckpointError) {
      return try Checkpoint(measuring: store.path(ofStep: step), in: store.fileSystem)
        .trainingState()
    } catch {
      refuse(step, error)
      return nil
    }
  }

  private mutating func refuse(_ step: Int, _ error: CheckpointError) {
    refused.append(.init(step: step, path: store.path(ofStep: step), error: error))
  }
}

/// A checkpoint that its run was pruned to, and why it was that one.
private struct PrunedCheckpoint {
  let checkpoint: Checkpoint
  /// Nil where it was the newest.
  private(set) var reason: ChosenCheckpoint.Reason?
  /// Why it was.
  private(set) var because: String?

  init(_ checkpoint: Checkpoint) {
    self.checkpoint = checkpoint
    guard let text = try? checkpoint.text(of: Checkpoint.prunedFile),
      let json = try? OrderedJSON(parsing: text)
    else { return }
    because = json["because"]?.stringValue
    if json["taken"] == "best", let measure = json["best_by"]?.stringValue,
      let value = json["best_value"]?.doubleValue
    {
      reason = .best(
        measure: measure, value: value, newest: checkpoint.step,
        file: json["best_file"]?.stringValue)
    }
  }
}
