package import Collectives
import GRUCore
import Kernels
import Records

/// The parts of a step between which the exchange is started, moved along and waited for.
extension Engine {
  /// Fills the next batch.
  ///
  /// - Returns: how long that took.
  func fill(_ batch: StepBatch) -> Duration {
    let started = ContinuousClock.now
    run(.fill(batch))
    return ContinuousClock.now - started
  }

  /// Drops recurrent weights for the step under way, where the config asks for it.
  func dropRecurrentWeights() throws(CollectiveError) {
    guard replica.dropsRecurrentWeights else { return }
    try synchronize()
    run(.dropRecurrentWeights(step: UInt32(truncatingIfNeeded: state.step)))
    run(.packDroppedWeights)
  }

  /// Draws the outputs that a batch trains on, where the softmax is sampled. The parameters are up
  /// to date.
  func drawOutputs(for batch: StepBatch) {
    guard replica.drawsOutputs else { return }
    run(.drawOutputs(step: UInt32(truncatingIfNeeded: batch.number)))
    run(.gatherOutputs)
    run(.packOutputs)
  }

  /// The forward pass up to the output layer; each layer as soon as its parameters are there.
  func forward() throws(CollectiveError) {
    progress.begin(.gradients)
    for layer in 0..<replica.shape.layerCount {
      try refresh(throughLayer: layer)
      try exchange.during { run(.forward(layer: layer)) }
    }
    try synchronize()
  }

  /// Brings parameters and packed weights up to date that a step has left under way. Every rank
  /// calls it, before anything but the next step.
  package func synchronize() throws(CollectiveError) {
    guard staleLayer <= replica.shape.layerCount else { return }
    try refresh(throughLayer: replica.shape.layerCount)
    try exchange.finishGathering()
  }

  private func refresh(throughLayer layer: Int) throws(CollectiveError) {
    while staleLayer <= layer {
      progress.begin(.parameterExchange)
      timer.enter(.parameterWait)
      try exchange.finishGathering(reader: staleLayer)
      unpackParameterRows()
      if compression != nil { run(.addChanges(layer: staleLayer)) }
      progress.begin(.repacking)
      timer.enter(
        .weightPacking,
        bytes: 16 * replica.table.elementCount / (replica.shape.layerCount + 1) / replica.threads)
      if staleLayer == replica.shape.layerCount, replica.drawsOutputs {
        replica.hasStaleOutput = true
      } else {
        run(.pack(layer: staleLayer))
      }
      staleLayer += 1
      progress.begin(.gradients)
    }
  }

  /// Folds what a stage of a batch has left, over workers, and starts its exchange.
  func complete(stage: Int, of batch: StepBatch) throws(CollectiveError) {
    if stage == embeddingStage { try gatherRows() }
    if replica.workers.count > 1 { run(.fold(stage: stage)) }
    if stage == embeddingStage { packGradientRows() }
    if compression != nil { run(.roundGradients(stage: stage, isFirst: batch.isFirst)) }
    timer.enter(.messageStart)
    try exchange.complete(stage: stage)
  }

  /// Waits for the gradients of a batch, and adds them and its losses to those of the step.
  func finishReduction(of batch: StepBatch) throws(CollectiveError) {
    progress.begin(.gradientExchange)
    timer.enter(.gradientWait)
    try exchange.finishReduction()
    unpackGradientRows()
    if batches.perStep > 1 { run(.accumulate(batch)) }
    statistics.take(from: replica, isFirst: batch.isFirst)
  }

  /// Sums all partial sums over ranks at once.
  func reduce() throws(CollectiveError) {
    progress.begin(.gradientExchange)
    timer.enter(.gradientWait)
    unsafe exchange.beginReduction(sums: UnsafePointer(sums.ofRank))
    for stage in replica.workers[0].stages.indices { try exchange.complete(stage: stage) }
    try exchange.finishReduction()
  }

  /// Gathers what ranks have to know of each other, and adds it up: losses, norm and requests.
  ///
  /// - Parameters:
  ///   - hash: of the parameters, where they are to be compared.
  ///   - parts: what the sums are divided by for the norm; nil for the number of targets.
  func gather(
    _ requests: StepRequests, hash: ParameterHash, parts: Int? = nil
  ) throws(CollectiveError) -> StepDecision {
    timer.enter(.decisionWait)
    let totals = try exchange.exposed { () throws(CollectiveError) in
      try statistics.gather(requests: requests, hash: hash)
    }
    return StepDecision(totals, parts: parts ?? totals.tokens)
  }

  /// Updates what this rank owns, and starts to share it, in the order in which the next forward
  /// pass reads it.
  func update(_ scalars: ShardedOptimizer.Scalars) throws(CollectiveError) {
    touched?.beginUpdate()
    compression?.commit()
    unsafe optimizer.beginMaster(from: replica.parameters.pointer)
    beginGathering()
    for layer in ownedPlaces.indices {
      timer.enter(
        .optimizer,
        bytes: optimizer.bytesPerElement * ownedPlaces[layer].count / replica.threads)
      run(.update(layer: layer, scalars))
      if layer == 0 { packParameterRows() }
      if compression != nil { run(.roundChanges(layer: layer)) }
      timer.enter(.messageStart)
      try exchange.gather(reader: layer)
    }
    staleLayer = 0
  }

  /// Closes the account of a step that began at `started`, or of a round of `steps` of them.
  func finish(
    _ decision: StepDecision, steps: Int = 1, learningRate: Double,
    started: ContinuousClock.Instant, filling: Duration
  ) -> StepOutcome {
    timer.closeStep(of: steps)
    let duration = ContinuousClock.now - started
    let account = exchange.takeAccount()
    let sentBytes = exchange.sentBytes + (touched?.sentBytes ?? 0)
    defer { sentBefore = sentBytes }
    let count = Double(steps)
    progress.finishStep(
      seconds: duration.seconds / count, exchange: account.exposed.seconds / count,
      data: filling.seconds / count)
    return StepOutcome(
      step: state.step, steps: steps, loss: decision.loss, tokens: decision.tokens,
      learningRate: learningRate, gradientNorm: decision.norm, requests: decision.requests,
      duration: duration, dataDuration: filling, exposedExchangeDuration: account.exposed,
      hiddenExchangeDuration: account.hidden, sentBytes: sentBytes - sentBefore)
  }
}
