import Checkpoints
import Collectives
package import Configuration
import Engine
import GRUCore
import Kernels
import Records
import Tasks

extension RunDirectory {
  /// Digests, writes and commits a checkpoint from its copy, and removes old ones. Called on a
  /// thread of its own, one call at a time; says in `outcome` what happened.
  func commit(
    _ snapshot: CheckpointSnapshot, _ request: CheckpointSaver.Request,
    _ outcome: inout CheckpointSaver.Outcome
  ) {
    if let place = snapshot.firstNonFinite() {
      // Nothing could go on from such a checkpoint, and it would push the sound ones out.
      outcome.failure = "\(NonFiniteFinding(step: request.step, place: place))"
      outcome.isPoisoned = true
      return
    }
    do { try synchronizeMetrics() } catch { outcome.warnings.append("\(error)") }
    do {
      try store.write(
        step: request.step, contractVersion: request.state.contractVersion,
        files: [
          .safetensors(Checkpoint.modelFile, snapshot.tensors.model.map(\.source)),
          .safetensors(Checkpoint.optimizerFile, snapshot.tensors.optimizer.map(\.source)),
          .json(Checkpoint.stateFile, request.state.json),
        ])
    } catch {
      outcome.failure = "\(error)"
      return
    }
    do {
      try store.prune(keeping: request.keeping, protecting: request.protecting)
    } catch {
      outcome.warnings.append("old checkpoints stay: \(error)")
    }
  }

  /// What every rank has to know of the run so far.
  package struct Resumption {
    var step: Int
    var validation: ValidationMemory
    var averagedSteps: Int
    var skippedSteps: Int
    /// Whether the validation of the step was left out when the run was stopped.
    package var isValidationMissing: Bool
  }

  /// What was restored besides the tensors; all but the resumption is rank 0's alone.
  package struct Restored {
    package var resumption: Resumption
    package var history: RunHistory
    /// Of the parameters that were saved.
    var fingerprint = ""
    /// Values of the config that differ from the run so far, and matter to the trajectory.
    package var changes: [ConfigChange] = []
    /// Where these change the learning rate of the steps to come.
    package var rates: RateChange?
    /// Whether validation losses up to now are of another text.
    package var hasOtherValidationText = false
    /// The measure by which a model was the best so far, where the run goes by another now.
    var formerMeasure: String?
    /// The step of the best checkpoint, where that is damaged or not there any more.
    var missingBest: Int?

    /// The name of the checkpoint.
    var checkpoint: String { CheckpointStore.name(ofStep: resumption.step) }
  }

  /// Reads the newest whole checkpoint of a run that is resumed into `contents`, on rank 0, and
  /// tells every rank what it has to know of it; nil where there is none, or nothing to resume.
  /// Every rank calls it.
  ///
  /// - Throws: on every rank alike, where the config does not fit or no checkpoint is whole.
  func load(
    into contents: TrainingTensors, setup: TrainingSetup, complain: (String) -> Void
  ) throws -> Restored? {
    guard mode == .resume else { return nil }
    var found: Restored?
    try communicator.coordinate {
      guard let state = try read(into: contents, setup: setup, complain: complain) else { return }
      var restored = setup.restored(from: state)
      if let best = restored.history.bestSaved?.step, best != state.step,
        !store.isWhole(step: best)
      {
        restored.missingBest = best
        restored.history.bestSaved = nil
      }
      found = restored
    }
    // Nothing says that there is no checkpoint.
    let shared = try communicator.share(Array((found?.resumption.json.line ?? "").utf8))
    if shared.isEmpty { return nil }
    let resumption = try Resumption(json: try JSONFields(OrderedJSON(parsing: shared)))
    return found ?? Restored(resumption, measure: setup.config.measure)
  }

  /// Throws on every rank unless the parameters that were loaded are those that were saved.
  func requireFingerprint(_ fingerprint: String, of restored: Restored) throws {
    let step = restored.resumption.step
    try communicator.coordinate {
      guard restored.fingerprint != fingerprint else { return }
      throw RunDirectoryError(
        "\(path): step \(step) has fingerprint \(fingerprint) after loading, expected "
          + "\(restored.fingerprint); a memory or processor of this host is at fault, or the "
          + "checkpoint was made by a faulty one: remove \(store.path(ofStep: step)) to go on from "
          + "the one before")
    }
  }

  /// Throws where the run that is to be resumed was pruned; on rank 0 only.
  func requireUnpruned() throws {
    guard mode == .resume, let newest = try store.steps().last,
      let checkpoint = try? Checkpoint(measuring: store.path(ofStep: newest)),
      checkpoint.isModelOnly
    else { return }
    throw pruned
  }

  private var pruned: UsageError {
    UsageError(
      "\(path): the run was pruned to its model and cannot be resumed: the optimiser's state is "
        + "gone. The model can be used (evaluate, predict, sample, export); to train, start "
        + "another run with --run-directory, or start over by --overwrite")
  }

  /// Reads the newest checkpoint that is whole in every respect into `contents`.
  private func read(
    into contents: TrainingTensors, setup: TrainingSetup, complain: (String) -> Void
  ) throws -> TrainingState? {
    try store.recover()
    var state: TrainingState?
    var mismatch: (any Error)?
    let selection = try store.newestValid { checkpoint throws(CheckpointError) in
      if checkpoint.isModelOnly { throw .modelOnly(path: checkpoint.path) }
      let found = try checkpoint.trainingState()
      do {
        try setup.checkResumable(from: found, path: path)
      } catch {
        // Another config is no damage: older checkpoints would not fit it either.
        mismatch = error
        return
      }
      try contents.read(from: checkpoint, hasAverage: setup.hasAverage(found))
      state = found
    }
    for refusal in selection.refused { complain("\(refusal)") }
    if let mismatch { throw mismatch }
    if selection.checkpoint == nil, !selection.refused.isEmpty {
      if case .modelOnly? = selection.refused.last?.error { throw pruned }
      throw RunDirectoryError(
        "\(path): no checkpoint is whole, so there is nothing to resume; start over by "
          + "--overwrite")
    }
    guard let checkpoint = selection.checkpoint else {
      try requireNoneMissing()
      return nil
    }
    if selection.refused.isEmpty, let complaint = complaint(ofCheckpoint: checkpoint.step) {
      complain(complaint)
    }
    return state
  }
}

extension RunDirectory.Restored {
  /// What another rank than rank 0 knows.
  fileprivate init(_ resumption: RunDirectory.Resumption, measure: TaskMetric) {
    self.resumption = resumption
    history = RunHistory(measure: measure)
    history.memory = resumption.validation
  }
}

extension RunDirectory.Resumption {
  /// The form in which rank 0 tells it to the others.
  fileprivate var json: OrderedJSON {
    [
      "step": .integer(step), "validation": validation.json,
      "averaged_steps": .integer(averagedSteps),
      "skipped_steps": .integer(skippedSteps),
      "is_validation_missing": .bool(isValidationMissing),
    ]
  }

  fileprivate init(json fields: JSONFields) throws(JSONFieldError) {
    step = try fields.integer("step")
    validation = try ValidationMemory(json: try fields.object("validation"))
    averagedSteps = try fields.integer("averaged_steps")
    skippedSteps = try fields.integer("skipped_steps")
    isValidationMissing = try fields.bool("is_validation_missing")
  }
}
