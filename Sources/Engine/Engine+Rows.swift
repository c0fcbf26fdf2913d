import Collectives
import Configuration
import GRUCore
import Kernels

/// The embedding row by row: what no rank looks up is neither exchanged nor, where the update would
/// change nothing, updated.
extension Engine {
  /// Finds out which rows the batch looks up, before the embedding's gradients are folded.
  func gatherRows() throws(CollectiveError) {
    guard let touched else { return }
    timer.enter(.rowWait)
    try exchange.exposed { () throws(CollectiveError) in try touched.finishGathering() }
  }

  /// Picks the rows of the batch out of the gradients, where that is less to exchange.
  func packGradientRows() {
    guard let touched, let rowExchange,
      let selected = rowExchange.select(touched.batch, for: .reduction)
    else { return }
    run(.packGradientRows)
    exchange.exchange.selectForReduction(selected)
  }

  /// Puts the sums of the rows that this rank owns into their places.
  func unpackGradientRows() {
    guard let rowExchange, rowExchange.selection == .reduction else { return }
    run(.unpackGradientRows)
    rowExchange.endSelection()
  }

  /// Begins to share parameters: of the embedding only the rows that the update has changed, where
  /// they are few; or all of them as rounded changes.
  func beginGathering() {
    unsafe exchange.beginGathering(replica.parameters.pointer)
    if let compression { exchange.exchange.selectForGathering(compression.selected) }
    guard optimizer.config.keepsIdleParameters, let touched, let rowExchange,
      let selected = rowExchange.select(touched.step, for: .gathering)
    else { return }
    exchange.exchange.selectForGathering(selected)
  }

  /// Copies the rows that this rank shares to where they lie for it.
  func packParameterRows() {
    if rowExchange?.selection == .gathering { run(.packParameterRows) }
  }

  /// Puts the rows that have come into their places.
  func unpackParameterRows() {
    guard let rowExchange, rowExchange.selection == .gathering else { return }
    run(.unpackParameterRows)
    rowExchange.endSelection()
  }

  // MARK: - The work of one thread

  func packGradientRows(thread: Int) {
    guard let rowExchange else { return }
    for sum in 0..<sums.rankCount {
      unsafe rowExchange.pack(rowShare(of: thread), of: sums.ofRank[sum], sum: sum)
    }
  }

  func unpackGradientRows(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, _ in
      unsafe rowExchange?.unpack(part, into: sums.total)
    }
  }

  func packParameterRows(thread: Int) {
    forEachOwned(ofThread: thread, in: 0..<optimizer.count) { part, _ in
      unsafe rowExchange?.pack(part, of: replica.parameters.pointer)
    }
  }

  func unpackParameterRows(thread: Int) {
    unsafe rowExchange?.unpack(rowShare(of: thread), into: replica.parameters.pointer)
  }

  private func rowShare(of thread: Int) -> Range<Int> {
    NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: rowExchange?.elementEnd ?? 0)
  }

  /// The sums of squares of the blocks of a run of owned elements; blocks without a touched row are
  /// 0.
  func sumSquares(
    of part: Range<Int>, rows: RowSet, into blocks: UnsafeMutablePointer<Double>
  ) {
    var start = part.lowerBound
    while start < part.upperBound {
      let block = start..<min(part.upperBound, start + canonicalBlock)
      let place = unsafe blocks + (start - part.lowerBound) / canonicalBlock
      if block.lowerBound >= rows.elementEnd {
        let rest = start..<part.upperBound
        unsafe replica.kernels.sumOfSquares(
          sums.total + rest.lowerBound, count: rest.count, blocks: place)
        return
      }
      if rows.nextRun(from: start, in: block).isEmpty {
        unsafe place.pointee = 0
      } else {
        unsafe replica.kernels.sumOfSquares(
          sums.total + block.lowerBound, count: block.count, blocks: place)
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
