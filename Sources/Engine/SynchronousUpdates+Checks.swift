import Collectives
import GRUCore
import Kernels

/// What is checked within a step, and how a step is taken back or left out.
extension SynchronousUpdates {
  /// Whether the gradients of a batch are computed twice: only of the first one of a step.
  func isRecomputationDue(_ batch: StepBatch) -> Bool {
    batch.isFirst && checks.isRecomputationDue(atStep: engine.state.step)
  }

  /// Has a worker's gradients computed again where it is time for that.
  func recomputeIfDue(_ batch: StepBatch) throws(CollectiveError) -> StepRequests {
    guard isRecomputationDue(batch) else { return [] }
    let task = recomputation.task(step: engine.state.step)
    let isFound = try unsafe recomputation.finds(
      task, step: batch.number, sums: engine.sums.parts(ofWorker: task.place),
      state: engine.previousState.pointer)
    return isFound ? .gradientMismatch : []
  }

  /// Throws on every rank where the checks of this step found something.
  func requireSound(_ requests: StepRequests) throws {
    try engine.requireEqualParameters()
    guard requests.contains(.gradientMismatch) else { return }
    let step = engine.state.step
    let task = recomputation.task(step: step)
    let hosts = try engine.communicator.hostNames()
    throw CorruptionError(
      step: step,
      suspects: [(task.owner, hosts[task.owner]), (task.checker, hosts[task.checker])],
      finding: .gradients(shards: task.shards))
  }

  /// The error of the step under way, the same on every rank, with the place that the lowest rank
  /// to find one names; takes the step back.
  ///
  /// - Throws: `CorruptionError` where the reason is that the ranks' parameters differ.
  func nonFinite(_ decision: StepDecision) throws -> NonFiniteError {
    _ = try engine.verifyParameters()
    var error = NonFiniteError(
      step: engine.state.step, loss: decision.loss, norm: decision.norm,
      requests: decision.requests)
    let communicator = engine.communicator
    // Weights may take the place of gradients when activations are looked at.
    let sum = engine.nonFiniteSum("the gradient of")
    error.place = try communicator.firstPlace(engine.firstNonFinite()?.words)
    if error.place == nil {
      error.place = try communicator.firstPlace(sum)
    }
    takeBack()
    return error
  }

  /// Undoes what the step under way has done, before its update.
  func takeBack() {
    unsafe engine.replica.writeState(from: engine.previousState.pointer)
    if engine.replica.dropsRecurrentWeights || engine.replica.use == .inTurn {
      engine.replica.repack()
    }
    engine.state.step -= 1
  }

  /// Counts a step as done without its update, after it threw `NonFiniteError`.
  func skipStep() {
    engine.state.step += 1
    engine.state.skippedSteps += 1
    for number in engine.batches.numbers(ofStep: engine.state.step)
    where engine.batches.source.startsEpoch(atStep: number) {
      // What a checkpoint of now holds must be what the next step starts from.
      engine.replica.carryInitialState()
    }
  }
}
