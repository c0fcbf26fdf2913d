package import Collectives
package import Corpora
package import Datasets
package import Engine
package import GRUCore
import Kernels
package import Records

/// Measures the loss over a text or the sequences of a task: every token or sequence once, in the
/// same rows and shards as training.
package final class Evaluator {
  private let replica: Replica
  private let communicator: any Communicator
  private let source: Source
  /// Bytes of text that all targets stand for; 0 where there is no text.
  private let targetBytes: Int
  private let savedState: AlignedBuffer
  private let progress: RunProgress?

  private enum Source {
    case text(CorpusSplit.Part, EvaluationPlan)
    case task(TaskBatches)
  }

  /// The sums and what follows from them.
  package struct Score: Sendable {
    /// Nats per token of a text; the mean of a task's loss.
    package var loss: Double
    package var tokens: Int
    /// Bytes of text that the counted tokens stand for; 0 where there is no text.
    package var bytes: Int
    /// The mean of the metric of a task's loss, and what it is the metric of.
    package var metric = 0.0
    package var task: TaskShape?
    package var outputs = 1

    /// e^loss, which a hopeless model may leave infinite.
    package var perplexity: Double { loss < 700 ? Elementary.exp(loss) : .infinity }
    package var bitsPerByte: Double {
      loss * Double(tokens) / Double(bytes) / Elementary.log(2)
    }
  }

  package init(
    replica: Replica, communicator: any Communicator, part: CorpusSplit.Part, window: Int,
    progress: RunProgress? = nil
  ) {
    self.replica = replica
    self.communicator = communicator
    targetBytes = part.targetBytes
    source = .text(
      part,
      EvaluationPlan(tokenRange: part.range, sequences: replica.plan.sequences, window: window))
    savedState = AlignedBuffer(count: replica.stateCount)
    self.progress = progress
  }

  /// - Parameter batches: of the sequences to measure on.
  package init(
    replica: Replica, communicator: any Communicator, batches: TaskBatches,
    progress: RunProgress? = nil
  ) {
    self.replica = replica
    self.communicator = communicator
    targetBytes = 0
    source = .task(batches)
    savedState = AlignedBuffer(count: replica.stateCount)
    self.progress = progress
  }

  private var windowCount: Int {
    switch source {
    case .text(_, let plan): plan.windowCount
    case .task(let batches): batches.batchCount
    }
  }

  /// Runs over the whole text from the initial state; the state of training is kept.
  package func score() throws(CollectiveError) -> Score {
    guard let score = try score(unlessStopped: nil) else {
      preconditionFailure("a validation that nobody can stop was stopped")
    }
    return score
  }

  /// As `score()`, but gives up, on every rank after the same window, when `isStopRequested` says
  /// so on any of them.
  package func score(
    unlessStopped isStopRequested: (() -> Bool)?
  ) throws(CollectiveError) -> Score? {
    replica.readState(into: savedState.pointer)
    replica.resetState()
    defer { replica.writeState(from: savedState.pointer) }
    let shardCount = replica.plan.shards
    // Losses of all shards, then token counts, then metrics; a rank fills in its own.
    var sums = [Double](repeating: 0, count: 3 * shardCount)
    for index in 0..<windowCount {
      replica.team.run { evaluateWindow(index, thread: $0) }
      progress?.beat()
      if let isStopRequested, (index + 1).isMultiple(of: windowsBetweenVotes) {
        if try anyRank(isStopRequested()) { return nil }
      }
      for worker in replica.workers {
        for (place, shard) in worker.shards.enumerated() {
          sums[shard] += worker.shardLosses[place]
          sums[shardCount + shard] += Double(worker.shardTokens[place])
          sums[2 * shardCount + shard] += worker.shardMetrics[place]
        }
      }
    }
    return try combine(sums)
  }

  /// Windows that take some tenths of a second: the ranks wait for each other at every vote.
  private var windowsBetweenVotes: Int {
    let sequences = replica.plan.sequences / replica.plan.workers
    let operations = 2 * replica.table.elementCount * sequences * replica.window
    return max(1, 10_000_000_000 / max(1, operations))
  }

  private func anyRank(_ isRequested: Bool) throws(CollectiveError) -> Bool {
    try communicator.allGather([isRequested]).contains([true])
  }

  private func evaluateWindow(_ index: Int, thread: Int) {
    let worker = replica.workers[thread]
    switch source {
    case .text(let part, let plan):
      worker.setWindow(plan.window)
      plan.fill(
        inputs: worker.inputs, targets: worker.targets, corpus: part.corpus,
        sequences: worker.sequences, windowIndex: index)
    case .task(let batches):
      worker.resetState()
      batches.fill(worker, batch: index)
    }
    worker.evaluate(parameters: replica.parameters.pointer, weights: replica.weights)
  }

  private func combine(_ sums: [Double]) throws(CollectiveError) -> Score {
    let shardCount = replica.plan.shards
    let all = try communicator.allGather(sums)
    var losses = [Double](repeating: 0, count: shardCount)
    var metrics = losses
    var tokens = 0.0
    for rank in all.indices {
      for shard in replica.plan.shards(ofRank: rank) {
        losses[shard] = all[rank][shard]
        tokens += all[rank][shardCount + shard]
        metrics[shard] = all[rank][2 * shardCount + shard]
      }
    }
    var score = Score(
      loss: CanonicalTree.sum(losses) / tokens, tokens: Int(tokens), bytes: targetBytes)
    if case .task = source {
      score.metric = CanonicalTree.sum(metrics) / tokens
      score.task = replica.shape.task
      score.outputs = replica.shape.vocabularySize
    }
    return score
  }
}
