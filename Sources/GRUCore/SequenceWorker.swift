import Cells
package import Kernels

/// One worker's share of the global batch: the workspace and the computation of its sequences'
/// forward pass, loss, back-propagation through time and summed gradients.
///
/// Shapes: T = `window`, B = `sequences.count`. Rows of all activations are in (time, sequence)
/// order. Nothing is allocated after `init`. Not thread-safe: one thread runs one worker, and has
/// others help it where its crew is open.
package final class SequenceWorker {
  package let shape: ModelShape
  /// Time steps of the batch under way.
  package private(set) var window: Int
  /// Most time steps of a batch.
  package let capacity: Int
  /// The worker's sequences within the global batch.
  package let sequences: Range<Int>
  /// The worker's shards.
  package let shards: Range<Int>
  /// Number of maximal canonical nodes of its shards, and so of partial sums it fills.
  package let partialSumCount: Int
  /// Token at each step and sequence, [T, B].
  package let inputs: UnsafeMutablePointer<Int32>
  /// The token to predict, [T, B]; −1 is not counted.
  package let targets: UnsafeMutablePointer<Int32>
  /// Sum of losses in nats and number of counted targets, per own shard.
  package let shardLosses: UnsafeMutablePointer<Double>
  package let shardTokens: UnsafeMutablePointer<Int>
  /// Sum of the metric of `shape.task.loss` over counted targets, per own shard; 0 where the task
  /// does not sum it. That of a softmax has a meaning after evaluations only: training does not
  /// compute it.
  package let shardMetrics: UnsafeMutablePointer<Double>
  /// The sequences that are laid end to end in each row of the window.
  package let slots: SequenceSlots
  /// Where somebody looks: receives the sum over rows of ‖∂ loss / ∂ h_t‖² of every layer and step,
  /// [L, T], with each backward pass.
  package var stateGradientSquares: UnsafeMutablePointer<Double>?

  /// The step that inputs and targets belong to, counted from 1: it decides what dropout drops.
  package var step: UInt32 = 0
  /// Whether the batch under way starts from the initial state, and not from one carried to it.
  var startsAfresh = true
  /// Whether evaluations leave the scores of all outputs, for `scores(ofRow:)`.
  package var keepsScores = false
  /// Whether the pass under way is one of training.
  var isTraining = false
  /// The step whose gates stand first in their memory: 0, but for an evaluation that keeps those of
  /// few steps at a time.
  var firstKeptStep = 0
  let dropoutKey: (UInt32, UInt32)
  /// The cell's steps and weight gradients, its gates and state vectors, and whether steps leave
  /// something in the inner buffer.
  let steps: CompiledSteps
  let blocks: CompiledBlocks
  let gateCount: Int
  let vectorCount: Int
  let hasInner: Bool
  /// Whether it is computed again in the backward pass.
  let recomputesInner: Bool
  /// What is packed of what recurrent weights of the direction multiplied, whose weight gradients
  /// are under way.
  var packedSource: RecurrentProduct.Source?
  /// The directions from this one on have carried their states on already.
  var firstCarried = 0

  let table: ParameterTable
  let kernels: Kernels
  /// Outputs for each real target, the levels of quantiles, and the place of the middle one.
  package let outputsPerTarget: Int
  let quantiles: UnsafeMutablePointer<Float>
  let pointQuantile: Int
  /// Whether outputs are computed block by block.
  let hasWideOutput: Bool
  let layout: WorkspaceLayout
  let directions: UnsafeMutablePointer<DirectionBuffers>
  let folds: UnsafeMutablePointer<Int>
  let sequencesPerShard: Int
  let embeddingGradient: EmbeddingGradient
  /// The clusters of an adaptive softmax; none without one.
  let tailClusters: [TailCluster]
  let tailRows: TailRows?
  /// The sums of the gradients of targets' rows, of a sampled softmax.
  let targetGradient: EmbeddingGradient?
  /// The stages of the backward pass.
  package let stages: [BackwardStage]
  /// How far down it goes.
  package var reach: BackwardReach
  /// Tells the parts of a step apart, where somebody records them.
  var timer = PhaseTimer()
  /// Called between time steps and between blocks of products.
  package var progress: ProgressHook?
  /// The threads that share its kernels.
  package let crew: Crew
  private let arena: AlignedBuffer

  package init(
    shape: ModelShape, table: ParameterTable, kernels: Kernels, window: Int, plan: ShardPlan,
    worker: Int, slots slotCount: Int = 1, use: MemoryUse = .apart
  ) {
    Self.requireRoom(shape, window: window, slots: slotCount, use)
    (self.shape, self.table) = (shape, table)
    (self.window, capacity) = (window, window)
    dropoutKey = Philox(seed: shape.regularization.seed, purpose: .dropout).key
    stages = BackwardStage.stages(of: shape)
    reach = BackwardReach(shape, table: table)
    steps = CompiledSteps(shape.cell, normalized: shape.normalizesGates)
    blocks = CompiledBlocks(shape.cell)
    (gateCount, vectorCount) = (shape.cell.gateCount, shape.cell.stateVectors.count)
    (hasInner, recomputesInner) = (shape.cell.hasInner, shape.cell.recomputesInner)
    firstCarried = shape.layerDirectionCount
    shards = plan.shards(ofWorker: worker)
    sequences = plan.sequences(of: shards)
    sequencesPerShard = plan.sequencesPerShard
    partialSumCount = plan.nodes(of: shards).count
    layout = WorkspaceLayout(
      shape: shape, window: window, sequences: sequences.count,
      sequencesPerShard: plan.sequencesPerShard, stackDepth: plan.stackDepth(of: shards),
      slots: slotCount, use: use, kernels: kernels)
    slots = SequenceSlots(
      perRow: slotCount, window: window, rows: sequences.count,
      hasReversed: shape.isBidirectional)
    arena = AlignedBuffer(count: layout.size)
    crew = Crew(
      memberCount: plan.threads(ofWorker: worker).count, scratchCount: layout.gradientScratch)
    self.kernels = crew.memberCount > 1 ? kernels.shared(by: crew) : kernels
    if let place = layout.classWeights {
      let weights = shape.regularization.classWeights
      precondition(weights.count == shape.vocabularySize, "\(weights.count) weights")
      (arena.pointer + place).update(from: weights, count: weights.count)
    }
    folds = Self.array(plan.foldsAfterEachShard(of: shards))
    let rows = window * sequences.count
    let lookups = rows * shape.task.tokensPerStep
    inputs = Self.array(of: 0, count: lookups)
    targets = Self.array(of: -1, count: rows)
    shardLosses = Self.array(of: 0, count: shards.count)
    shardTokens = Self.array(of: 0, count: shards.count)
    shardMetrics = Self.array(of: 0, count: shards.count)
    outputsPerTarget = shape.task.outputsPerTarget
    precondition(
      shape.vocabularySize.isMultiple(of: max(1, outputsPerTarget)),
      "\(shape.vocabularySize) outputs, \(outputsPerTarget) for each target")
    quantiles = Self.array(shape.task.quantiles.map { Float($0) })
    pointQuantile = shape.task.pointQuantile
    hasWideOutput = shape.task.canSplitOutputs && layout.vocabularyBlocks > 1
    tailClusters = shape.tailClusters
    tailRows = TailRows(of: shape, rows: rows, shards: shards.count)
    targetGradient = EmbeddingGradient(targetsOf: shape, rows: rows, shardCount: shards.count)
    directions = .allocate(capacity: shape.layerDirectionCount)
    for direction in 0..<shape.layerDirectionCount {
      (directions + direction).initialize(
        to: DirectionBuffers(
          gates: arena.pointer + layout.gates[direction],
          states: arena.pointer + layout.states[direction],
          inner: arena.pointer + layout.inner[direction]))
    }
    embeddingGradient = EmbeddingGradient(
      vocabularySize: shape.inputVocabularySize, rows: lookups, shardCount: shards.count,
      perRow: shape.task.tokensPerStep)
  }

  private static func requireRoom(
    _ shape: ModelShape, window: Int, slots: Int, _ use: MemoryUse
  ) {
    precondition(window > 0, "window \(window) < 1")
    precondition(
      !use.reusesActivations || shape.canReuseActivations && slots == 1,
      "activations of \(shape), \(slots) slots, are read once more")
    precondition(
      shape.task.canSplitOutputs || shape.vocabularySize <= canonicalBlock,
      "\(shape.vocabularySize) outputs > \(canonicalBlock)")
    // Tied weights read the top states again when those before a boundary are gone.
    precondition(!shape.tiesWeights || slots == 1, "tied weights, \(slots) slots")
  }

  private static func array<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let array = UnsafeMutablePointer<Value>.allocate(capacity: values.count)
    array.initialize(from: values, count: values.count)
    return array
  }

  private static func array<Value>(of value: Value, count: Int) -> UnsafeMutablePointer<Value> {
    let array = UnsafeMutablePointer<Value>.allocate(capacity: count)
    array.initialize(repeating: value, count: count)
    return array
  }

  deinit {
    folds.deallocate()
    inputs.deallocate()
    targets.deallocate()
    shardLosses.deallocate()
    shardTokens.deallocate()
    shardMetrics.deallocate()
    quantiles.deallocate()
    directions.deallocate()
  }

  /// Bytes that an instance of these sizes allocates.
  package static func workspaceBytes(
    shape: ModelShape, window: Int, plan: ShardPlan, worker: Int, slots: Int = 1,
    use: MemoryUse = .apart, kernels: Kernels
  ) -> Int {
    let shards = plan.shards(ofWorker: worker)
    let layout = WorkspaceLayout(
      shape: shape, window: window, sequences: plan.sequences(of: shards).count,
      sequencesPerShard: plan.sequencesPerShard, stackDepth: plan.stackDepth(of: shards),
      slots: slots, use: use, kernels: kernels)
    let helpers = plan.threads(ofWorker: worker).count - 1
    return (layout.size + helpers * layout.gradientScratch) * MemoryLayout<Float>.stride
  }

  /// Tokens of a window, T · B.
  var inputCount: Int { window * sequences.count }

  /// A product that counts as a part of `phase`.
  @inline(__always) func product(_ phase: SpanKind, _ product: ProductArguments) {
    var arguments = product
    arguments.scratch = buffer(layout.productScratch)
    timer.enter(
      phase,
      operations: 2 * arguments.rows * arguments.columns * arguments.segments
        * arguments.segmentLength)
    kernels.product(arguments)
  }

  @inline(__always) func callProgress() {
    if let progress { progress.call() }
  }

  @inline(__always) func buffer(_ offset: Int) -> UnsafeMutablePointer<Float> {
    arena.pointer + offset
  }

  /// Sets the length of the batches that follow.
  package func setWindow(_ steps: Int) {
    precondition(steps > 0, "window \(steps) < 1")
    precondition(steps <= capacity, "window \(steps) > \(capacity)")
    precondition(steps == capacity || slots.perRow == 1, "sequences end to end fill the window")
    window = steps
  }

  /// Forward pass, loss and back-propagation through the window of `inputs` and `targets`.
  ///
  /// `partialSums` points to `partialSumCount` arenas laid out by the parameter table; each is
  /// overwritten with the sum of gradients over the tokens of one maximal canonical node. Gaps
  /// between tensors are not touched. The state carried on to the next window is detached.
  ///
  /// The same in parts: `trainForward` of every layer, then `performStage` of every stage.
  ///
  /// - Complexity: 6 floating-point operations per weight and token. Does not allocate.
  package func computeGradients(
    parameters: UnsafePointer<Float>, weights: PackedWeights,
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) {
    isTraining = true
    forward(parameters: parameters, weights: weights)
    for stage in 0..<stages.count {
      if let layer = layerBegun(byStage: stage) {
        weights.turn(layer: layer, from: parameters, part: 0, of: 1)
      }
      performStage(stage, weights: weights, partialSums: partialSums)
    }
  }

  /// Forward pass and loss alone, with nothing dropped; carries the state on.
  package func evaluate(parameters: UnsafePointer<Float>, weights: PackedWeights) {
    isTraining = false
    forward(parameters: parameters, weights: weights)
    output(weights: weights, partialSums: nil)
    sumLosses()
    carryState()
    timer.enter(.other)
  }

  /// Sums the rows' losses and counts targets, shard by shard in (time, sequence) order.
  func sumLosses() {
    let losses = buffer(layout.rowLosses)
    let batch = sequences.count
    for shard in 0..<shards.count {
      var loss = 0.0
      var tokens = 0
      for t in 0..<outputSteps {
        let first = t * batch + shard * sequencesPerShard
        for row in first..<first + sequencesPerShard {
          loss += Double(losses[row])
          tokens += targets[row] >= 0 ? 1 : 0
        }
      }
      shardLosses[shard] = loss
      shardTokens[shard] = tokens
    }
    sumMetrics()
  }
}
