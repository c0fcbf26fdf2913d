import Collectives
import GRUCore
import Kernels

/// The groups of shards of one rank that train apart, each with an optimizer of its own, between
/// two steps that bring the parameters of all groups together (DiLoCo: Douillard et al., 2023,
/// arXiv 2311.08105).
///
/// A group is what a rank would be in a world of as many ranks as there are groups: so its
/// sequences, its random numbers and its sums do not depend on who computes it.
package final class LocalUpdates {
  /// Updates that a group makes in a round.
  package let every: Int
  /// Groups of all ranks.
  package let groupCount: Int
  /// Those of this rank, in order.
  let groups: [LocalGroup]
  /// The step that brings them together.
  let outer: OptimizerConfig
  /// A plan whose shards are the groups.
  let plan: ShardPlan
  /// Makes the rank's nodes of the canonical tree of those of its groups.
  let fold: NodeFold
  /// Groups that train side by side, each on as many threads as the others.
  private let laneCount: Int
  /// The parameters of each group, and after a round how they have changed.
  private let arenas: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  /// Nil where the config has no such groups.
  ///
  /// - Parameter replica: the rank's own, from whose parameters the groups start.
  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  package init?(config: Config, beside replica: Replica, source: BatchSource) throws {
    guard config.exchange.isLocal else { return nil }
    let plan = replica.plan
    let count = config.exchange.localGroups
    let own = count / plan.ranks
    every = config.exchange.synchronizeEvery
    groupCount = count
    outer = config.optimizer.outer(config.exchange)
    self.plan = ShardPlan(sequences: count, shards: count, ranks: plan.ranks, threads: 1)
    fold = NodeFold(
      plan: ShardPlan(
        sequences: plan.sequences, shards: plan.shards, ranks: plan.ranks, threads: own),
      rank: replica.rank)
    let (lanes, threads) = Self.lanes(
      groups: own, threads: plan.threads, shardsOfGroup: plan.shards / count)
    laneCount = lanes
    let groupPlan = ShardPlan(
      sequences: plan.sequences, shards: plan.shards, ranks: count, threads: threads)
    groups = try (replica.rank * own..<(replica.rank + 1) * own).map { number in
      try LocalGroup(
        number,
        Trainer(
          replica: Replica(
            shape: replica.shape, kernels: replica.kernels, window: replica.window,
            plan: groupPlan, rank: number, slots: replica.slots),
          communicator: SoloCommunicator(), source: source, optimizer: config.optimizer,
          steps: config.run.steps, accumulation: config.batch.accumulate,
          exchange: config.exchange))
    }
    arenas = .allocate(capacity: own)
    for (index, group) in groups.enumerated() {
      (arenas + index).initialize(to: group.trainer.replica.parameters.pointer)
    }
  }

  deinit { arenas.deallocate() }

  /// How many groups train side by side, and on how many threads each: all threads have something
  /// to do, as far as shards go round, and threads share a group as little as can be.
  static func lanes(groups: Int, threads: Int, shardsOfGroup: Int) -> (lanes: Int, threads: Int) {
    let common =
      (1...min(groups, threads)).last {
        groups.isMultiple(of: $0) && threads.isMultiple(of: $0)
      } ?? 1
    let each = min(threads / common, shardsOfGroup)
    return (min(groups, threads / each), each)
  }

  /// The names of the moments that each group has.
  var momentNames: [String] { groups[0].trainer.optimizer.config.momentNames }

  /// Trains the groups of one thread's lane.
  func train(
    thread: Int, from parameters: UnsafePointer<Float>, afterStep step: Int, rateDecays: Int,
    pulse: RunPulse
  ) {
    guard thread < laneCount else { return }
    for index in stride(from: thread, to: groups.count, by: laneCount) {
      groups[index].train(
        updates: every, from: parameters, afterStep: step, rateDecays: rateDecays, pulse: pulse)
    }
  }

  /// Makes a thread's share of the groups' parameters the change that leads back from them to
  /// `parameters`, and adds up what of it the canonical tree adds up on this rank.
  func foldChanges(
    thread: Int, of threads: Int, from parameters: UnsafePointer<Float>, elementCount: Int,
    kernels: Kernels
  ) {
    let share = NodeFold.elements(ofThread: thread, of: threads, elementCount: elementCount)
    for index in groups.indices {
      let arena = arenas[index] + share.lowerBound
      kernels.subtract(parameters + share.lowerBound, arena, into: arena, count: share.count)
    }
    fold.fold(threadNodes: arenas, elements: share, kernels: kernels)
  }

  /// Where the rank's nodes are after `foldChanges`, in leaf order.
  var nodes: [UnsafeMutablePointer<Float>] { fold.resultArenas.map { arenas[$0] } }

  /// Whether a group could not go on.
  var hasFailed: Bool { groups.contains { $0.failure != nil } }

  /// The learning rate of the last update.
  var learningRate: Double { groups[0].learningRate }

  /// Filling batches, on this rank's busiest lane.
  var dataDuration: Duration {
    (0..<laneCount).map { lane in
      stride(from: lane, to: groups.count, by: laneCount).reduce(.zero) {
        $0 + groups[$1].dataDuration
      }
    }.max() ?? .zero
  }
}

/// One group of shards, with parameters, moments and hidden vectors of its own.
final class LocalGroup {
  /// Among those of all ranks.
  let number: Int
  let trainer: Trainer
  /// Nats and counted targets of the last round.
  private(set) var loss = 0.0
  private(set) var tokens = 0
  private(set) var learningRate = 0.0
  private(set) var dataDuration = Duration.zero
  /// Why the group could not go on in the last round.
  private(set) var failure: (any Error)?

  init(_ number: Int, _ trainer: Trainer) {
    self.number = number
    self.trainer = trainer
  }

  /// Makes the updates of a round. Hidden vectors and moments stay from round to round.
  func train(
    updates: Int, from parameters: UnsafePointer<Float>, afterStep step: Int, rateDecays: Int,
    pulse: RunPulse
  ) {
    (loss, tokens, dataDuration, failure) = (0, 0, .zero, nil)
    trainer.begin(from: parameters, afterStep: step, rateDecays: rateDecays)
    do {
      for _ in 0..<updates {
        let outcome = try trainer.performStep(isFollowed: true)
        loss += outcome.loss * Double(outcome.tokens)
        tokens += outcome.tokens
        learningRate = outcome.learningRate
        dataDuration += outcome.dataDuration
        pulse.beat()
      }
    } catch {
      failure = error
    }
  }
}
