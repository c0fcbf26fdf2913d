import Checkpoints
import Collectives
import GRUCore
import Kernels

extension RunDirectory {
  /// Writes a checkpoint of the last step; every rank brings its part.
  ///
  /// - Returns: the checkpoint's name.
  package func save(
    _ trainer: Trainer, setup: TrainingSetup, history: RunHistory, fingerprint: String
  ) throws -> String {
    let replica = trainer.replica
    let isCoordinator = communicator.rank == 0
    let names = setup.config.optimizer.momentNames
    let count = replica.table.elementCount
    let moments = AlignedBuffer(count: isCoordinator ? names.count * count : 0)
    let hidden = AlignedBuffer(count: replica.stateCount)
    for index in names.indices {
      try trainer.gatherMoment(
        index, into: isCoordinator ? moments.pointer + index * count : nil)
    }
    try trainer.gatherState(into: hidden.pointer)
    try communicator.coordinate {
      let contents = TrainingTensors(
        replica: replica, momentNames: names, moments: moments.pointer, hidden: hidden.pointer)
      let state = try setup.trainingState(
        of: trainer, history: history, fingerprint: fingerprint)
      try synchronizeMetrics()
      try store.write(
        step: trainer.step,
        files: [
          .safetensors(Checkpoint.modelFile, contents.model.map(\.source)),
          .safetensors(Checkpoint.optimizerFile, contents.optimizer.map(\.source)),
          .json(Checkpoint.stateFile, state),
        ])
      try store.prune(keeping: setup.config.run.keepCheckpoints)
    }
    // The files were written from these buffers.
    withExtendedLifetime(moments) {}
    withExtendedLifetime(hidden) {}
    return CheckpointStore.name(ofStep: trainer.step)
  }

  /// What was restored besides the tensors.
  package struct Restored {
    package var checkpoint: String
    package var history: RunHistory
  }

  /// Brings the trainer to the newest whole checkpoint of a run that is resumed; nil where there is
  /// none, or nothing to resume.
  package func restore(
    _ trainer: Trainer, setup: TrainingSetup, complain: (String) -> Void
  ) throws -> Restored? {
    guard mode == .resume else { return nil }
    let replica = trainer.replica
    let isCoordinator = communicator.rank == 0
    let names = setup.config.optimizer.momentNames
    let count = replica.table.elementCount
    let moments = AlignedBuffer(count: isCoordinator ? names.count * count : 0)
    let hidden = AlignedBuffer(count: replica.stateCount)
    var restored: Restored?
    try communicator.coordinate {
      try store.recover()
      let selection = try store.newestValid()
      for refusal in selection.refused { complain("\(refusal)") }
      guard let checkpoint = selection.checkpoint else {
        if selection.refused.isEmpty { return }
        throw RunDirectoryError(
          "\(path): no checkpoint is whole, so there is nothing to resume; start over by "
            + "--overwrite")
      }
      let state = try checkpoint.trainingState()
      try setup.checkResumable(from: state, path: path)
      let contents = TrainingTensors(
        replica: replica, momentNames: names, moments: moments.pointer, hidden: hidden.pointer)
      try contents.read(from: checkpoint)
      trainer.step = state.step
      var history = RunHistory()
      history.bestLoss = state.bestValidationLoss
      history.bestStep = state.bestValidationStep
      restored = Restored(
        checkpoint: CheckpointStore.name(ofStep: state.step), history: history)
    }
    // Step 0 says that there is no checkpoint: one is written after a step at the earliest.
    let step = try communicator.share(restored == nil ? [] : Array("\(trainer.step)".utf8))
    guard let step = Int(String(decoding: step, as: UTF8.self)) else { return nil }
    trainer.step = step
    try trainer.broadcastParameters()
    for index in names.indices {
      try trainer.scatterMoment(
        index, from: isCoordinator ? moments.pointer + index * count : nil)
    }
    try trainer.scatterState(from: hidden.pointer)
    withExtendedLifetime(moments) {}
    withExtendedLifetime(hidden) {}
    return restored
      ?? Restored(checkpoint: CheckpointStore.name(ofStep: step), history: RunHistory())
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
      try file.read(
        name, shape: shape,
        into: UnsafeMutableRawBufferPointer(
          UnsafeMutableBufferPointer(start: floats, count: count)))
    }
  }

  var model: [Tensor]
  /// Moments, named "first_moment.output.weight", and hidden vectors, "hidden.0" [B, H].
  var optimizer: [Tensor]

  init(
    replica: Replica, momentNames: [String], moments: UnsafeMutablePointer<Float>,
    hidden: UnsafeMutablePointer<Float>
  ) {
    let table = replica.table
    model = Self.parameters(of: table, at: replica.parameters.pointer)
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
