package import Batches
package import Collectives
package import Corpora
package import Datasets
package import Engine
package import GRUCore
import Kernels
package import Records
package import Tasks

/// A model in use: computes forward only, measures the loss and metrics of its task, and says what
/// its outputs mean.
///
/// Everything is computed in the rows and shards of training, so that any number of ranks and
/// threads gives the same bits.
package final class Scorer {
  package let task: TaskDescription
  package let decoder: OutputDecoder
  /// The text that the model was trained on, of which naive models know how frequent tokens are.
  package var trainingText: CorpusSplit.Part?
  package let replica: Replica
  /// Whether scores have examples of single outputs.
  package var keepsExamples = false
  let communicator: any Communicator
  private let savedState: AlignedBuffer
  private let progress: RunProgress?
  /// What is summed over outputs beside the loss; nil for nothing.
  private var figures: (any FigureKind)?
  private let frame: TaskFrame?
  /// What was counted of the text that was measured on last.
  private var counted: (part: CorpusSplit.Part, figures: TextFigures)?

  /// What a model is measured on, or gives outputs of: each token or sequence once.
  package enum Subject: Sendable {
    case text(CorpusSplit.Part, window: Int)
    case sequences(TaskBatches)
  }

  /// - Parameters:
  ///   - frame: what the data taught; nil where they are text, or made up.
  ///   - replica: has the model's parameters; whoever changes them packs them too.
  ///   - progress: hears of every batch.
  package init(
    task: TaskDescription, decoder: OutputDecoder, frame: TaskFrame? = nil, replica: Replica,
    communicator: any Communicator, progress: RunProgress? = nil
  ) {
    self.task = task
    self.decoder = decoder
    self.replica = replica
    self.communicator = communicator
    savedState = AlignedBuffer(count: replica.stateCount)
    self.progress = progress
    self.frame = frame
    figures = task.figures.kind(
      frame: frame, task: task, outputs: replica.shape.vocabularySize)
  }

  /// Measures forecasts by other intervals than the usual ones, and at each origin by itself.
  ///
  /// - Parameters:
  ///   - intervals: levels above 0 and below 1; nil for the usual ones.
  ///   - subject: what is measured on, of which each origin is told; nil for none.
  package func measureForecasts(intervals: [Double]?, originsOf subject: Subject?) {
    guard
      let forecasts = frame.flatMap({
        ForecastFigures(
          $0, task: task, outputs: replica.shape.vocabularySize,
          intervals: intervals ?? ForecastIntervals.usual)
      })
    else { return }
    figures = forecasts
    if case .sequences(.windows(let windows))? = subject {
      let origins = windows.origins
      figures = BacktestFigures(forecasts, count: origins.count, origins: origins.steps)
    }
  }

  /// Measures on all of `subject` from the initial state; the state of training is kept. Every rank
  /// calls it.
  package func score(on subject: Subject) throws(CollectiveError) -> Score {
    guard let score = try score(on: subject, unlessStopped: nil) else {
      preconditionFailure("a measurement that nobody can stop was stopped")
    }
    return score
  }

  /// As `score(on:)`, but gives up, on every rank after the same batch, when `isStopRequested` says
  /// so on any of them.
  package func score(
    on subject: Subject, unlessStopped isStopRequested: (() -> Bool)?
  ) throws(CollectiveError) -> Score? {
    let shardCount = replica.plan.shards
    // Losses of all shards, then token counts, then metrics; a rank fills in its own.
    var sums = [Double](repeating: 0, count: 3 * shardCount)
    let figureSums = figures.map { FigureSums($0, plan: replica.plan, rank: replica.rank) }
    if figures != nil { replica.workers.forEach { $0.keepsScores = true } }
    defer { replica.workers.forEach { $0.keepsScores = false } }
    let examples = keepsExamples ? figures.flatMap { outputExamples($0, of: subject) } : nil
    let take = figureSums.map { sums in
      { (worker: SequenceWorker, batch: Int) in
        sums.add(worker, batch: batch, of: subject)
        examples?.add(worker, batch: batch, of: subject)
      }
    }
    let isWhole = try forEachBatch(of: subject, then: take) {
      index throws(CollectiveError) in
      if let isStopRequested, (index + 1).isMultiple(of: batchesBetweenVotes) {
        if try anyRank(isStopRequested()) { return false }
      }
      for worker in replica.workers {
        for (place, shard) in worker.shards.enumerated() {
          unsafe sums[shard] += worker.shardLosses[place]
          unsafe sums[shardCount + shard] += Double(worker.shardTokens[place])
          unsafe sums[2 * shardCount + shard] += worker.shardMetrics[place]
        }
      }
      return true
    }
    if !isWhole { return nil }
    var score = try combine(sums, of: subject)
    if let figureSums { score.figures = try figureSums.figures(on: communicator) }
    score.examples = examples?.json
    return score
  }

  private func outputExamples(
    _ figures: any FigureKind, of subject: Subject
  ) -> OutputExamples? {
    OutputExamples(
      figures, rows: replica.plan.sequences / replica.plan.shards,
      batches: Batches(subject, sequences: replica.plan.sequences).count)
  }

  /// Computes forward over all of `subject` from the initial state, and puts the state of training
  /// back in the end.
  ///
  /// - Parameters:
  ///   - take: is called with each worker after each batch, on the worker's thread.
  ///   - body: is called after each batch, counted from 0; false ends it all.
  /// - Returns: whether no call of `body` did.
  package func forEachBatch<Failure: Error>(
    of subject: Subject, then take: ((SequenceWorker, Int) -> Void)? = nil,
    _ body: (Int) throws(Failure) -> Bool
  ) throws(Failure) -> Bool {
    replica.refreshOutput()
    unsafe replica.readState(into: savedState.pointer)
    replica.resetState()
    defer { unsafe replica.writeState(from: savedState.pointer) }
    let batches = Batches(subject, sequences: replica.plan.sequences)
    for index in 0..<batches.count {
      replica.run { [replica] worker in
        batches.fill(worker, index: index)
        unsafe worker.evaluate(parameters: replica.parameters.pointer, weights: replica.weights)
        take?(worker, index)
      }
      progress?.beat()
      if try !body(index) { return false }
    }
    return true
  }

  /// Batches that take some tenths of a second: the ranks wait for each other at every vote.
  private var batchesBetweenVotes: Int {
    let sequences = replica.plan.sequences / replica.plan.workers
    let operations = 2 * replica.table.elementCount * sequences * replica.window
    return max(1, 10_000_000_000 / max(1, operations))
  }

  private func anyRank(_ isRequested: Bool) throws(CollectiveError) -> Bool {
    try communicator.allGather([isRequested]).contains([true])
  }

  private func combine(
    _ sums: [Double], of subject: Subject
  ) throws(CollectiveError) -> Score {
    let shardCount = replica.plan.shards
    let all = try communicator.allGather(sums)
    var losses = [Double](repeating: 0, count: shardCount)
    var metrics = losses
    var targets = 0.0
    for rank in all.indices {
      for shard in replica.plan.shards(ofRank: rank) {
        losses[shard] = all[rank][shard]
        targets += all[rank][shardCount + shard]
        metrics[shard] = all[rank][2 * shardCount + shard]
      }
    }
    let text = count(subject)
    var score = Score(
      task: task, loss: CanonicalTree.sum(losses) / targets,
      lossMetric: CanonicalTree.sum(metrics) / targets, targets: Int(targets),
      bytes: text?.bytes ?? 0, outputs: replica.shape.vocabularySize)
    guard let text else { return score }
    score.unknownTargets = text.unknown
    score.characters = text.characters
    score.figures = text.figures(targets: score.targets)
    return score
  }

  /// What is to be known of a text, counted once.
  private func count(_ subject: Subject) -> TextFigures? {
    if case .sequences(.sequences(let rows)) = subject {
      return rows.documents.map { TextFigures($0) }
    }
    guard case .text(let part, _) = subject else { return nil }
    if let counted, counted.part.corpus === part.corpus, counted.part.range == part.range {
      return counted.figures
    }
    let figures = TextFigures(part, training: trainingText)
    counted = (part, figures)
    return figures
  }
}

/// The batches of a subject, and what fills a worker with its part of one.
private enum Batches {
  case text(CorpusSplit.Part, EvaluationPlan)
  case sequences(TaskBatches)

  init(_ subject: Scorer.Subject, sequences: Int) {
    switch subject {
    case .text(let part, let window):
      self = .text(
        part, EvaluationPlan(tokenRange: part.range, sequences: sequences, window: window))
    case .sequences(let batches): self = .sequences(batches)
    }
  }

  var count: Int {
    switch self {
    case .text(_, let plan): plan.windowCount
    case .sequences(let batches): batches.batchCount
    }
  }

  func fill(_ worker: SequenceWorker, index: Int) {
    switch self {
    case .text(let part, let plan):
      worker.setWindow(plan.window)
      unsafe plan.fill(
        inputs: worker.inputs, targets: worker.targets, corpus: part.corpus,
        sequences: worker.sequences, windowIndex: index)
    case .sequences(let batches):
      worker.resetState()
      batches.fill(worker.buffers, batch: index)
    }
  }
}
