import Collectives
import Configuration
import GRUCore
import Kernels
import NumericContract
import Records

/// Updates of which each is one of all shards: gradients are summed over all ranks, each rank
/// updates the slice that it owns, and all get all parameters.
@safe package final class SynchronousUpdates {
  let engine: Engine
  let schedule: LearningRateSchedule
  let checks: StepChecks
  let recomputation: GradientRecomputation
  private let contract: ContractVersion
  /// Called with the partial sums that this rank's workers have just filled, so that tests can harm
  /// them as faulty memory would.
  var faultAfterGradients: ((UnsafeMutablePointer<UnsafeMutablePointer<Float>>) -> Void)?

  init(
    replica: Replica, communicator: any Communicator, source: BatchSource, settings: StepSettings,
    progress: RunProgress = RunProgress()
  ) {
    engine = Engine(
      replica: replica, communicator: communicator,
      batches: StepBatches(source: source, perStep: settings.accumulation),
      sums: PartialSums(of: replica), settings: settings, progress: progress)
    schedule = LearningRateSchedule(settings)
    checks = settings.checks
    contract = settings.contract
    recomputation = GradientRecomputation(
      replica: replica, communicator: communicator, source: source, seed: checks.seed)
  }

  /// Trains on the next batch: fill, gradients, exchange, norm, update, exchange, repack. Gradients
  /// are exchanged layer by layer while lower layers are still in their backward pass.
  ///
  /// - Parameter isFollowed: leaves the exchange of parameters under way, to be hidden behind the
  ///   forward pass of the next step. Whoever wants anything but the next step calls
  ///   `Engine.synchronize` first.
  /// - Throws: on every rank alike, with parameters and moments as they were before the step:
  ///   `NonFiniteError` where the loss or the gradient is not finite, and then the state vectors
  ///   and the number of steps are those from before as well; `CorruptionError` where a check
  ///   failed.
  func performStep(requests: StepRequests, isFollowed: Bool) throws -> StepOutcome {
    let started = ContinuousClock.now
    var filling = Duration.zero
    var requests = requests
    engine.state.step += 1
    engine.progress.begin(step: engine.state.step)
    engine.timer.openStep(engine.state.step)
    for place in 0..<engine.batches.perStep {
      let batch = engine.batches.batch(place, ofStep: engine.state.step)
      filling += engine.fill(batch)
      if batch.isFirst { try engine.dropRecurrentWeights() }
      try engine.forward()
      engine.drawOutputs(for: batch)
      engine.timer.enter(.messageStart)
      try engine.touched?.startGathering(from: engine.replica, isFirst: batch.isFirst)
      requests.formUnion(try backward(batch))
      try engine.finishReduction(of: batch)
    }
    let decision = try decide(requests)
    let scalars = prepareUpdate(after: decision)
    try engine.update(scalars)
    if !isFollowed { try engine.synchronize() }
    return engine.finish(
      decision, learningRate: scalars.learningRate, started: started, filling: filling)
  }

  /// The output layer and the backward pass; starts the exchange of each stage's gradients.
  ///
  /// - Returns: what this rank found where it computed another one's gradients again.
  private func backward(_ batch: StepBatch) throws(CollectiveError) -> StepRequests {
    // What is looked at, or harmed, must be complete and not yet summed.
    let isHeldBack = unsafe isRecomputationDue(batch) || faultAfterGradients != nil
    let stages = engine.replica.workers[0].stages.count
    unsafe engine.exchange.beginReduction(sums: UnsafePointer(engine.sums.ofRank))
    for stage in 0..<stages {
      if engine.replica.use == .inTurn,
        let layer = engine.replica.workers[0].layerBegun(byStage: stage)
      {
        try engine.exchange.during { engine.run(.turn(layer: layer)) }
      }
      try engine.exchange.during { engine.run(.stage(stage)) }
      if !isHeldBack { try engine.complete(stage: stage, of: batch) }
    }
    guard isHeldBack else { return [] }
    unsafe faultAfterGradients?(engine.sums.parts)
    let mismatch = try recomputeIfDue(batch)
    for stage in 0..<stages { try engine.complete(stage: stage, of: batch) }
    return mismatch
  }

  /// Decides with all ranks whether the step is sound, and makes an update.
  private func decide(_ requests: StepRequests) throws -> StepDecision {
    engine.timer.enter(
      .norm, bytes: 4 * engine.optimizer.count / engine.replica.threads)
    engine.run(.sumSquares(droppedBy: UInt32(truncatingIfNeeded: engine.state.step)))
    engine.progress.begin(.decision)
    let hash = engine.hashIfDue(checks, after: engine.state.step - 1)
    let decision = try engine.gather(requests, hash: hash)
    try requireSound(decision.requests)
    guard decision.isFinite else { throw try nonFinite(decision) }
    return decision
  }

  /// Counts the step into the average, where there is one, and returns what all elements of its
  /// update share.
  private func prepareUpdate(after decision: StepDecision) -> ShardedOptimizer.Scalars {
    engine.progress.begin(.update)
    let config = engine.optimizer.config
    let step = engine.state.step
    let isClipped = config.clipNorm > 0 && decision.norm > config.clipNorm
    var scalars = ShardedOptimizer.Scalars(
      step: updateNumber,
      learningRate: schedule.rate(atStep: step, decays: engine.state.rateDecays)
        * engine.batches.relativeLength(ofStep: step),
      tokens: max(1, decision.tokens), scale: isClipped ? config.clipNorm / decision.norm : 1)
    if engine.state.isAveraging {
      engine.state.averagedSteps += 1
      scalars.averageWeight = config.averageWeight(count: engine.state.averagedSteps)
    }
    return scalars
  }

  /// The number of the update under way, by which Adam corrects its moments: a step that was
  /// skipped made none. Version 1 of the contract counts it all the same.
  private var updateNumber: Int {
    engine.state.step - (contract == .one ? 0 : engine.state.skippedSteps)
  }
}

extension LearningRateSchedule {
  /// That of a run.
  init(_ settings: StepSettings) {
    self.init(
      peak: settings.optimizer.learningRate, config: settings.optimizer.schedule,
      steps: settings.steps)
  }
}
