import Collectives
import GRUCore
import Kernels

/// Rounds of local updates: groups of shards train apart, and what has come of them is brought
/// together by one step of SGD with Nesterov's momentum.
extension Trainer {
  /// Goes on from other parameters, with the moments and hidden vectors as they are.
  func begin(from parameters: UnsafePointer<Float>, afterStep step: Int, rateDecays: Int) {
    replica.parameters.pointer.update(from: parameters, count: replica.table.elementCount)
    staleLayer = 0
    self.step = step
    self.rateDecays = rateDecays
  }

  /// Steps that one call of `performStep` makes.
  package var stepsAtOnce: Int { local?.every ?? 1 }

  /// Trains all groups for a round, and brings their parameters together.
  ///
  /// - Parameter requests: asked for when the groups have trained.
  /// - Throws: on every rank alike. What the groups have done cannot be taken back: only a
  ///   checkpoint leads on from there.
  package func performRound(requests: () -> StepRequests) throws -> Outcome {
    guard let local else { preconditionFailure("a round needs groups") }
    let started = ContinuousClock.now
    let stepBefore = step
    let parameters = UnsafePointer(replica.parameters.pointer)
    pulse.begin(step: step + 1)
    pulse.begin(.gradients)
    replica.team.run { thread in
      local.train(
        thread: thread, from: parameters, afterStep: stepBefore, rateDecays: rateDecays,
        pulse: pulse)
    }
    step += local.every
    replica.team.run { thread in
      local.foldChanges(
        thread: thread, of: replica.threads, from: parameters,
        elementCount: replica.table.elementCount, kernels: replica.kernels)
    }
    let totals = try exchangeChanges(of: local, requests: requests(), stepBefore: stepBefore)
    let norm = totals.gradientSquares.squareRoot() / Double(local.groupCount)
    let loss = totals.loss / Double(totals.tokens)
    if totals.requests.contains(.failedUpdate) || !norm.isFinite || !loss.isFinite {
      throw try nonFinite(of: local, loss: loss, norm: norm)
    }

    pulse.begin(.update)
    scalars = ShardedOptimizer.Scalars(
      step: step, learningRate: optimizer.config.learningRate, tokens: local.groupCount, scale: 1)
    try updateParameters()
    try settle()
    let duration = ContinuousClock.now - started
    let account = exchange.takeAccount()
    let sentBytes = exchange.sentBytes - sentBefore
    sentBefore = exchange.sentBytes
    let updates = Double(local.every)
    pulse.finishStep(
      seconds: duration.seconds / updates, exchange: account.exposed.seconds / updates,
      data: local.dataDuration.seconds / updates)
    return Outcome(
      step: step, steps: local.every, loss: loss, tokens: totals.tokens,
      learningRate: local.learningRate, gradientNorm: norm, requests: totals.requests,
      duration: duration, dataDuration: local.dataDuration,
      exposedExchangeDuration: account.exposed, hiddenExchangeDuration: account.hidden,
      sentBytes: sentBytes)
  }

  /// Sums the changes of all groups, and gathers what ranks have to know of each other.
  private func exchangeChanges(
    of local: LocalUpdates, requests: StepRequests, stepBefore: Int
  ) throws -> StepStatistics.Totals {
    pulse.begin(.gradientExchange)
    exchange.beginReduction(nodes: UnsafePointer(rankNodes))
    for stage in replica.workers[0].stages.indices { try exchange.complete(stage: stage) }
    try exchange.finishReduction()
    replica.team.run { thread in
      forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, place in
        replica.kernels.sumOfSquares(
          rankNodes[0] + part.lowerBound, count: part.count,
          blocks: statistics.ownedBlockSquares + place / canonicalBlock)
      }
    }
    statistics.take(local.groups)
    pulse.begin(.decision)
    let hash = hashIfDue(after: stepBefore)
    let asked = local.hasFailed ? requests.union(.failedUpdate) : requests
    let totals = try exchange.exposed { () throws(CollectiveError) in
      try statistics.gather(requests: asked, hash: hash)
    }
    try requireSound(totals.requests)
    return totals
  }

  /// The error of a round, the same on every rank: that of the first group, in order, that could
  /// not go on, or else of the changes.
  private func nonFinite(
    of local: LocalUpdates, loss: Double, norm: Double
  ) throws -> NonFiniteError {
    try communicator.agree {
      for group in local.groups {
        if let failure = group.failure, !(failure is NonFiniteError) { throw failure }
      }
    }
    let failed = local.groups.first { $0.failure != nil }
    let mine = failed?.failure as? NonFiniteError
    let all = try communicator.allGather(
      [Double(mine?.step ?? 0), mine?.loss ?? 0, mine?.norm ?? 0])
    var error = NonFiniteError(step: step, loss: loss, norm: norm)
    if let first = all.first(where: { $0[0] > 0 }) {
      error = NonFiniteError(step: Int(first[0]), loss: first[1], norm: first[2])
      error.place = try communicator.firstPlace(
        mine.map { "group \(failed?.number ?? 0), \($0.place ?? $0.cause)" })
    } else {
      error.place = try communicator.firstPlace(nonFiniteSum("the change of"))
    }
    step -= local.every
    return error
  }
}
