import Checkpoints
import Collectives
import GRUCore
import Kernels

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
        step: request.step,
        files: [
          .safetensors(Checkpoint.modelFile, snapshot.tensors.model.map(\.source)),
          .safetensors(Checkpoint.optimizerFile, snapshot.tensors.optimizer.map(\.source)),
          .json(Checkpoint.stateFile, request.state),
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

  /// What was restored besides the tensors; the history is rank 0's.
  package struct Restored {
    package var checkpoint: String
    package var history: RunHistory
    /// Values of the config that differ from the run so far, and matter to the trajectory.
    package var changes: [ConfigChange]
    /// Whether validation losses up to now are of another text.
    package var hasOtherValidationText: Bool
    /// Whether the validation of the step was left out when the run was stopped.
    package var isValidationMissing: Bool
  }

  /// Brings the trainer to the newest whole checkpoint of a run that is resumed; nil where there is
  /// none, or nothing to resume.
  ///
  /// - Parameter snapshot: where rank 0 reads a checkpoint into, so that it needs no more memory
  ///   than to write one.
  /// - Throws: on every rank alike, where the config does not fit or no checkpoint is whole.
  func restore(
    _ trainer: Trainer, setup: TrainingSetup, through snapshot: CheckpointSnapshot,
    complain: (String) -> Void
  ) throws -> Restored? {
    guard mode == .resume else { return nil }
    let replica = trainer.replica
    let isCoordinator = communicator.rank == 0
    let names = trainer.optimizer.config.momentNames
    let count = replica.table.elementCount
    var found: (state: TrainingState, restored: Restored)?
    try communicator.coordinate {
      guard let state = try load(snapshot.tensors, setup: setup, complain: complain) else { return }
      found = (state, setup.restored(from: state))
    }
    // Nothing says that there is no checkpoint.
    let head = try communicator.share(
      found.map { Array("\($0.state.step) \($0.restored.isValidationMissing)".utf8) } ?? [])
    let words = String(decoding: head, as: UTF8.self).split(separator: " ")
    guard words.count == 2, let step = Int(words[0]) else { return nil }
    trainer.step = step
    let memory = try share(found?.restored.history)
    trainer.take(memory.validation)
    trainer.averagedSteps = memory.averagedSteps
    if isCoordinator {
      replica.parameters.pointer.update(from: snapshot.parameters.pointer, count: count)
    }
    try trainer.broadcastParameters()
    for index in names.indices {
      try trainer.scatterMoment(
        index, from: isCoordinator ? snapshot.moments.pointer + index * count : nil)
    }
    try trainer.scatterGroups(from: isCoordinator ? snapshot.groupArenas.pointer : nil)
    try trainer.scatterState(from: snapshot.hidden.pointer)
    let fingerprint = try trainer.fingerprint()
    try communicator.coordinate {
      guard let found, found.state.fingerprint != fingerprint else { return }
      throw RunDirectoryError(
        "\(path): step \(step) has fingerprint \(fingerprint) after loading, expected "
          + "\(found.state.fingerprint); a memory or processor of this host is at fault, or the "
          + "checkpoint was made by a faulty one: remove \(store.path(ofStep: step)) to go on from "
          + "the one before")
    }
    var history = RunHistory()
    history.memory = memory.validation
    history.averagedSteps = memory.averagedSteps
    return found?.restored
      ?? Restored(
        checkpoint: CheckpointStore.name(ofStep: step), history: history, changes: [],
        hasOtherValidationText: false,
        isValidationMissing: words[1] == "true")
  }

  /// Gives every rank what rank 0 read.
  private func share(_ history: RunHistory?) throws -> SharedMemory {
    let memory = history.map {
      SharedMemory(validation: $0.memory, averagedSteps: $0.averagedSteps)
    }
    let text = try memory.map { try JSONCoding.encodeCompact($0, file: "memory") } ?? []
    return try JSONCoding.decode(
      SharedMemory.self, from: try communicator.share(text), path: "memory")
  }

  /// What every rank has to know of the run so far.
  private struct SharedMemory: Codable {
    var validation: ValidationMemory
    var averagedSteps: Int
  }

  /// Reads the newest checkpoint that is whole in every respect into `contents`.
  private func load(
    _ contents: TrainingTensors, setup: TrainingSetup, complain: (String) -> Void
  ) throws -> TrainingState? {
    try store.recover()
    var state: TrainingState?
    var mismatch: (any Error)?
    let selection = try store.newestValid { checkpoint throws(CheckpointError) in
      let found = try checkpoint.trainingState()
      try found.checkPlausible(path: checkpoint.path)
      do {
        try setup.checkResumable(from: found, path: path)
      } catch {
        // Another config is no damage: older checkpoints would not fit it either.
        mismatch = error
        return
      }
      try contents.read(from: checkpoint)
      state = found
    }
    for refusal in selection.refused { complain("\(refusal)") }
    if let mismatch { throw mismatch }
    if selection.checkpoint == nil, !selection.refused.isEmpty {
      throw RunDirectoryError(
        "\(path): no checkpoint is whole, so there is nothing to resume; start over by "
          + "--overwrite")
    }
    return state
  }
}

