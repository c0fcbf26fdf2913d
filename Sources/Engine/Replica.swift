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
  package let use: MemoryUse
  /// The values of all parameters, the same on every rank between steps.
  package let parameters: AlignedBuffer
  package let weights: PackedWeights
  /// In the order of their shards.
  package let workers: [SequenceWorker]
  package let team: WorkerTeam
  /// Whether the packed weights of the output layer are not those of `parameters`, which steps of a
  /// sampled softmax do not need.
  var hasStaleOutput = false

  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  package init(
    shape: ModelShape, kernels: Kernels, window: Int, plan: ShardPlan, rank: Int, slots: Int = 1,
    use: MemoryUse = .apart
  ) throws {
    precondition(
      use != .inTurn || plan.workersPerRank == 1, "\(plan.workersPerRank) workers in turn")
    self.shape = shape
    let table = ParameterTable(shape: shape)
    self.table = table
    self.kernels = kernels
    self.plan = plan
    self.rank = rank
    self.window = window
    self.slots = slots
    self.use = use
    parameters = AlignedBuffer(count: table.elementCount)
    let weights = PackedWeights(shape: shape, table: table, kernels: kernels, use: use)
    self.weights = weights
    workers = (0..<plan.workersPerRank).map { index in
      SequenceWorker(
        shape: shape, table: table, kernels: kernels, window: window, plan: plan,
        worker: rank * plan.workersPerRank + index, slots: slots, use: use)
    }
    team = try WorkerTeam(threads: plan.threads)
  }

  package var threads: Int { plan.threads }

  /// What a thread does where all workers have something to do: its own worker's part, or its parts
  /// of the kernels of the one that it helps.
  @inline(__always) package func work(thread: Int, _ body: (_ worker: Int) -> Void) {
    let worker = plan.worker(ofThread: thread)
    let member = thread - plan.threads(ofWorker: worker).lowerBound
    let crew = workers[worker].crew
    if member > 0 { return crew.serve(member: member, kernels) }
    crew.open()
    body(worker)
    crew.close()
  }

  /// What a timeline calls the threads.
  var threadNames: [String] {
    (0..<threads).map { thread in
      let first = plan.threads(ofWorker: plan.worker(ofThread: thread)).lowerBound
      return thread == first ? "thread \(thread)" : "thread \(thread), helps \(first)"
    }
  }

  /// The sequences of this rank's shards.
  package var sequences: Range<Int> { plan.sequences(of: plan.shards(ofRank: rank)) }

  /// Has all workers do something at the same time, each on its threads.
  package func run(_ body: (SequenceWorker) -> Void) {
    team.run { work(thread: $0) { body(workers[$0]) } }
  }

  /// Brings the packed weights up to date with `parameters`.
  package func repack() {
    hasStaleOutput = false
    for layer in 0...shape.layerCount { team.run { pack(layer: layer, thread: $0) } }
  }

  /// One thread's share of bringing the packed weights of a layer up to date; layer `layerCount` is
  /// the output layer.
  func pack(layer: Int, thread: Int) {
    unsafe weights.repack(
      layer: layer, from: UnsafePointer(parameters.pointer), part: thread, of: threads)
  }

  /// One thread's share of packing the weights of a layer for its backward pass.
  func turn(layer: Int, thread: Int) {
    unsafe weights.turn(
      layer: layer, from: UnsafePointer(parameters.pointer), part: thread, of: threads)
  }

  /// Brings the packed weights of the output layer up to date, for whoever needs all of them.
  package func refreshOutput() {
    guard hasStaleOutput else { return }
    hasStaleOutput = false
    team.run { pack(layer: shape.layerCount, thread: $0) }
  }

  /// Whether steps of training draw outputs.
  package var drawsOutputs: Bool { shape.sampledSoftmax != nil }

  /// Draws the outputs that a batch trains on.
  package func drawOutputs(batch: Int) {
    weights.drawOutputs(step: UInt32(truncatingIfNeeded: batch))
    team.run { gatherOutputs(thread: $0) }
    team.run { packOutputs(thread: $0) }
  }

  func drawOutputs(step: UInt32, thread: Int) {
    if thread == 0 { weights.drawOutputs(step: step) }
  }

  func gatherOutputs(thread: Int) {
    unsafe weights.gatherOutputs(
      from: UnsafePointer(parameters.pointer), part: thread, of: threads)
  }

  func packOutputs(thread: Int) { weights.packOutputs(part: thread, of: threads) }

  /// Whether steps of training drop recurrent weights.
  package var dropsRecurrentWeights: Bool { shape.dropsRecurrentWeights }

  /// Drops recurrent weights from the packed ones for a step of training; `repack` brings them
  /// back.
  package func dropRecurrentWeights(step: Int) {
    team.run { dropRecurrentWeights(step: UInt32(truncatingIfNeeded: step), thread: $0) }
    team.run { packDroppedWeights(thread: $0) }
  }

  /// One thread's share of dropping recurrent weights, and then of packing what is left.
  func dropRecurrentWeights(step: UInt32, thread: Int) {
    unsafe weights.dropRecurrentWeights(
      of: parameters.pointer, step: step, part: thread, of: threads)
  }

  func packDroppedWeights(thread: Int) { weights.repackDropped(part: thread, of: threads) }

  /// Sets all parameters to their initial values, the same on every rank.
  package func initialize(seed: Int) {
    unsafe Initialization.initialize(
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

  /// Floats of the state vectors of all global sequences, [S, L, B, H].
  package var stateCount: Int { shape.stateCount(sequences: plan.sequences) }

  /// Copies this rank's state vectors into their places in [S, L, B, H].
  package func readState(into all: UnsafeMutablePointer<Float>) {
    forEachState { worker, vector, sequence, offset in
      unsafe worker.readState(vector: vector, sequence: sequence, into: all + offset)
    }
  }

  /// Takes this rank's state vectors out of [S, L, B, H].
  package func writeState(from all: UnsafePointer<Float>) {
    forEachState { worker, vector, sequence, offset in
      unsafe worker.writeState(vector: vector, sequence: sequence, from: all + offset)
    }
  }

  /// Copies one worker's state vectors into their places in [S, L, B, H].
  package func readState(ofWorker worker: Int, into all: UnsafeMutablePointer<Float>) {
    forEachState(of: workers[worker]) { worker, vector, sequence, offset in
      unsafe worker.readState(vector: vector, sequence: sequence, into: all + offset)
    }
  }

  /// Takes the state vectors of any worker's sequences out of [S, L, B, H].
  package func writeState(of worker: SequenceWorker, from all: UnsafePointer<Float>) {
    forEachState(of: worker) { worker, vector, sequence, offset in
      unsafe worker.writeState(vector: vector, sequence: sequence, from: all + offset)
    }
  }

  private func forEachState(_ body: (SequenceWorker, Int, Int, Int) -> Void) {
    for worker in workers { forEachState(of: worker, body) }
  }

  private func forEachState(
    of worker: SequenceWorker, _ body: (SequenceWorker, Int, Int, Int) -> Void
  ) {
    for vector in 0..<shape.carriedVectorCount {
      for sequence in worker.sequences {
        body(worker, vector, sequence, (vector * plan.sequences + sequence) * shape.hiddenSize)
      }
    }
  }
}
