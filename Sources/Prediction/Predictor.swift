import Batches
import Collectives
import Configuration
import Engine
import GRUCore
import Kernels
import NumericContract
import Records
import Scoring

/// A model that computes the outputs of whatever is put into its batches, on all ranks and threads.
///
/// Each row of a batch is computed by itself, in one order of operations: how many rows there are,
/// and who computes them, changes no bit of an output.
@safe final class Predictor {
  let model: LoadedModel
  let kernels: Kernels
  let communicator: any Communicator
  private let workers: Int
  private let threads: Int
  /// Rows of a worker where they are as long as in training.
  private let usualRows: Int
  private var scorer: Scorer?
  /// Time steps of a row, sequences in one, and rows of all workers.
  private(set) var window: Int
  private var slots = 1
  private(set) var rows: Int
  /// How long the model has computed, batches being filled in the meantime too.
  private(set) var computing = Duration.zero

  /// Rows of a worker at least, as many as keep its vectors busy.
  private static let leastRows = 16

  private static let hint =
    "compute fewer sequences at once (--batch), or by fewer threads and ranks (--threads)"

  /// As many rows, or a few more, so that the products' tiles of rows are full.
  private static func wholeTiles(_ rows: Int) -> Int { (rows + 11) / 12 * 12 }

  /// - Parameters:
  ///   - threads: of each rank; nil for as many as are of use.
  ///   - rows: of a batch for each worker; nil for as many as are of use.
  init(
    _ model: LoadedModel, kernels: Kernels, threads: Int?, rows: Int?,
    on communicator: any Communicator
  ) throws {
    self.model = model
    self.kernels = kernels
    self.communicator = communicator
    self.threads = try threads ?? UsableCores.threadsPerRank(communicator)
    workers = communicator.worldSize * self.threads
    let trained = model.config.batch.sequences
    usualRows = rows ?? Self.wholeTiles(max(Self.leastRows, (trained + workers - 1) / workers))
    window = model.config.batch.window
    self.rows = workers * usualRows
  }

  /// Makes room for sequences of so many steps: longer rows are fewer.
  func makeRoom(forSteps steps: Int) {
    guard steps > window else { return }
    // The next one may be longer still.
    window = max(steps, min(2 * window, steps + steps / 4))
    rows = workers * max(1, usualRows * model.config.batch.window / window)
    scorer = nil
  }

  /// The model with room for what it is given.
  ///
  /// - Parameter slots: most sequences of a row.
  private func scorer(slots: Int) throws -> Scorer {
    if let scorer, slots <= self.slots { return scorer }
    scorer = nil
    self.slots = min(window, max(slots, self.slots > 1 ? self.slots + self.slots / 4 : 1))
    var config = model.config
    // Nothing is sent that could be rounded, and nobody trains apart: any number of ranks will do.
    config.exchange = ExchangeConfig()
    config.batch.window = window
    config.batch.sequences = rows
    let plan = ShardPlan(
      sequences: rows, shards: workers, ranks: communicator.worldSize, threads: threads)
    let made = try communicator.agree {
      do {
        try MemoryPlan(
          shape: model.shape, config: config, plan: plan, ranksOnHost: communicator.ranksOnHost,
          slots: self.slots, use: .forward, kernels: kernels
        ).checkFits()
      } catch let error as UsageError {
        // Keys of the config cannot be set here.
        throw UsageError("\(error)".replacing(MemoryPlan.hint, with: Self.hint))
      }
      return try model.scorer(
        kernels: kernels, window: window, plan: plan, slots: self.slots, on: communicator)
    }
    scorer = made
    return made
  }

  /// What is read of one output row of a worker's batch: so many numbers.
  @safe struct Reading {
    var width: Int
    var needsScores = false
    /// Called on the worker's thread.
    var read: (SequenceWorker, _ row: Int, UnsafeMutablePointer<Float>) -> Void

    /// The scores of all outputs.
    static func scores(count: Int) -> Reading {
      unsafe Reading(width: count, needsScores: true) { worker, row, numbers in
        let scores = unsafe worker.scores(ofRow: row)
        unsafe numbers.update(from: scores.baseAddress!, count: scores.count)
      }
    }
  }

  /// What the top layer says of each sequence, or window.
  func states(_ states: StateReading) -> Reading {
    unsafe Reading(width: model.shape.featureSize) { worker, slot, numbers in
      unsafe worker.copyState(ofSlot: slot, isMean: states == .mean, into: numbers)
    }
  }