/// The tensors of a checkpoint and where they lie in memory, in the order of the files.
struct TrainingTensors {
  struct Tensor {
    var name: String
    var shape: [Int]
    var floats: UnsafeMutablePointer<Float>

    var source: TensorSource { TensorSource(name: name, shape: shape, floats: floats) }

    func read(from file: borrowing SafetensorsReader) throws(CheckpointError) {
      let count = shape.reduce(1, *)
      let values = UnsafeMutableBufferPointer(start: floats, count: count)
      try file.read(name, shape: shape, into: UnsafeMutableRawBufferPointer(values))
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw .damaged(
          path: file.path, reason: "tensor '\(name)', element \(place) is \(values[place])")
      }
    }
  }

  var model: [Tensor]
  /// Moments, named "first_moment.output.weight", and hidden vectors, "hidden.0" [B, H]; what
  /// each group of shards has of its own: what rounding left out of its gradients,
  /// "residual.0.output.weight", or the moments of local updates, "first_moment.0.output.weight".
  var optimizer: [Tensor]

  init(
    replica: Replica, momentNames: [String], parameters: UnsafeMutablePointer<Float>,
    moments: UnsafeMutablePointer<Float>, hidden: UnsafeMutablePointer<Float>,
    groupArenas: UnsafeMutablePointer<Float>, groupArenaNames: [String], groups: Int
  ) {
    let table = replica.table
    model = Self.parameters(of: table, at: parameters)
    optimizer = momentNames.enumerated().flatMap { index, moment in
      table.parameters.map {
        Tensor(
          name: "\(moment).\($0.name)", shape: $0.shape,
          floats: moments + index * table.elementCount + $0.offset)
      }
    }
    let shape = [replica.plan.sequences, replica.shape.hiddenSize]
    for layer in 0..<replica.shape.layerCount {
      optimizer.append(
        Tensor(
          name: "hidden.\(layer)", shape: shape, floats: hidden + layer * shape[0] * shape[1]))
    }
    for group in 0..<groups {
      for (index, name) in groupArenaNames.enumerated() {
        let arena = groupArenas + (group * groupArenaNames.count + index) * table.elementCount
        optimizer += table.parameters.map {
          Tensor(
            name: "\(name).\(group).\($0.name)", shape: $0.shape, floats: arena + $0.offset)
        }
      }
    }
  }

  /// The parameters of an arena.
  static func parameters(
    of table: ParameterTable, at arena: UnsafeMutablePointer<Float>
  ) -> [Tensor] {
    table.parameters.map { Tensor(name: $0.name, shape: $0.shape, floats: arena + $0.offset) }
  }

  func read(from checkpoint: Checkpoint) throws(CheckpointError) {
    let modelFile = try checkpoint.tensors(in: Checkpoint.modelFile)
    for tensor in model { try tensor.read(from: modelFile) }
    let optimizerFile = try checkpoint.tensors(in: Checkpoint.optimizerFile)
    for tensor in optimizer { try tensor.read(from: optimizerFile) }
  }
}
