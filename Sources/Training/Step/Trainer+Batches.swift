import GRUCore
import Kernels

/// Which batches a step trains on.
extension Trainer {
  /// The numbers of a step's batches; both are counted from 1.
  func batchNumbers(ofStep step: Int) -> ClosedRange<Int> {
    (step - 1) * accumulation + 1...step * accumulation
  }

  /// The number of the batch under way.
  var batch: Int { (step - 1) * accumulation + batchOfStep + 1 }

  /// How much longer than usual the batches of the step are.
  var relativeLength: Double {
    let sum = batchNumbers(ofStep: step).reduce(0.0) { $0 + source.relativeLength(atStep: $1) }
    return sum / Double(accumulation)
  }

  /// The epoch in which a step begins, counted from 0.
  package func epoch(ofStep step: Int) -> Int {
    source.epoch(ofStep: batchNumbers(ofStep: step).lowerBound)
  }

  /// Targets of the first `steps` steps, where a batch of a text has `perBatch` but for jitter.
  package func targetCount(ofSteps steps: Int, perBatch: Int) -> Int {
    source.targetCount(ofSteps: steps * accumulation, perStep: perBatch)
  }

  func fill(thread: Int) {
    let worker = replica.workers[thread]
    if batchOfStep == 0 { replica.readState(ofThread: thread, into: previousState.pointer) }
    if source.startsEpoch(atStep: batch) { worker.resetState() }
    source.fill(worker, step: batch)
  }
}
