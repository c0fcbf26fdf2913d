package import Collectives
package import GRUCore
import Kernels

/// Performs training steps on one rank, in lockstep with the other ranks.
///
/// After `init` a step allocates nothing but what the transport needs.
package final class Trainer {
  package let replica: Replica
  package let communicator: any Communicator
  package let source: BatchSource
  package let optimizer: ShardedOptimizer
  /// Steps done so far.
  package internal(set) var step = 0
  package let schedule: LearningRateSchedule
  /// Batches whose gradients one update sums.
  package let accumulation: Int
  /// Which of them is under way, from 0.
  private(set) var batchOfStep = 0
  /// Bytes that this rank had sent after the last step.
  var sentBefore = 0
  /// How often the learning rate fell because validation stalled.
  package internal(set) var rateDecays = 0
  /// Whether a running mean of the parameters is kept by now.
  package internal(set) var isAveraging: Bool
  /// Steps whose parameters are in that mean.
  package internal(set) var averagedSteps = 0
  /// Where the step stands, for the watchdog.
  package let pulse: RunPulse
  /// What the first thread does when, where somebody measures.
  var timer = PhaseTimer()

  let exchange: OverlappedExchange
  let nodeFold: NodeFold
  let statistics: StepStatistics
  private let fingerprints: FingerprintGather
  let checks: StepChecks
  let verification: ParameterVerification
  let recomputation: GradientRecomputation
  /// The hidden vectors before the step under way, [L, B, H]; this rank's are in place.
  let previousState: AlignedBuffer
  private let arenas: AlignedBuffer
  /// Gradients of the step's batches so far, of owned elements; empty where there is one batch
  /// only.
  let accumulated: AlignedBuffer
  /// Called with the node arenas that this rank's workers have just filled, so that tests can harm
  /// them as faulty memory would.
  var faultAfterGradients: ((UnsafeMutablePointer<UnsafeMutablePointer<Float>>) -> Void)?
  /// Node arenas of all threads, in thread order, and the ones of them that hold the rank's nodes.
  let threadNodes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  let rankNodes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// The index of each thread's first node arena.
  let firstNodes: [Int]
  var scalars = ShardedOptimizer.Scalars(step: 1, learningRate: 0, tokens: 1, scale: 1)

  // The work of one thread in each part of a step; made once, so that a step allocates nothing.
  lazy var fillJob: (Int) -> Void = { [unowned self] in fill(thread: $0) }
  lazy var forwardJob: (Int) -> Void = { [unowned self] in forward(thread: $0) }
  lazy var stageJob: (Int) -> Void = { [unowned self] in performStage(thread: $0) }
  lazy var foldJob: (Int) -> Void = { [unowned self] in fold(thread: $0) }
  private lazy var accumulateJob: (Int) -> Void = { [unowned self] in accumulate(thread: $0) }
  private lazy var squareJob: (Int) -> Void = { [unowned self] in sumSquares(thread: $0) }
  lazy var hashJob: (Int) -> Void = { [unowned self] in verification.hash(thread: $0) }
  lazy var swapJob: (Int) -> Void = { [unowned self] in swapAverage(thread: $0) }
  lazy var updateJob: (Int) -> Void = { [unowned self] in update(thread: $0) }
  lazy var packCompressedJob: (Int) -> Void = { [unowned self] in packCompressed(thread: $0) }
  lazy var packChangesJob: (Int) -> Void = { [unowned self] in packChanges(thread: $0) }
  lazy var addChangesJob: (Int) -> Void = { [unowned self] in addChanges(thread: $0) }
  lazy var packGradientsJob: (Int) -> Void = { [unowned self] in packGradients(thread: $0) }
  lazy var unpackGradientsJob: (Int) -> Void = { [unowned self] in unpackGradients(thread: $0) }
  lazy var packParametersJob: (Int) -> Void = { [unowned self] in packParameters(thread: $0) }
  lazy var unpackParametersJob: (Int) -> Void = { [unowned self] in unpackParameters(thread: $0) }
  /// The stage of the backward pass, or the layer, that the jobs are about.
  var currentStage = 0
  var currentLayer = 0
  /// The first layer whose packed weights are not up to date; beyond the output layer if all are.
  var staleLayer: Int
  /// The owned places whose parameters each layer is the first to read.
  let ownedPlaces: [Range<Int>]
  /// What rounds gradients and changes of parameters on their way; nil leaves them as they are.
  let compression: GradientCompression?
  /// Which rows of the embedding have gradients, where somebody asks.
  let touched: TouchedRows?
  /// What exchanges those rows only, where that may be less.
  let rowExchange: RowExchange?
  /// The stage of the backward pass that needs to know them.
  let embeddingStage: Int?
  /// Whether only rows take part in the reduction, or the gathering, under way.
  var hasSelectedGradients = false
  var hasSelectedParameters = false

  /// The groups of this rank that train apart; nil where every update is one of all shards.
  let local: LocalUpdates?

  package init(
    replica: Replica, communicator: any Communicator, source: BatchSource,
    optimizer config: OptimizerConfig, steps: Int, accumulation: Int = 1,
    checks: StepChecks = StepChecks(),
    exchange exchangeConfig: ExchangeConfig = ExchangeConfig(), bucketBytes: Int = 1 << 20,
    local: LocalUpdates? = nil
  ) {
    precondition(
      config.keepsMaster == (exchangeConfig.compression != .none),
      "exact parameters are kept where their changes are rounded, and only there")
    let elementCount = replica.table.elementCount
    // One of several that stands alone, as a group does, has nobody to exchange with.
    let plan = replica.plan.ranks > communicator.worldSize ? replica.plan.alone : replica.plan
    self.replica = replica
    self.local = local
    pulse = RunPulse(stepsAtOnce: local?.every ?? 1)
    self.communicator = communicator
    self.source = source
    self.accumulation = accumulation
    schedule = LearningRateSchedule(
      peak: config.learningRate, config: config.schedule, steps: steps)
    // Groups have changed every row that any of them looked up, and as often as not others too.
    let rowElements =
      local == nil ? exchangeConfig.rowElements(of: replica.shape, table: replica.table) : 0
    let buckets = BucketPlan(
      segments: BackwardStage.segments(of: replica.shape, table: replica.table),
      bucketElements: max(canonicalBlock, bucketBytes / MemoryLayout<Float>.stride),
      apart: rowElements)
    let compression =
      exchangeConfig.compression == .none
      ? nil
      : GradientCompression(
        plan: plan, rank: replica.rank, elementCount: elementCount,
        bucketCount: buckets.buckets.count, kernels: replica.kernels)
    self.compression = compression
    let exchange = OverlappedExchange(
      communicator: communicator, kernels: replica.kernels, plan: plan, buckets: buckets,
      elementCount: elementCount, usesThread: exchangeConfig.progress == .thread,
      compression: compression)
    let ownership = exchange.exchange.ownership
    self.exchange = exchange
    staleLayer = replica.shape.layerCount + 1
    nodeFold = NodeFold(plan: replica.plan, rank: replica.rank)
    statistics = StepStatistics(
      communicator: communicator, plan: local?.plan ?? plan, ownership: ownership)
    fingerprints = FingerprintGather(communicator: communicator, ownership: ownership)
    self.checks = checks
    verification = ParameterVerification(replica: replica, communicator: communicator)
    recomputation = GradientRecomputation(
      replica: replica, communicator: communicator, source: source, seed: checks.seed)
    previousState = AlignedBuffer(count: replica.stateCount)
    isAveraging = config.emaDecay > 0
    let slices = ownership.slices(ofRank: communicator.rank)
    optimizer = ShardedOptimizer(
      config: local?.outer ?? config, slices: slices, kernels: replica.kernels)
    accumulated = AlignedBuffer(count: accumulation > 1 && local == nil ? optimizer.count : 0)
    ownedPlaces = buckets.places(of: slices, readers: replica.shape.layerCount + 1)

    let hasRows =
      local == nil && replica.shape.task.input == .tokens && (config.lazy || rowElements > 0)
    touched = hasRows ? TouchedRows(communicator: communicator, replica: replica) : nil
    embeddingStage = BackwardStage.stages(of: replica.shape).firstIndex(of: .embedding)
    rowExchange =
      rowElements > 0 && communicator.worldSize > 1
      ? RowExchange(
        buckets: buckets, elementEnd: rowElements, nodeCount: nodeFold.rankNodeCount) : nil
    if let touched, config.keepsIdleMoments {
      optimizer.rows = config.lazy ? touched.step : touched.recent
    }

    // The changes of groups lie where their parameters do.
    let nodeCount = local == nil ? nodeFold.threadNodeCount : 0
    arenas = AlignedBuffer(count: nodeCount * elementCount)
    threadNodes = .allocate(capacity: nodeCount)
    for index in 0..<nodeCount {
      (threadNodes + index).initialize(to: arenas.pointer + index * elementCount)
    }
    rankNodes = .allocate(capacity: nodeFold.rankNodeCount)
    for index in 0..<nodeFold.rankNodeCount {
      (rankNodes + index)
        .initialize(to: local?.nodes[index] ?? threadNodes[nodeFold.resultArenas[index]])
    }
    firstNodes = nodeFold.threadNodeCounts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    replica.workers[0].progress = exchange.hook
  }

  deinit {
    replica.workers[0].progress = nil
    threadNodes.deallocate()
    rankNodes.deallocate()
  }

  /// Measures into a profile from now on, or not at all; the profile must live as long.
  package func measure(into profile: StepProfile?) {
    timer = profile?.timer ?? PhaseTimer()
    replica.workers[0].timer = timer
  }

  /// The elements that each rank owns.
  package var ownership: Ownership { exchange.exchange.ownership }

  /// The gradient sums that the last step left: of all elements on a single rank, of the owned ones
  /// otherwise. Not yet divided by the token count.
  package var gradient: UnsafePointer<Float> { UnsafePointer(rankNodes[0]) }

  /// Counted targets of the last step's global batch.
  package var lastTokenCount: Int { scalars.tokens }

  /// What a step did.
  package struct Outcome: Sendable {
    /// Counted from 1.
    package var step: Int
    /// How many steps it was: those of a round of local updates, which count as one.
    package var steps = 1
    /// Nats per token.
    package var loss: Double
    /// Counted targets of the global batch.
    package var tokens: Int
    package var learningRate: Double
    /// Before clipping.
    /// Of local updates: of the mean change of parameters.
    package var gradientNorm: Double
    /// What any rank asked for.
    package var requests: StepRequests
    package var duration: Duration
    package var dataDuration: Duration
    /// Waiting for the exchange and moving it along.
    package var exposedExchangeDuration: Duration
    /// The exchange while this rank computed; that of a step's parameters counts with the next step
    /// where it goes on during that.
    package var hiddenExchangeDuration: Duration
    /// What this rank sent since the step before: gradients, parameters, and which rows they are
    /// of.
    package var sentBytes: Int
  }

  /// Trains on the next batch: fill, gradients, exchange, norm, update, exchange, repack. Gradients
  /// are exchanged layer by layer while lower layers are still in their backward pass.
  ///
  /// - Parameter isFollowed: leaves the exchange of parameters under way, to be hidden behind the
  ///   forward pass of the next step. Whoever wants anything but the next step calls `settle`
  ///   first.
  /// - Throws: on every rank alike, with parameters and moments as they were before the step:
  ///   `NonFiniteError` where the loss or the gradient is not finite, and then the hidden vectors
  ///   and `step` are those from before as well; `CorruptionError` where a check failed.
  package func performStep(
    requests: StepRequests = [], isFollowed: Bool = false
  ) throws -> Outcome {
    if local != nil { return try performRound { requests } }
    let clock = ContinuousClock()
    let started = clock.now
    step += 1
    pulse.begin(step: step)
    var filling = Duration.zero
    var mismatch: StepRequests = []
    for index in 0..<accumulation {
      batchOfStep = index
      timer.enter(.data)
      let fillStarted = clock.now
      replica.team.runPrepared(fillJob)
      filling += clock.now - fillStarted
      if index == 0, replica.dropsRecurrentWeights {
        try settle()
        replica.dropRecurrentWeights(step: step)
      }

      pulse.begin(.gradients)
      try forward()
      try touched?.startGathering(from: replica, isFirst: index == 0)
      mismatch.formUnion(try backward())

      pulse.begin(.gradientExchange)
      timer.enter(.exchange)
      try exchange.finishReduction()
      unpackGradients()
      if accumulation > 1 { replica.team.runPrepared(accumulateJob) }
      statistics.take(from: replica, isFirst: index == 0)
    }
    timer.enter(.norm, bytes: 4 * optimizer.count / replica.threads)
    replica.team.runPrepared(squareJob)
    pulse.begin(.decision)
    let hash = hashIfDue(after: step - 1)
    timer.enter(.exchange)
    let totals = try exchange.exposed { () throws(CollectiveError) in
      try statistics.gather(requests: requests.union(mismatch), hash: hash)
    }
    try requireSound(totals.requests)
    let norm = totals.gradientSquares.squareRoot() / Double(totals.tokens)
    let loss = totals.loss / Double(totals.tokens)
    if !norm.isFinite || !loss.isFinite {
      throw try nonFinite(loss: loss, norm: norm, requests: totals.requests)
    }

    pulse.begin(.update)
    let clip = optimizer.config.clipNorm
    scalars = ShardedOptimizer.Scalars(
      step: step,
      learningRate: schedule.rate(atStep: step, decays: rateDecays)
        * relativeLength,
      tokens: totals.tokens, scale: clip > 0 && norm > clip ? clip / norm : 1)
    if isAveraging {
      averagedSteps += 1
      scalars.averageWeight = optimizer.config.averageWeight(count: averagedSteps)
    }
    touched?.beginUpdate()
    compression?.commit()
    optimizer.beginMaster(from: replica.parameters.pointer)
    try updateParameters()
    if !isFollowed { try settle() }
    timer.enter(.other)
    let duration = clock.now - started
    let account = exchange.takeAccount()
    let sentBytes = exchange.sentBytes + (touched?.sentBytes ?? 0)
    defer { sentBefore = sentBytes }
    pulse.finishStep(
      seconds: duration.seconds, exchange: account.exposed.seconds,
      data: filling.seconds)
    return Outcome(
      step: step, loss: loss, tokens: totals.tokens, learningRate: scalars.learningRate,
      gradientNorm: norm, requests: totals.requests, duration: duration,
      dataDuration: filling, exposedExchangeDuration: account.exposed,
      hiddenExchangeDuration: account.hidden, sentBytes: sentBytes - sentBefore)
  }

  /// A hash of all parameters, the same for any number of ranks and threads.
  package func fingerprint() throws(CollectiveError) -> String {
    try fingerprints.fingerprint(of: replica)
  }
}
