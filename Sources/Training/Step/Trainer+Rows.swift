import Collectives
import GRUCore
import Kernels

/// The embedding row by row: what no rank looks up is neither exchanged nor, where the update would
/// change nothing, updated.
extension Trainer {
  /// Finds out which rows the batch looks up, before the embedding's gradients are folded.
  func gatherRows() throws(CollectiveError) {
    guard let touched else { return }
    timer.enter(.exchange)
    try exchange.exposed { () throws(CollectiveError) in try touched.finishGathering() }
  }

  /// Picks the rows of the batch out of the gradients, where that is less to exchange.
  func packGradients() {
    guard let touched, let rowExchange, let selected = rowExchange.select(touched.batch) else {
      return
    }
    replica.team.runPrepared(packGradientsJob)
    exchange.exchange.selectForReduction(selected)
    hasSelectedGradients = true
  }

  /// Puts the sums of the rows that this rank owns into their places.
  func unpackGradients() {
    guard hasSelectedGradients else { return }
    replica.team.runPrepared(unpackGradientsJob)
    hasSelectedGradients = false
  }

  /// Begins to share parameters: of the embedding only the rows that the update has changed, where
  /// they are few.
  func beginGathering() {
    exchange.beginGathering(replica.parameters.pointer)
    guard optimizer.config.keepsIdleParameters, let touched, let rowExchange,
      let selected = rowExchange.select(touched.step)
    else { return }
    exchange.exchange.selectForGathering(selected)
    hasSelectedParameters = true
  }

  func packParameters() {
    if hasSelectedParameters { replica.team.runPrepared(packParametersJob) }
  }

  /// Puts the rows that have come into their places.
  func unpackParameters() {
    guard hasSelectedParameters else { return }
    replica.team.runPrepared(unpackParametersJob)
    hasSelectedParameters = false
  }

  // MARK: - The work of one thread

  func packGradients(thread: Int) {
    guard let rowExchange else { return }
    for node in 0..<nodeFold.rankNodeCount {
      rowExchange.pack(rowShare(of: thread), of: rankNodes[node], node: node)
    }
  }

  func unpackGradients(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, _ in
      rowExchange?.unpack(part, into: rankNodes[0])
    }
  }

  func packParameters(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, _ in
      rowExchange?.pack(part, of: replica.parameters.pointer)
    }
  }

  func unpackParameters(thread: Int) {
    rowExchange?.unpack(rowShare(of: thread), into: replica.parameters.pointer)
  }

  private func rowShare(of thread: Int) -> Range<Int> {
    NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: rowExchange?.elementEnd ?? 0)
  }

  /// Folds a thread's share of a bucket of the embedding: elements that no rank has are +0 already.
  func foldRows(_ elements: Range<Int>, of rows: RowSet) {
    rows.forEachRun(in: elements) {
      nodeFold.fold(threadNodes: threadNodes, elements: $0, kernels: replica.kernels)
    }
  }

  /// The sums of squares of the blocks of a run of owned elements; blocks without a touched row are
  /// 0.
  func sumSquares(
    of part: Range<Int>, rows: RowSet, into blocks: UnsafeMutablePointer<Double>
  ) {
    var start = part.lowerBound
    while start < part.upperBound {
      let block = start..<min(part.upperBound, start + canonicalBlock)
      let place = blocks + (start - part.lowerBound) / canonicalBlock
      if block.lowerBound >= rows.elementEnd {
        let rest = start..<part.upperBound
        replica.kernels.sumOfSquares(
          rankNodes[0] + rest.lowerBound, count: rest.count, blocks: place)
        return
      }
      if rows.nextRun(from: start, in: block).isEmpty {
        place.pointee = 0
      } else {
        replica.kernels.sumOfSquares(
          rankNodes[0] + block.lowerBound, count: block.count, blocks: place)
      }
      start = block.upperBound
    }
  }
}

extension OptimizerConfig {
  /// Whether an update leaves parameters alone whose gradient is +0, bit for bit: without decay of
  /// weights, and without a momentum that would carry on.
  var keepsIdleParameters: Bool {
    if lazy { return true }
    switch name {
    case .adam, .adamw: return false
    case .sgd, .asgd: return weightDecay == 0 && momentum == 0
    case .rmsprop, .adagrad: return weightDecay == 0
    }
  }

  /// Whether it leaves their moments alone as well; the velocity of SGD becomes +0 at the first
  /// such update, and stays so.
  var keepsIdleMoments: Bool { keepsIdleParameters && name != .rmsprop }
}
