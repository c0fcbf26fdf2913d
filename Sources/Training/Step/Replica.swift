package import Collectives
package import GRUCore
package import Kernels

/// One rank's copy of the model, and the threads that compute with it.
package final class Replica {
  package let shape: ModelShape
  package let table: ParameterTable
  package let kernels: Kernels
  package let plan: ShardPlan
  package let rank: Int
  /// Time steps of a batch.
  package let window: Int
  /// Most sequences that a row of a batch holds.
  package let slots: Int
  /// The values of all parameters, the same on every rank between steps.
  package let parameters: AlignedBuffer
  package let weights: PackedWeights
  /// One for each thread, in thread order.
  package let workers: [SequenceWorker]
  package let team: WorkerTeam
  /// The layer that is being packed; `layerCount` for the output layer.
  private var packedLayer = 0
  private lazy var packJob: (Int) -> Void = { [unowned self] in
    weights.repack(
      layer: packedLayer, from: UnsafePointer(parameters.pointer), part: $0, of: threads)
  }
  /// The step whose choice of recurrent weights is packed; see `dropRecurrentWeights`.
  private var droppedStep: UInt32 = 0
  private lazy var dropJob: (Int) -> Void = { [unowned self] in
    weights.dropRecurrentWeights(
      of: parameters.pointer, step: droppedStep, part: $0, of: plan.threads)
  }
  private lazy var packDroppedJob: (Int) -> Void = { [unowned self] in
    weights.repackDropped(part: $0, of: plan.threads)
  }

  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  package init(
    shape: ModelShape, kernels: Kernels, window: Int, plan: ShardPlan, rank: Int, slots: Int = 1
  ) throws {
    self.shape = shape
    let table = ParameterTable(shape: shape)
    self.table = table
    self.kernels = kernels
    self.plan = plan
    self.rank = rank
    self.window = window
    self.slots = slots
    parameters = AlignedBuffer(count: table.elementCount)
    let weights = PackedWeights(shape: shape, table: table, kernels: kernels)
    self.weights = weights
    workers = (0..<plan.threads).map { thread in
      SequenceWorker(
        shape: shape, table: table, kernels: kernels, window: window, plan: plan,
        worker: rank * plan.threads + thread, slots: slots)
    }
    team = try WorkerTeam(threads: plan.threads)
  }

  package var threads: Int { plan.threads }

  /// The sequences of this rank's shards.
  package var sequences: Range<Int> { plan.sequences(of: plan.shards(ofRank: rank)) }

  /// Brings the packed weights up to date with `parameters`.
  package func repack() {
    for layer in 0...shape.layerCount { repack(layer: layer) }
  }

  /// Brings the packed weights of one layer up to date; layer `layerCount` is the output layer.
  package func repack(layer: Int) {
    packedLayer = layer
    team.runPrepared(packJob)
  }

  /// Whether steps of training drop recurrent weights.
  package var dropsRecurrentWeights: Bool { shape.regularization.recurrentDropout > 0 }

  /// Drops recurrent weights from the packed ones for a step of training; `repack` brings them
  /// back.
  package func dropRecurrentWeights(step: Int) {
    droppedStep = UInt32(truncatingIfNeeded: step)
    team.runPrepared(dropJob)
    team.runPrepared(packDroppedJob)
  }

  /// Sets all parameters to their initial values, the same on every rank.
  package func initialize(seed: Int) {
    Initialization.initialize(
      parameters.pointer, table: table, shape: shape, seed: UInt64(seed))
    repack()
  }

  /// Starts all sequences of this rank anew.
  package func resetState() {
    for worker in workers { worker.resetState() }
  }

  /// Starts all sequences of this rank anew, from the initial state as it is now and for ever.
  package func carryInitialState() {
    resetState()
    for worker in workers { worker.carryInitialState(weights: weights) }
  }

  /// Floats of the hidden vectors of all global sequences, [L, B, H].
  package var stateCount: Int { shape.layerCount * plan.sequences * shape.hiddenSize }

  /// Copies this rank's hidden vectors into their places in [L, B, H].
  package func readState(into all: UnsafeMutablePointer<Float>) {
    forEachState { worker, layer, sequence, offset in
      worker.readState(layer: layer, sequence: sequence, into: all + offset)
    }
  }

  /// Takes this rank's hidden vectors out of [L, B, H].
  package func writeState(from all: UnsafePointer<Float>) {
    forEachState { worker, layer, sequence, offset in
      worker.writeState(layer: layer, sequence: sequence, from: all + offset)
    }
  }

  /// Copies one thread's hidden vectors into their places in [L, B, H].
  package func readState(ofThread thread: Int, into all: UnsafeMutablePointer<Float>) {
    forEachState(of: workers[thread]) { worker, layer, sequence, offset in
      worker.readState(layer: layer, sequence: sequence, into: all + offset)
    }
  }

  /// Takes the hidden vectors of any worker's sequences out of [L, B, H].
  package func writeState(of worker: SequenceWorker, from all: UnsafePointer<Float>) {
    forEachState(of: worker) { worker, layer, sequence, offset in
      worker.writeState(layer: layer, sequence: sequence, from: all + offset)
    }
  }

  private func forEachState(_ body: (SequenceWorker, Int, Int, Int) -> Void) {
    for worker in workers { forEachState(of: worker, body) }
  }

  private func forEachState(
    of worker: SequenceWorker, _ body: (SequenceWorker, Int, Int, Int) -> Void
  ) {
    for layer in 0..<shape.layerCount {
      for sequence in worker.sequences {
        body(worker, layer, sequence, (layer * plan.sequences + sequence) * shape.hiddenSize)
      }
    }
  }
}
