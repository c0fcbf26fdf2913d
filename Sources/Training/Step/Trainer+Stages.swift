package import Collectives
import GRUCore
import Kernels

/// The parts of a step between which the exchange is started, moved along and waited for.
extension Trainer {
  /// The forward pass up to the output layer; each layer as soon as its parameters are there.
  func forward() throws(CollectiveError) {
    for layer in 0..<replica.shape.layerCount {
      try refresh(throughLayer: layer)
      currentLayer = layer
      try exchange.during { replica.team.runPrepared(forwardJob) }
    }
    try settle()
  }

  /// Brings parameters and packed weights up to date that a step has left under way. Every rank
  /// calls it, before anything but the next step.
  package func settle() throws(CollectiveError) {
    guard staleLayer <= replica.shape.layerCount else { return }
    try refresh(throughLayer: replica.shape.layerCount)
    try exchange.finishGathering()
  }

  private func refresh(throughLayer layer: Int) throws(CollectiveError) {
    while staleLayer <= layer {
      pulse.begin(.parameterExchange)
      timer.enter(.exchange)
      try exchange.finishGathering(reader: staleLayer)
      unpackParameters()
      addChanges(layer: staleLayer)
      pulse.begin(.repacking)
      timer.enter(
        .weightPacking,
        bytes: 16 * replica.table.elementCount / (replica.shape.layerCount + 1) / replica.threads)
      replica.repack(layer: staleLayer)
      staleLayer += 1
      pulse.begin(.gradients)
    }
  }

  /// The output layer and the backward pass; starts the exchange of each stage's gradients.
  ///
  /// - Returns: what this rank found where it computed another one's gradients again.
  func backward() throws(CollectiveError) -> StepRequests {
    // What is looked at, or harmed, must be complete and not yet summed.
    let isHeldBack = isRecomputationDue || faultAfterGradients != nil
    let stages = replica.workers[0].stages.count
    exchange.beginReduction(nodes: UnsafePointer(rankNodes))
    for stage in 0..<stages {
      currentStage = stage
      try exchange.during { replica.team.runPrepared(stageJob) }
      if !isHeldBack { try complete(stage: stage) }
    }
    guard isHeldBack else { return [] }
    faultAfterGradients?(threadNodes)
    let mismatch = try recomputeIfDue()
    for stage in 0..<stages { try complete(stage: stage) }
    return mismatch
  }

  /// Folds what a stage has left, over threads, and starts its exchange.
  private func complete(stage: Int) throws(CollectiveError) {
    currentStage = stage
    if stage == embeddingStage { try gatherRows() }
    if replica.threads > 1 {
      timer.enter(.fold)
      replica.team.runPrepared(foldJob)
    }
    if stage == embeddingStage { packGradients() }
    packCompressed()
    timer.enter(.exchange)
    try exchange.complete(stage: stage)
  }

  /// Updates what this rank owns, and starts to share it, in the order in which the next forward
  /// pass reads it.
  func updateParameters() throws(CollectiveError) {
    beginGathering()
    if let compression { exchange.exchange.selectForGathering(compression.selected) }
    for layer in ownedPlaces.indices {
      currentLayer = layer
      timer.enter(
        .optimizer,
        bytes: 4 * (3 + 2 * optimizer.config.momentNames.count) * ownedPlaces[layer].count
          / replica.threads)
      replica.team.runPrepared(updateJob)
      timer.enter(.exchange)
      if layer == 0 { packParameters() }
      packChanges()
      try exchange.gather(reader: layer)
    }
    staleLayer = 0
  }

  // MARK: - The work of one thread

  func forward(thread: Int) {
    replica.workers[thread].trainForward(
      layer: currentLayer, parameters: replica.parameters.pointer, weights: replica.weights)
  }

  func performStage(thread: Int) {
    replica.workers[thread].performStage(
      currentStage, weights: replica.weights, nodes: threadNodes + firstNodes[thread])
  }

  func fold(thread: Int) {
    for bucket in exchange.plan.buckets where bucket.stage == currentStage {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      if let touched, bucket.elements.lowerBound < touched.batch.elementEnd {
        foldRows(elements, of: touched.batch)
      } else {
        nodeFold.fold(threadNodes: threadNodes, elements: elements, kernels: replica.kernels)
      }
    }
  }

  func update(thread: Int) {
    let places = NodeFold.elements(
      ofThread: thread, of: replica.threads, in: ownedPlaces[currentLayer])
    optimizer.update(
      places, of: replica.parameters.pointer, gradient: rankNodes[0], scalars)
  }

  /// Adds the batch's gradients to those before it; after the last one their sum is in the place of
  /// the gradients. Batches are summed in order, each of them a whole sum over shards, so that the
  /// split of the shards changes nothing.
  func accumulate(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, place in
      let sum = accumulated.pointer + place
      let gradient = rankNodes[0] + part.lowerBound
      if batchOfStep == 0 {
        sum.update(from: gradient, count: part.count)
      } else {
        let isLast = batchOfStep == accumulation - 1
        replica.kernels.add(sum, gradient, into: isLast ? gradient : sum, count: part.count)
      }
    }
  }

  func sumSquares(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, place in
      replica.weights.dropRecurrentGradient(
        rankNodes[0], range: part, step: UInt32(truncatingIfNeeded: step))
      let blocks = statistics.ownedBlockSquares + place / canonicalBlock
      if let touched {
        sumSquares(of: part, rows: touched.step, into: blocks)
      } else {
        replica.kernels.sumOfSquares(
          rankNodes[0] + part.lowerBound, count: part.count, blocks: blocks)
      }
    }
  }

  /// Calls `body` with every run of owned elements in a thread's share of `places`, and the place
  /// of its first one.
  @inline(__always) func forEachOwned(
    ofThread thread: Int, in places: Range<Int>, _ body: (Range<Int>, Int) -> Void
  ) {
    let share = NodeFold.elements(ofThread: thread, of: replica.threads, in: places)
    for slice in optimizer.slices {
      let part = slice.elements(at: share)
      if !part.isEmpty { body(part, slice.place + part.lowerBound - slice.elements.lowerBound) }
    }
  }
}
