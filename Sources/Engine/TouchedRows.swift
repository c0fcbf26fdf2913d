import Collectives
import GRUCore
import Kernels

/// The rows of the embedding that the tokens of a global batch look up, which ranks put together:
/// the gradient of every other row is +0. Does not allocate after `init`.
@safe final class TouchedRows {
  /// Those of the batch under way.
  let batch: RowSet
  /// Those of the step's batches so far.
  let step: RowSet
  /// Those of the step, and of the update before it.
  let recent: RowSet
  /// What ranks have sent each other.
  private(set) var sentBytes = 0

  private let communicator: any Communicator
  /// Those that this rank's inputs look up, and those of every rank, in rank order.
  private let mine: RowSet
  private let all: UnsafeMutableBufferPointer<UInt64>
  private let previous: RowSet
  private let storage: UnsafeMutableBufferPointer<UInt64>
  private var sends: TransferQueue
  private var receives: TransferQueue
  private var isFirst = true

  init(communicator: any Communicator, replica: Replica) {
    precondition(replica.table.embeddingWeight.offset == 0, "the embedding is not the first tensor")
    self.communicator = communicator
    let shape = replica.shape
    let rowCount = shape.inputVocabularySize
    let words = RowSet.wordCount(ofRows: rowCount)
    let peers = communicator.worldSize - 1
    unsafe storage = .allocate(capacity: words * (5 + communicator.worldSize))
    unsafe storage.initialize(repeating: 0)
    let base = unsafe storage.baseAddress!
    let sets = (0..<5).map {
      unsafe RowSet(rowCount: rowCount, rowLength: shape.embeddingSize, words: base + $0 * words)
    }
    (mine, batch, step, recent, previous) = (sets[0], sets[1], sets[2], sets[3], sets[4])
    unsafe all = UnsafeMutableBufferPointer(rebasing: storage[(5 * words)...])
    sends = TransferQueue(capacity: peers)
    receives = TransferQueue(capacity: peers)
    forgetUpdates()
  }

  /// Transfers that an error left under way must not outlive their buffers.
  deinit {
    receives.cancelAll(on: communicator)
    sends.cancelAll(on: communicator)
    unsafe storage.deallocate()
  }

  /// Starts to tell the other ranks what the inputs of this rank's workers look up. Nothing else is
  /// under way between ranks.
  func startGathering(from replica: Replica, isFirst: Bool) throws(CollectiveError) {
    self.isFirst = isFirst
    mine.removeAll()
    for worker in replica.workers {
      let lookups = worker.sequences.count * replica.shape.task.tokensPerStep
      for place in 0..<worker.window * lookups {
        unsafe mine.insert(Int(worker.inputs[place]))
      }
    }
    let world = communicator.worldSize
    let count = mine.wordCount
    for distance in 1..<max(1, world) {
      let sender = (communicator.rank + world - distance) % world
      let row = unsafe UnsafeMutableBufferPointer(
        rebasing: all[sender * count..<(sender + 1) * count])
      unsafe receives.append(
        try communicator.startReceive(UnsafeMutableRawBufferPointer(row), from: sender))
    }
    for distance in 1..<max(1, world) {
      let bits = unsafe UnsafeBufferPointer(start: mine.words, count: count)
      unsafe sends.append(
        try communicator.startSend(
          UnsafeRawBufferPointer(bits), to: (communicator.rank + distance) % world))
      sentBytes += count * MemoryLayout<UInt64>.stride
    }
  }

  /// Waits for what all ranks look up, and puts it together.
  func finishGathering() throws(CollectiveError) {
    try receives.finishAll(on: communicator)
    try sends.finishAll(on: communicator)
    batch.removeAll()
    unsafe batch.formUnion(mine.words)
    for rank in 0..<communicator.worldSize where rank != communicator.rank {
      unsafe batch.formUnion(all.baseAddress! + rank * mine.wordCount)
    }
    if isFirst { step.removeAll() }
    unsafe step.formUnion(batch.words)
  }

  /// To be called before an update.
  func beginUpdate() {
    recent.removeAll()
    unsafe recent.formUnion(previous.words)
    unsafe recent.formUnion(step.words)
    previous.removeAll()
    unsafe previous.formUnion(step.words)
  }

  /// Has the next update count every row as recent: nobody knows what the moments are.
  func forgetUpdates() { previous.insertAll() }
}
