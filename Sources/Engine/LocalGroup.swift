import Collectives
import GRUCore
import Kernels
import Records

/// One group of shards, with parameters, moments and state vectors of its own.
///
/// A group is what a rank would be in a world of as many ranks as there are groups: so its
/// sequences, its random numbers and its sums do not depend on who computes it.
final class LocalGroup {
  /// Among those of all ranks.
  let number: Int
  let updates: SynchronousUpdates
  /// Nats and counted targets of the last round.
  private(set) var loss = 0.0
  private(set) var tokens = 0
  /// Of the last update.
  private(set) var learningRate = 0.0
  private(set) var dataDuration = Duration.zero
  /// Why the group could not go on in the last round.
  private(set) var failure: (any Error)?

  var engine: Engine { updates.engine }

  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  init(
    _ number: Int, plan: ShardPlan, beside replica: Replica, source: BatchSource,
    settings: StepSettings
  ) throws {
    self.number = number
    var settings = settings
    // Checks and sizes of messages are about other ranks.
    settings.checks = StepChecks()
    settings.bucketBytes = 1 << 20
    updates = SynchronousUpdates(
      replica: try Replica(
        shape: replica.shape, kernels: replica.kernels, window: replica.window, plan: plan,
        rank: number, slots: replica.slots, use: replica.use),
      communicator: SoloCommunicator(), source: source, settings: settings)
  }

  /// Makes the updates of a round. Hidden vectors and moments stay from round to round.
  func train(
    updates count: Int, from parameters: UnsafePointer<Float>, _ start: StepState,
    progress: RunProgress
  ) {
    (loss, tokens, dataDuration, failure) = (0, 0, .zero, nil)
    unsafe engine.adopt(parameters, start)
    do {
      for _ in 0..<count {
        let outcome = try updates.performStep(requests: [], isFollowed: true)
        loss += outcome.loss * Double(outcome.tokens)
        tokens += outcome.tokens
        learningRate = outcome.learningRate
        dataDuration += outcome.dataDuration
        progress.beat()
      }
    } catch {
      failure = error
    }
  }
}
