import Collectives
import GRUCore
import Kernels

/// The rows of the embedding that the tokens of a global batch look up: a bit for each token, which
/// ranks put together. Does not allocate after `init`.
final class TouchedRows {
  /// The elements of the embedding in the arena, and those of one of its rows.
  let elements: Range<Int>
  let rowLength: Int

  private let communicator: any Communicator
  private let wordCount: Int
  private let mine: UnsafeMutableBufferPointer<UInt64>
  private let all: UnsafeMutableBufferPointer<UInt64>
  private let union: UnsafeMutablePointer<UInt64>

  init(communicator: any Communicator, replica: Replica) {
    self.communicator = communicator
    let shape = replica.shape
    elements = replica.table.embeddingWeight.range
    rowLength = shape.embeddingSize
    wordCount = (shape.inputVocabularySize + 63) / 64
    mine = .allocate(capacity: wordCount)
    mine.initialize(repeating: 0)
    all = .allocate(capacity: wordCount * communicator.worldSize)
    all.initialize(repeating: 0)
    union = .allocate(capacity: wordCount)
    union.initialize(repeating: 0, count: wordCount)
  }

  deinit {
    mine.deallocate()
    all.deallocate()
    union.deallocate()
  }

  /// Marks what the inputs of this rank's workers look up, for each batch of a step.
  func mark(from replica: Replica, isFirst: Bool) {
    if isFirst { mine.update(repeating: 0) }
    for worker in replica.workers {
      for place in 0..<worker.window * worker.sequences.count {
        let token = Int(worker.inputs[place])
        mine[token / 64] |= 1 << UInt64(token % 64)
      }
    }
  }

  /// Puts together what all ranks have marked; every rank calls it.
  func gather() throws(CollectiveError) {
    try communicator.allGather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    for word in 0..<wordCount {
      var bits: UInt64 = 0
      for rank in 0..<communicator.worldSize { bits |= all[rank * wordCount + word] }
      union[word] = bits
    }
  }

  /// The elements of the first run of touched rows within `range`, from element `start` on; empty at
  /// the end of `range` where there are no more. Elements beyond the embedding count as touched.
  func nextRun(from start: Int, in range: Range<Int>) -> Range<Int> {
    var first = start
    while first < range.upperBound, !isTouched(first) { first = endOfRow(first) }
    first = min(first, range.upperBound)
    var end = first
    while end < range.upperBound, isTouched(end) { end = endOfRow(end) }
    return first..<min(end, range.upperBound)
  }

  private func isTouched(_ element: Int) -> Bool {
    guard elements.contains(element) else { return true }
    let token = (element - elements.lowerBound) / rowLength
    return union[token / 64] & 1 << UInt64(token % 64) != 0
  }

  /// Where the row of an element ends; outside of the embedding, the end of all.
  private func endOfRow(_ element: Int) -> Int {
    if element >= elements.upperBound { return Int.max }
    if element < elements.lowerBound { return elements.lowerBound }
    let row = (element - elements.lowerBound) / rowLength
    return elements.lowerBound + (row + 1) * rowLength
  }
}
