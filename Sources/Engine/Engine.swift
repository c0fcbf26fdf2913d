package import Collectives
import Configuration
import GRUCore
package import Kernels
package import Records

/// One rank's replica and all that a step works on: batches, partial sums, the exchange, the owned
/// slice of the optimizer, and the jobs that its threads do. What a step is made of them is up to
/// `SynchronousUpdates` and `LocalRounds`.
///
/// After `init` nothing is allocated but what the transport needs.
package final class Engine {
  package let replica: Replica
  package let communicator: any Communicator
  package let batches: StepBatches
  package let optimizer: ShardedOptimizer
  /// Where the step stands, for the watchdog.
  package let progress: RunProgress
  package internal(set) var state = StepState()
  /// What threads record with, where somebody asks for that: the first one, and all.
  package private(set) var timer = PhaseTimer()
  private(set) var timers = TeamTimers()
  /// Where they do.
  package private(set) var timeline: Timeline?
  /// Bytes that this rank had sent after the last step.
  var sentBefore = 0

  let exchange: OverlappedExchange
  let sums: PartialSums
  /// Gradients of the step's batches so far, of owned elements; empty where there is one batch
  /// only.
  let accumulated: AlignedBuffer
  let statistics: StepStatistics
  let verification: ParameterVerification
  let fingerprints: FingerprintGather
  /// The state vectors before the step under way, [S, L, B, H]; this rank's are in place.
  let previousState: AlignedBuffer
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
  /// The first layer whose packed weights are not up to date; beyond the output layer if all are.
  var staleLayer: Int
  /// What the threads do; written by `run` alone.
  private var job = Job.idle

  /// - Parameters:
  ///   - contributors: a plan whose shards bring losses; nil for the replica's own.
  ///   - sums: what the exchange adds up over ranks.
  init(
    replica: Replica, communicator: any Communicator, batches: StepBatches, sums: PartialSums,
    settings: StepSettings, contributors: ShardPlan? = nil, progress: RunProgress = RunProgress()
  ) {
    let config = settings.optimizer
    // One of several that stands alone, as a group does, has nobody to exchange with.
    let plan = replica.plan.ranks > communicator.worldSize ? replica.plan.alone : replica.plan
    let table = replica.table
    let rowElements = settings.exchange.rowElements(of: replica.shape, table: table)
    let buckets = BucketPlan(
      segments: BackwardStage.segments(of: replica.shape, table: table),
      bucketElements: max(canonicalBlock, settings.bucketBytes / MemoryLayout<Float>.stride),
      apart: rowElements)
    self.replica = replica
    self.communicator = communicator
    self.batches = batches
    self.sums = sums
    self.progress = progress
    compression =
      settings.exchange.compression == .none
      ? nil
      : GradientCompression(
        plan: plan, rank: replica.rank, elementCount: table.elementCount,
        bucketCount: buckets.buckets.count, kernels: replica.kernels)
    exchange = OverlappedExchange(
      communicator: communicator, kernels: replica.kernels, plan: plan, buckets: buckets,
      elementCount: table.elementCount, usesThread: settings.exchange.progress == .thread,
      compression: compression)
    let ownership = exchange.exchange.ownership
    let slices = ownership.slices(ofRank: communicator.rank)
    optimizer = ShardedOptimizer(
      rule: settings.updateRule, slices: slices, kernels: replica.kernels,
      rates: settings.rates(of: table))
    let reach = BackwardReach(replica.shape, table: table, frozen: settings.frozen)
    for worker in replica.workers { worker.reach = reach }
    accumulated = AlignedBuffer(count: settings.accumulation > 1 ? optimizer.count : 0)
    ownedPlaces = buckets.places(of: slices, readers: replica.shape.layerCount + 1)
    statistics = StepStatistics(
      communicator: communicator, plan: contributors ?? plan, ownership: ownership)
    fingerprints = FingerprintGather(communicator: communicator, ownership: ownership)
    verification = ParameterVerification(replica: replica, communicator: communicator)
    previousState = AlignedBuffer(count: replica.stateCount)
    staleLayer = replica.shape.layerCount + 1
    let hasRows = replica.shape.task.readsTokens && (config.lazy || rowElements > 0)
    touched = hasRows ? TouchedRows(communicator: communicator, replica: replica) : nil
    embeddingStage = BackwardStage.stages(of: replica.shape).firstIndex(of: .embedding)
    rowExchange =
      rowElements > 0 && communicator.worldSize > 1
      ? RowExchange(buckets: buckets, elementEnd: rowElements, sumCount: sums.rankCount) : nil
    state.isAveraging = config.emaDecay > 0
    prepare()
  }

  /// Hands over what others call while a step goes on.
  private func prepare() {
    if let touched, optimizer.config.keepsIdleMoments {
      optimizer.rows = optimizer.config.lazy ? touched.step : touched.recent
    }
    replica.workers[0].progress = exchange.hook
    // Whoever runs a job holds the engine: no thread needs to count that.
    let engine = unsafe Unmanaged.passUnretained(self)
    replica.team.prepare { thread in
      unsafe engine._withUnsafeGuaranteedRef { $0.perform(thread: thread) }
    }
  }

  deinit {
    replica.workers[0].progress = nil
    replica.team.prepare(nil)
  }

  /// Has all threads do a job, and returns when it is done. Does not allocate.
  func run(_ job: Job) {
    self.job = job
    replica.team.runPrepared()
    timer.enter(.other)
  }

  /// The share of one thread, which records it.
  private func perform(thread: Int) {
    let timer = timers[thread]
    let started = timer.open(job.kind)
    performShare(ofThread: thread)
    let (section, detail) = job.section
    let next = thread > 0 ? SpanKind.jobWait : replica.threads > 1 ? .threadWait : .other
    timer.close(section, detail: detail, since: started, next: next)
  }

  private func performShare(ofThread thread: Int) {
    switch job {
    case .idle: break
    case .fill(let batch): replica.work(thread: thread) { fill(batch, worker: $0) }
    case .forward(let layer): replica.work(thread: thread) { forward(layer: layer, worker: $0) }
    case .stage(let stage): replica.work(thread: thread) { performStage(stage, worker: $0) }
    case .fold(let stage): fold(stage: stage, thread: thread)
    case .accumulate(let batch): accumulate(batch, thread: thread)
    case .sumSquares(let step): sumSquares(droppedBy: step, thread: thread)
    case .hash: verification.hash(thread: thread)
    case .update(let layer, let scalars): update(layer: layer, scalars, thread: thread)
    case .swapAverage: swapAverage(thread: thread)
    case .pack(let layer): replica.pack(layer: layer, thread: thread)
    case .turn(let layer): replica.turn(layer: layer, thread: thread)
    case .dropRecurrentWeights(let step): replica.dropRecurrentWeights(step: step, thread: thread)
    case .packDroppedWeights: replica.packDroppedWeights(thread: thread)
    case .drawOutputs(let step): replica.drawOutputs(step: step, thread: thread)
    case .gatherOutputs: replica.gatherOutputs(thread: thread)
    case .packOutputs: replica.packOutputs(thread: thread)
    case .packGradientRows: packGradientRows(thread: thread)
    case .unpackGradientRows: unpackGradientRows(thread: thread)
    case .packParameterRows: packParameterRows(thread: thread)
    case .unpackParameterRows: unpackParameterRows(thread: thread)
    case .roundGradients(let stage, let isFirst):
      roundGradients(stage: stage, isFirst: isFirst, thread: thread)
    case .roundChanges(let layer): roundChanges(layer: layer, thread: thread)
    case .addChanges(let layer): addChanges(layer: layer, thread: thread)
    }
  }

  /// Has all threads record what they do from now on, or nothing. No step is under way.
  ///
  /// - Parameter owner: what its lanes' names begin with, of one of several engines.
  package func record(in timeline: Timeline?, owner: String = "") {
    self.timeline = timeline
    timers = timeline?.team(replica.threadNames.map { owner + $0 }) ?? TeamTimers()
    timer = timers[0]
    for (index, worker) in replica.workers.enumerated() {
      worker.record(with: timers.from(thread: replica.plan.threads(ofWorker: index).lowerBound))
    }
    exchange.record(with: timer, in: timeline)
  }

  /// The elements that each rank owns.
  package var ownership: Ownership { exchange.exchange.ownership }

  /// The gradient sums that the last step left: of all elements on a single rank, of the owned ones
  /// otherwise. Not yet divided by the token count.
  package var gradient: UnsafePointer<Float> { unsafe UnsafePointer(sums.total) }

  /// Goes on from other parameters, with the moments and state vectors as they are.
  func adopt(_ parameters: UnsafePointer<Float>, _ state: StepState) {
    unsafe replica.parameters.pointer.update(from: parameters, count: replica.table.elementCount)
    staleLayer = 0
    self.state = state
  }
}
