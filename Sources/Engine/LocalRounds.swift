import Collectives
import Configuration
import GRUCore
import Kernels
import Records

/// Rounds of local updates: groups of shards train apart, each with an optimizer of its own, and
/// what has come of them is brought together by one step of SGD with Nesterov's momentum (DiLoCo:
/// Douillard et al., 2023, arXiv 2311.08105).
package final class LocalRounds {
  /// Of the step that brings the groups together.
  let engine: Engine
  /// Updates that a group makes in a round.
  let every: Int
  /// Groups of all ranks.
  let groupCount: Int
  /// Those of this rank, in order.
  let groups: [LocalGroup]
  private let checks: StepChecks
  /// Groups that train side by side, each on as many threads as the others.
  private let laneCount: Int

  /// - Parameter replica: the rank's own, from whose parameters the groups start.
  /// - Throws: `WorkerTeamError` where the system gives too few threads.
  init(
    replica: Replica, communicator: any Communicator, source: BatchSource, settings: StepSettings,
    progress: RunProgress? = nil
  ) throws {
    let plan = replica.plan
    let count = settings.exchange.localGroups
    let own = count / plan.ranks
    every = settings.exchange.synchronizeEvery
    groupCount = count
    checks = settings.checks
    let (lanes, threads) = Self.lanes(
      groups: own, threads: plan.threads, shardsOfGroup: plan.shards / count)
    laneCount = lanes
    let groupPlan = ShardPlan(
      sequences: plan.sequences, shards: plan.shards, ranks: count, threads: threads)
    groups = try (replica.rank * own..<(replica.rank + 1) * own).map { number in
      try LocalGroup(
        number, plan: groupPlan, beside: replica, source: source, settings: settings)
    }
    // The groups' changes lie where their parameters do; a thread of this plan is a group.
    let tree = NodeFold(
      plan: ShardPlan(
        sequences: plan.sequences, shards: plan.shards, ranks: plan.ranks, threads: own),
      rank: replica.rank)
    engine = unsafe Engine(
      replica: replica, communicator: communicator,
      batches: StepBatches(source: source, perStep: settings.accumulation),
      sums: PartialSums(
        at: groups.map { unsafe $0.engine.replica.parameters.pointer }, tree: tree,
        kernels: replica.kernels),
      settings: settings.outer,
      contributors: ShardPlan(sequences: count, shards: count, ranks: plan.ranks, threads: 1),
      progress: progress ?? RunProgress(stepsAtOnce: every))
  }

  /// How many groups train side by side, and on how many threads each: all threads have something
  /// to do, as far as shards go round, and threads share a group as little as can be.
  package static func lanes(
    groups: Int, threads: Int, shardsOfGroup: Int
  ) -> (lanes: Int, threads: Int) {
    let common =
      (1...min(groups, threads)).last {
        groups.isMultiple(of: $0) && threads.isMultiple(of: $0)
      } ?? 1
    let each = min(threads / common, shardsOfGroup)
    return (min(groups, threads / each), each)
  }

  /// Trains all groups for a round, and brings their parameters together.
  ///
  /// - Parameter requests: asked for when the groups have trained, with the round's last step.
  /// - Throws: on every rank alike. What the groups have done cannot be taken back: only a
  ///   checkpoint leads on from there.
  func performRound(requests: (Int) -> StepRequests) throws -> StepOutcome {
    let started = ContinuousClock.now
    engine.timer.openStep(engine.state.step + every)
    trainGroups()
    foldChanges()
    try engine.reduce()
    let decision = try decide(requests(engine.state.step))
    engine.progress.begin(.update)
    try engine.update(
      ShardedOptimizer.Scalars(
        step: engine.state.step, learningRate: engine.optimizer.config.learningRate,
        tokens: groupCount, scale: 1))
    try engine.synchronize()
    return engine.finish(
      decision, steps: every, learningRate: groups[0].learningRate, started: started,
      filling: dataDuration)
  }

  /// Has every group make the updates of a round.
  private func trainGroups() {
    engine.progress.begin(step: engine.state.step + 1)
    engine.progress.begin(.gradients)
    let start = engine.state
    let parameters = unsafe UnsafePointer(engine.replica.parameters.pointer)
    engine.replica.team.run { thread in
      engine.timers[thread].enter(.groups)
      for index in lane(thread) {
        unsafe groups[index].train(
          updates: every, from: parameters, start, progress: engine.progress)
      }
      engine.timers[thread].enter(thread == 0 ? .threadWait : .jobWait)
    }
    engine.timer.enter(.other)
    engine.state.step += every
  }

  /// Makes the groups' parameters the changes that lead back from them to those of the round's
  /// start, and adds up what of them the canonical tree adds up on this rank.
  private func foldChanges() {
    let replica = engine.replica
    replica.team.run { thread in
      let share = NodeFold.elements(
        ofThread: thread, of: replica.threads, elementCount: replica.table.elementCount)
      for group in groups {
        let arena = unsafe group.engine.replica.parameters.pointer + share.lowerBound
        unsafe replica.kernels.subtract(
          replica.parameters.pointer + share.lowerBound, arena, into: arena, count: share.count)
      }
      engine.sums.fold(share)
    }
  }

  /// Decides with all ranks whether the round is sound.
  private func decide(_ requests: StepRequests) throws -> StepDecision {
    engine.run(.sumSquares(droppedBy: nil))
    engine.statistics.take(groups)
    engine.progress.begin(.decision)
    let hash = engine.hashIfDue(checks, after: engine.state.step - every)
    let hasFailed = groups.contains { $0.failure != nil }
    let decision = try engine.gather(
      hasFailed ? requests.union(.failedUpdate) : requests, hash: hash, parts: groupCount)
    try engine.requireEqualParameters()
    if decision.requests.contains(.failedUpdate) || !decision.isFinite {
      throw try nonFinite(decision)
    }
    return decision
  }

  /// The error of a round, the same on every rank: that of the first group, in order, that could
  /// not go on, or else of the changes.
  private func nonFinite(_ decision: StepDecision) throws -> NonFiniteError {
    let communicator = engine.communicator
    try communicator.agree {
      for group in groups {
        if let failure = group.failure, !(failure is NonFiniteError) { throw failure }
      }
    }
    let failed = groups.first { $0.failure != nil }
    let mine = failed?.failure as? NonFiniteError
    let all = try communicator.allGather(
      [Double(mine?.step ?? 0), mine?.loss ?? 0, mine?.norm ?? 0])
    var error = NonFiniteError(
      step: engine.state.step, loss: decision.loss, norm: decision.norm)
    if let first = all.first(where: { $0[0] > 0 }) {
      error = NonFiniteError(step: Int(first[0]), loss: first[1], norm: first[2])
      error.place = try communicator.firstPlace(
        mine.map { "group \(failed?.number ?? 0), \($0.place ?? $0.cause)" })
    } else {
      error.place = try communicator.firstPlace(engine.nonFiniteSum("the change of"))
    }
    engine.state.step -= every
    return error
  }

  /// The groups that one thread has trained, one after the other.
  private func lane(_ thread: Int) -> StrideTo<Int> {
    stride(from: thread < laneCount ? thread : groups.count, to: groups.count, by: laneCount)
  }

  /// Filling batches, on this rank's busiest lane.
  private var dataDuration: Duration {
    (0..<laneCount).map { lane($0).reduce(.zero) { $0 + groups[$1].dataDuration } }.max() ?? .zero
  }
}

extension StepSettings {
  /// Those of the step that brings groups together: no batches, and every element of the embedding,
  /// because groups have changed every row that any of them looked up.
  fileprivate var outer: StepSettings {
    var outer = self
    outer.optimizer = optimizer.outer(exchange)
    outer.bringsGroupsTogether = true
    outer.exchange.sparse = .never
    outer.accumulation = 1
    return outer
  }
}
