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
  /// How often the learning rate fell because validation stalled.
  package internal(set) var rateDecays = 0
  /// Whether a running mean of the parameters is kept by now.
  package internal(set) var isAveraging: Bool
  /// Steps whose parameters are in that mean.
  package internal(set) var averagedSteps = 0
  /// Where the step stands, for the watchdog.
  package let pulse = RunPulse()
  /// What the first thread does when, where somebody measures.
  private var timer = PhaseTimer()

  let exchange: GradientExchange
  private let nodeFold: NodeFold
  private let statistics: StepStatistics
  private let fingerprints: FingerprintGather
  private let checks: StepChecks
  let verification: ParameterVerification
  private let recomputation: GradientRecomputation
  /// The hidden vectors before the step under way, [L, B, H]; this rank's are in place.
  private let previousState: AlignedBuffer
  private let arenas: AlignedBuffer
  /// Called with the node arenas that this rank's workers have just filled, so that tests can harm
  /// them as faulty memory would.
  var faultAfterGradients: ((UnsafeMutablePointer<UnsafeMutablePointer<Float>>) -> Void)?
  /// Node arenas of all threads, in thread order, and the ones of them that hold the rank's nodes.
  private let threadNodes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  let rankNodes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// The index of each thread's first node arena.
  private let firstNodes: [Int]
  private var scalars = ShardedOptimizer.Scalars(step: 1, learningRate: 0, tokens: 1, scale: 1)

  // The work of one thread in each part of a step; made once, so that a step allocates nothing.
  private lazy var fillJob: (Int) -> Void = { [unowned self] in fill(thread: $0) }
  private lazy var gradientJob: (Int) -> Void = { [unowned self] in computeGradients(thread: $0) }
  private lazy var foldJob: (Int) -> Void = { [unowned self] in fold(thread: $0) }
  private lazy var squareJob: (Int) -> Void = { [unowned self] in sumSquares(thread: $0) }
  lazy var hashJob: (Int) -> Void = { [unowned self] in verification.hash(thread: $0) }
  private lazy var swapJob: (Int) -> Void = { [unowned self] in
    optimizer.swapAverage(ownedPart(thread: $0), of: replica.parameters.pointer)
  }
  private lazy var updateJob: (Int) -> Void = { [unowned self] in update(thread: $0) }

  package init(
    replica: Replica, communicator: any Communicator, source: BatchSource,
    optimizer config: OptimizerConfig, steps: Int, checks: StepChecks = StepChecks()
  ) {
    let elementCount = replica.table.elementCount
    let plan = replica.plan
    self.replica = replica
    self.communicator = communicator
    self.source = source
    schedule = LearningRateSchedule(
      peak: config.learningRate, config: config.schedule, steps: steps)
    exchange = GradientExchange(
      communicator: communicator, kernels: replica.kernels, elementCount: elementCount, plan: plan)
    nodeFold = NodeFold(plan: plan, rank: replica.rank)
    statistics = StepStatistics(communicator: communicator, plan: plan, exchange: exchange)
    fingerprints = FingerprintGather(
      communicator: communicator, ranges: exchange.ranges, elementCount: elementCount)
    self.checks = checks
    verification = ParameterVerification(replica: replica, communicator: communicator)
    recomputation = GradientRecomputation(
      replica: replica, communicator: communicator, source: source, seed: checks.seed)
    previousState = AlignedBuffer(count: replica.stateCount)
    isAveraging = config.emaDecay > 0
    optimizer = ShardedOptimizer(
      config: config, range: exchange.ownedRange, kernels: replica.kernels)

    let nodeCount = nodeFold.threadNodeCount
    arenas = AlignedBuffer(count: nodeCount * elementCount)
    threadNodes = .allocate(capacity: nodeCount)
    for index in 0..<nodeCount {
      (threadNodes + index).initialize(to: arenas.pointer + index * elementCount)
    }
    rankNodes = .allocate(capacity: nodeFold.rankNodeCount)
    for (index, arena) in nodeFold.resultArenas.enumerated() {
      (rankNodes + index).initialize(to: threadNodes[arena])
    }
    firstNodes = nodeFold.threadNodeCounts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  deinit {
    threadNodes.deallocate()
    rankNodes.deallocate()
  }

  /// Measures into a profile from now on, or not at all; the profile must live as long.
  package func measure(into profile: StepProfile?) {
    timer = profile?.timer ?? PhaseTimer()
    replica.workers[0].timer = timer
  }

  /// The elements that each rank owns, by rank.
  package var ownedRanges: [Range<Int>] { exchange.ranges }

  /// The gradient sums that the last step left: of all elements on a single rank, of the owned ones
  /// otherwise. Not yet divided by the token count.
  package var gradient: UnsafePointer<Float> { UnsafePointer(rankNodes[0]) }

  /// Counted targets of the last step's global batch.
  package var lastTokenCount: Int { scalars.tokens }

  /// What a step did.
  package struct Outcome: Sendable {
    /// Counted from 1.
    package var step: Int
    /// Nats per token.
    package var loss: Double
    /// Counted targets of the global batch.
    package var tokens: Int
    package var learningRate: Double
    /// Before clipping.
    package var gradientNorm: Double
    /// What any rank asked for.
    package var requests: StepRequests
    package var duration: Duration
    package var dataDuration: Duration
    package var exchangeDuration: Duration
  }

  /// Trains on the next batch: fill, gradients, exchange, norm, update, exchange, repack.
  ///
  /// - Throws: on every rank alike, with parameters and moments as they were before the step:
  ///   `NonFiniteError` where the loss or the gradient is not finite, and then the hidden vectors
  ///   and `step` are those from before as well; `CorruptionError` where a check failed.
  package func performStep(requests: StepRequests = []) throws -> Outcome {
    let clock = ContinuousClock()
    let started = clock.now
    step += 1
    pulse.begin(step: step)
    timer.enter(.data)
    replica.team.runPrepared(fillJob)
    if replica.dropsRecurrentWeights { replica.dropRecurrentWeights(step: step) }
    let filled = clock.now

    pulse.begin(.gradients)
    replica.team.runPrepared(gradientJob)
    faultAfterGradients?(threadNodes)
    let mismatch = try recomputeIfDue()
    timer.enter(.fold)
    replica.team.runPrepared(foldJob)
    let computed = clock.now

    pulse.begin(.gradientExchange)
    timer.enter(.exchange)
    try exchange.reduceScatter(nodes: rankNodes)
    timer.enter(.norm, bytes: 4 * exchange.ownedRange.count / replica.threads)
    replica.team.runPrepared(squareJob)
    pulse.begin(.decision)
    let hash = hashIfDue()
    timer.enter(.exchange)
    let totals = try statistics.gather(
      from: replica, requests: requests.union(mismatch), hash: hash)
    try requireSound(totals.requests)
    let norm = totals.gradientSquares.squareRoot() / Double(totals.tokens)
    let loss = totals.loss / Double(totals.tokens)
    if !norm.isFinite || !loss.isFinite { throw try nonFinite(loss: loss, norm: norm) }
    let exchanged = clock.now

    pulse.begin(.update)
    let clip = optimizer.config.clipNorm
    scalars = ShardedOptimizer.Scalars(
      step: step, learningRate: schedule.rate(atStep: step, decays: rateDecays),
      tokens: totals.tokens,
      scale: clip > 0 && norm > clip ? clip / norm : 1)
    if isAveraging {
      averagedSteps += 1
      scalars.averageWeight = optimizer.config.averageWeight(count: averagedSteps)
    }
    timer.enter(
      .optimizer,
      bytes: 4 * (3 + 2 * optimizer.config.momentNames.count) * exchange.ownedRange.count
        / replica.threads)
    replica.team.runPrepared(updateJob)
    let updated = clock.now

    pulse.begin(.parameterExchange)
    timer.enter(.exchange)
    try exchange.allGather(replica.parameters.pointer)
    let gathered = clock.now
    pulse.begin(.repacking)
    timer.enter(.weightPacking, bytes: 16 * replica.table.elementCount / replica.threads)
    replica.repack()
    timer.enter(.other)
    let duration = clock.now - started
    let exchangeDuration = (exchanged - computed) + (gathered - updated)
    pulse.finishStep(
      seconds: duration.seconds, exchange: exchangeDuration.seconds,
      data: (filled - started).seconds)
    return Outcome(
      step: step, loss: loss, tokens: totals.tokens, learningRate: scalars.learningRate,
      gradientNorm: norm, requests: totals.requests, duration: duration,
      dataDuration: filled - started,
      exchangeDuration: exchangeDuration)
  }

  /// A hash of all parameters, the same for any number of ranks and threads.
  package func fingerprint() throws(CollectiveError) -> String {
    try fingerprints.fingerprint(of: replica)
  }

  /// Calls `body` with the running mean in the place of the parameters, where there is one; every
  /// rank calls it. The parameters come back bit for bit.
  package func withAverage<Result>(_ body: () throws -> Result) throws -> Result {
    guard averagedSteps > 0 else { return try body() }
    try swapAverage()
    let result = try body()
    try swapAverage()
    return result
  }

  private func swapAverage() throws(CollectiveError) {
    replica.team.runPrepared(swapJob)
    try exchange.allGather(replica.parameters.pointer)
    replica.repack()
  }

  private func fill(thread: Int) {
    let worker = replica.workers[thread]
    replica.readState(ofThread: thread, into: previousState.pointer)
    if source.startsEpoch(atStep: step) { worker.resetState() }
    source.fill(worker, step: step)
  }

  /// Has a worker's gradients computed again where it is time for that.
  private func recomputeIfDue() throws(CollectiveError) -> StepRequests {
    guard checks.isRecomputationDue(atStep: step) else { return [] }
    let task = recomputation.task(step: step)
    let isFound = try recomputation.finds(
      task, step: step, nodes: threadNodes + firstNodes[task.thread],
      state: previousState.pointer)
    return isFound ? .gradientMismatch : []
  }

  private func hashIfDue() -> ParameterHash {
    guard communicator.worldSize > 1, checks.isVerificationDue(atStep: step) else {
      return ParameterHash()
    }
    replica.team.runPrepared(hashJob)
    return verification.hash
  }

  /// Throws on every rank where the checks of this step found something.
  private func requireSound(_ requests: StepRequests) throws {
    if statistics.hashesDiffer {
      throw try verification.error(for: statistics.hashes, step: step)
    }
    guard requests.contains(.gradientMismatch) else { return }
    let task = recomputation.task(step: step)
    let hosts = try communicator.hostNames()
    throw CorruptionError(
      step: step,
      suspects: [(task.owner, hosts[task.owner]), (task.checker, hosts[task.checker])],
      finding: .gradients(shards: task.shards))
  }

  /// Undoes what the step under way has done, before its update.
  func takeBack() {
    replica.writeState(from: previousState.pointer)
    if replica.dropsRecurrentWeights { replica.repack() }
    step -= 1
  }

  /// Counts a step as done without its update, after it threw `NonFiniteError`.
  package func skipStep() {
    step += 1
    if source.startsEpoch(atStep: step) { replica.resetState() }
  }

  private func computeGradients(thread: Int) {
    replica.workers[thread].computeGradients(
      parameters: replica.parameters.pointer, weights: replica.weights,
      nodes: threadNodes + firstNodes[thread])
  }

  private func fold(thread: Int) {
    let elements = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: replica.table.elementCount)
    nodeFold.fold(threadNodes: threadNodes, elements: elements, kernels: replica.kernels)
  }

  private func sumSquares(thread: Int) {
    let part = ownedPart(thread: thread)
    if part.isEmpty { return }
    replica.weights.dropRecurrentGradient(
      rankNodes[0], range: part, step: UInt32(truncatingIfNeeded: step))
    let block = (part.lowerBound - exchange.ownedRange.lowerBound) / canonicalBlock
    replica.kernels.sumOfSquares(
      rankNodes[0] + part.lowerBound, count: part.count,
      blocks: statistics.ownedBlockSquares + block)
  }

  private func update(thread: Int) {
    optimizer.update(
      ownedPart(thread: thread), of: replica.parameters.pointer, gradient: rankNodes[0], scalars)
  }

  /// One thread's share of the owned elements, cut at multiples of 4,096.
  private func ownedPart(thread: Int) -> Range<Int> {
    let owned = exchange.ownedRange
    let part = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: owned.count)
    return owned.lowerBound + part.lowerBound..<owned.lowerBound + part.upperBound
  }
}