  /// The numbers that are read of every item, [items, width], on rank 0; every rank calls it.
  func numbers(of items: PredictedItems, _ reading: Reading) throws -> [Float] {
    let scorer = try scorer(slots: items.slots)
    let replica = scorer.replica
    let width = reading.width
    var numbers = [Float](repeating: 0, count: items.count * width)
    replica.workers.forEach { $0.keepsScores = reading.needsScores }
    defer { replica.workers.forEach { $0.keepsScores = false } }
    unsafe numbers.withUnsafeMutableBufferPointer { all in
      let shared = unsafe SharedNumbers(start: all.baseAddress)
      let start = ContinuousClock.now
      defer { computing += ContinuousClock.now - start }
      _ = scorer.forEachBatch(
        of: .sequences(items.batches),
        then: { worker, batch in
          guard let start = unsafe shared.start else { return }
          for (column, row) in worker.sequences.enumerated() {
            items.forEach(batch: batch, row: row) { index, item in
              unsafe reading.read(
                worker, index * worker.sequences.count + column, start + item * width)
            }
          }
        },
        { _ in true })
    }
    if communicator.worldSize > 1 {
      try collect(&numbers, items, width: width, plan: replica.plan)
    }
    return numbers
  }

  /// Brings the numbers of all ranks together on rank 0, each rank's in the order of its rows.
  private func collect(
    _ numbers: inout [Float], _ items: PredictedItems, width: Int, plan: ShardPlan
  ) throws {
    func forEachItem(ofRank rank: Int, _ body: (Int) -> Void) {
      let rows = plan.sequences(of: plan.shards(ofRank: rank))
      for batch in 0..<items.batches.batchCount {
        for row in rows { items.forEach(batch: batch, row: row) { _, item in body(item) } }
      }
    }
    if communicator.rank > 0 {
      var own: [Float] = []
      forEachItem(ofRank: communicator.rank) { own += numbers[$0 * width..<($0 + 1) * width] }
      if own.isEmpty { return }
      try unsafe own.withUnsafeBytes { try unsafe communicator.send($0, to: 0) }
      return
    }
    for rank in 1..<communicator.worldSize {
      var count = 0
      forEachItem(ofRank: rank) { _ in count += 1 }
      if count == 0 { continue }
      var others = [Float](repeating: 0, count: count * width)
      try unsafe others.withUnsafeMutableBytes { try unsafe communicator.receive($0, from: rank) }
      var place = 0
      forEachItem(ofRank: rank) { item in
        for number in 0..<width { numbers[item * width + number] = others[place + number] }
        place += width
      }
    }
  }
}

/// Numbers that threads write at the same time, each in places of its own.
@safe private struct SharedNumbers: @unchecked Sendable {
  let start: UnsafeMutablePointer<Float>?
}

/// Batches, and which output row of them is which of the items that are predicted.
struct PredictedItems {
  private enum Kind {
    case sequences(PackedSequences)
    /// Each step of each sequence, which begin at these.
    case steps(PackedSequences, starts: [Int])
    /// The last step of each sequence, which have these lengths.
    case lastSteps(PackedSequences, lengths: [Int])
    case windows(SeriesWindows, rows: Int)
  }

  private let kind: Kind
  let count: Int
  /// Most sequences of a row.
  let slots: Int

  /// One item a sequence.
  init(_ packed: PackedSequences, sequences: Int) {
    kind = .sequences(packed)
    (count, slots) = (sequences, packed.slots)
  }

  /// One item a step; the first of each sequence, and after the last one their number.
  init(_ packed: PackedSequences, starts: [Int]) {
    kind = .steps(packed, starts: starts)
    (count, slots) = (starts.last ?? 0, packed.slots)
  }

  /// One item a sequence: its last step, of a model that has outputs at every step.
  init(_ packed: PackedSequences, lastStepsOf lengths: [Int]) {
    kind = .lastSteps(packed, lengths: lengths)
    (count, slots) = (lengths.count, packed.slots)
  }

  /// One item a window.
  init(_ windows: SeriesWindows, rows: Int) {
    kind = .windows(windows, rows: rows)
    (count, slots) = (windows.count, 1)
  }

  var batches: TaskBatches {
    switch kind {
    case .sequences(let packed), .steps(let packed, _), .lastSteps(let packed, _):
      .sequences(packed)
    case .windows(let windows, _): .windows(windows)
    }
  }

  /// Calls `body` with each output row of a row of a batch, and the item that it is.
  func forEach(batch: Int, row: Int, _ body: (_ index: Int, _ item: Int) -> Void) {
    switch kind {
    case .sequences(let packed):
      packed.forEachSequence(batch: batch, row: row) { slot, sequence, _ in body(slot, sequence) }
    case .steps(let packed, let starts):
      packed.forEachSequence(batch: batch, row: row) { _, sequence, start in
        for step in starts[sequence]..<starts[sequence + 1] {
          body(start + step - starts[sequence], step)
        }
      }
    case .lastSteps(let packed, let lengths):
      packed.forEachSequence(batch: batch, row: row) { _, sequence, start in
        body(start + lengths[sequence] - 1, sequence)
      }
    case .windows(let windows, let rows):
      let item = batch * rows + row
      if item < windows.count { body(0, item) }
    }
  }
}
