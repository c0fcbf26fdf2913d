import Collectives
import GRUCore
import Kernels

/// The work of one worker, or one thread, in the parts of a step.
extension Engine {
  func fill(_ batch: StepBatch, worker index: Int) {
    let worker = replica.workers[index]
    if batch.isFirst { unsafe replica.readState(ofWorker: index, into: previousState.pointer) }
    if batches.source.startsEpoch(atStep: batch.number) { worker.resetState() }
    batches.source.fill(worker, step: batch.number)
  }

  func forward(layer: Int, worker: Int) {
    unsafe replica.workers[worker].trainForward(
      layer: layer, parameters: replica.parameters.pointer, weights: replica.weights)
  }

  func performStage(_ stage: Int, worker: Int) {
    unsafe replica.workers[worker].performStage(
      stage, weights: replica.weights, partialSums: sums.parts(ofWorker: worker))
  }

  func fold(stage: Int, thread: Int) {
    for bucket in exchange.plan.buckets where bucket.stage == stage {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      if let touched, bucket.elements.lowerBound < touched.batch.elementEnd {
        // Elements that no rank has are +0 already.
        touched.batch.forEachRun(in: elements) { sums.fold($0) }
      } else {
        sums.fold(elements)
      }
    }
  }

  /// Adds the batch's gradients to those before it; after the last one their sum is in the place of
  /// the gradients. Batches are summed in order, each of them a whole sum over shards, so that the
  /// split of the shards changes nothing.
  func accumulate(_ batch: StepBatch, thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, place in
      let sum = unsafe accumulated.pointer + place
      let gradient = unsafe sums.total + part.lowerBound
      if batch.isFirst {
        unsafe sum.update(from: gradient, count: part.count)
      } else {
        unsafe replica.kernels.add(
          sum, gradient, into: batch.isLast ? gradient : sum, count: part.count)
      }
    }
  }

  func sumSquares(droppedBy step: UInt32?, thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, place in
      if let step {
        unsafe replica.weights.dropRecurrentGradient(sums.total, range: part, step: step)
      }
      unsafe optimizer.rates?.clearFrozen(sums.total, in: part)
      let blocks = unsafe statistics.ownedBlockSquares + place / canonicalBlock
      if let touched {
        unsafe sumSquares(of: part, rows: touched.step, into: blocks)
      } else {
        unsafe replica.kernels.sumOfSquares(
          sums.total + part.lowerBound, count: part.count, blocks: blocks)
      }
    }
  }

  func update(layer: Int, _ scalars: ShardedOptimizer.Scalars, thread: Int) {
    let places = NodeFold.elements(
      ofThread: thread, of: replica.threads, in: ownedPlaces[layer])
    unsafe optimizer.update(places, of: replica.parameters.pointer, gradient: sums.total, scalars)
  }

  func swapAverage(thread: Int) {
    let places = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: optimizer.count)
    unsafe optimizer.swapAverage(places, of: replica.parameters.pointer)
  }

  // MARK: - Rounding

  func roundGradients(stage: Int, isFirst: Bool, thread: Int) {
    guard let compression else { return }
    for bucket in exchange.plan.buckets where bucket.stage == stage {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      unsafe compression.pack(elements, of: sums.ofRank, isFirst: isFirst)
      // A single rank rounds too, so that its trajectory is that of several.
      if exchange.exchange.isAlone {
        unsafe compression.sum(elements, into: sums.total, thread: thread)
      }
    }
  }

  func roundChanges(layer: Int, thread: Int) {
    forEachOwned(ofThread: thread, in: ownedPlaces[layer]) { part, place in
      unsafe compression?.packChange(
        part, from: replica.parameters.pointer, to: optimizer.master.pointer + place)
    }
  }

  func addChanges(layer: Int, thread: Int) {
    for bucket in exchange.plan.buckets where bucket.reader == layer {
      let elements = NodeFold.elements(
        ofThread: thread, of: replica.threads, in: bucket.elements)
      guard let rates = optimizer.rates else {
        unsafe compression?.addChange(elements, to: replica.parameters.pointer)
        continue
      }
      var start = elements.lowerBound
      while start < elements.upperBound {
        let run = rates.run(from: start, to: elements.upperBound)
        start = run.elements.upperBound
        if run.isFrozen { continue }
        unsafe compression?.addChange(run.elements, to: replica.parameters.pointer)
      }
    }
  }

  // MARK: - Shares

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
