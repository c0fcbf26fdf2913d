package import Collectives
package import Configuration
import GRUCore
package import Kernels
package import Records

/// Performs training steps on one rank, in lockstep with the other ranks: the engine, and the way
/// in which the config has shards work together.
package final class Trainer {
  package let engine: Engine
  /// Where the state lies that checkpoints are made of.
  package let memory: StateMemory
  package let schedule: LearningRateSchedule
  let strategy: Strategy

  /// How the shards of a global batch work together.
  enum Strategy {
    /// Every update is one of all shards.
    case synchronous(SynchronousUpdates)
    /// Groups of shards make updates of their own between two that bring them together.
    case rounds(LocalRounds)
  }

  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  package init(
    replica: Replica, communicator: any Communicator, source: BatchSource, settings: StepSettings,
    progress: RunProgress? = nil
  ) throws {
    schedule = LearningRateSchedule(settings)
    if settings.exchange.isLocal {
      let rounds = try LocalRounds(
        replica: replica, communicator: communicator, source: source, settings: settings,
        progress: progress)
      strategy = .rounds(rounds)
      memory = StateMemory(rounds)
    } else {
      let updates = SynchronousUpdates(
        replica: replica, communicator: communicator, source: source, settings: settings,
        progress: progress ?? RunProgress())
      strategy = .synchronous(updates)
      memory = StateMemory(updates)
    }
    engine = memory.engine
  }

  package var replica: Replica { engine.replica }
  package var communicator: any Communicator { engine.communicator }
  package var optimizer: ShardedOptimizer { engine.optimizer }
  package var progress: RunProgress { engine.progress }

  /// Steps done so far.
  package var step: Int { engine.state.step }

  /// Performs the next step, or round of steps.
  ///
  /// - Parameters:
  ///   - isFollowed: see `SynchronousUpdates.performStep`; a round leaves nothing under way.
  ///   - requests: what this rank asks of the others, given the step that this call ends with;
  ///     called once, in a round after its updates.
  /// - Throws: on every rank alike; see `SynchronousUpdates` and `LocalRounds`.
  package func performStep(
    isFollowed: Bool, requests: (Int) -> StepRequests
  ) throws -> StepOutcome {
    switch strategy {
    case .synchronous(let updates):
      try updates.performStep(requests: requests(step + 1), isFollowed: isFollowed)
    case .rounds(let rounds):
      try rounds.performRound(requests: requests)
    }
  }

  package func performStep(
    requests: StepRequests = [], isFollowed: Bool = false
  ) throws -> StepOutcome {
    try performStep(isFollowed: isFollowed) { _ in requests }
  }

  /// Brings everything up to date that a followed step has left under way.
  package func synchronize() throws(CollectiveError) { try engine.synchronize() }

  /// Has all threads record what they do from now on, or nothing; between steps.
  package func record(in timeline: Timeline?) {
    engine.record(in: timeline)
    for group in rounds?.groups ?? [] {
      group.engine.record(in: timeline, owner: "group \(group.number), ")
    }
  }

  /// A hash of all parameters, the same for any number of ranks and threads.
  package func fingerprint() throws(CollectiveError) -> String { try engine.fingerprint() }

  /// The updates of all shards, where there are no others.
  package var updates: SynchronousUpdates? {
    if case .synchronous(let updates) = strategy { updates } else { nil }
  }

  /// The rounds of groups, where shards train in these.
  package var rounds: LocalRounds? {
    if case .rounds(let rounds) = strategy { rounds } else { nil }
  }

  /// Whether a step that fails leaves the state from before it, to be saved or gone on from.
  /// Groups that train apart have left that behind.
  package var takesFailedStepsBack: Bool { updates != nil }

  /// Whether the next steps come soon enough for transfers to go on between them: rounds do not.
  package var hasShortSteps: Bool { updates != nil }

  /// Counts a step as done without its update, after it threw `NonFiniteError`.
  package func skipStep() {
    guard let updates else { preconditionFailure("a round cannot be left out") }
    updates.skipStep()
  }

  /// Goes on after `step`, with what was decided after validations so far.
  package func resume(
    afterStep step: Int, skippedSteps: Int, averagedSteps: Int, decays: Int, isAveraging: Bool
  ) {
    engine.state.step = step
    engine.state.skippedSteps = skippedSteps
    engine.state.averagedSteps = averagedSteps
    take(decays: decays, isAveraging: isAveraging)
    progress.resume(afterStep: step)
  }

  /// Goes by what was decided after validations: how often the learning rate falls, and whether
  /// parameters are averaged.
  package func take(decays: Int, isAveraging: Bool) {
    engine.state.rateDecays = decays
    engine.state.isAveraging = optimizer.config.emaDecay > 0 || isAveraging
  }
}
