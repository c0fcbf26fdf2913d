import Collectives
import GRUCore
import Kernels

/// What is checked within a step, and how a step is taken back or left out.
extension Trainer {
  /// Whether the batch under way is one whose gradients are computed twice: the first of its step.
  var isRecomputationDue: Bool { batchOfStep == 0 && checks.isRecomputationDue(atStep: step) }

  /// Has a worker's gradients computed again where it is time for that.
  func recomputeIfDue() throws(CollectiveError) -> StepRequests {
    guard isRecomputationDue else { return [] }
    let task = recomputation.task(step: step)
    let isFound = try recomputation.finds(
      task, step: batch, nodes: threadNodes + firstNodes[task.thread],
      state: previousState.pointer)
    return isFound ? .gradientMismatch : []
  }

  /// - Parameter before: the last step that was no part of what is under way.
  func hashIfDue(after before: Int) -> ParameterHash {
    guard communicator.worldSize > 1, checks.isVerificationDue(after: before, through: step) else {
      return ParameterHash()
    }
    replica.team.runPrepared(hashJob)
    return verification.hash
  }

  /// Throws on every rank where the checks of this step found something.
  func requireSound(_ requests: StepRequests) throws {
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
    for number in batchNumbers(ofStep: step) where source.startsEpoch(atStep: number) {
      // What a checkpoint of now holds must be what the next step starts from.
      replica.carryInitialState()
    }
  }
}
