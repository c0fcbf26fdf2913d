package import NumericContract
import Records

/// Windows of time series: T steps go in, and some columns of the `horizon` steps after them are to
/// be forecast. Every epoch takes the windows in another order.
package final class SeriesWindows: Sendable {
  private let set: SequenceSet
  /// The columns to forecast.
  private let targets: [Int]
  private let horizon: Int
  private let batchRows: Int
  private let window: Int
  private let stride: Int
  /// First step of each part's first window, and the windows of the parts before it.
  private let firstSteps: [Int]
  private let windowsBefore: [Int]
  private let permutation: Permutation?

  /// - Parameters:
  ///   - parts: ranges of steps, each within one series, that windows and what they forecast lie
  ///     in.
  ///   - stride: steps from one window's start to the next one's.
  ///   - shuffle: nil keeps the order of time.
  package init(
    set: SequenceSet, parts: [Range<Int>], targets: [Int], horizon: Int, batchRows: Int,
    window: Int, stride: Int, shuffle: Philox?
  ) {
    self.set = set
    self.targets = targets
    self.horizon = horizon
    self.batchRows = batchRows
    self.window = window
    self.stride = stride
    firstSteps = parts.map(\.lowerBound)
    let windowsBefore = parts.reduce(into: [0]) { sums, part in
      let room = part.count - window - horizon
      sums.append(sums[sums.count - 1] + (room < 0 ? 0 : room / stride + 1))
    }
    self.windowsBefore = windowsBefore
    permutation = shuffle.map { Permutation(count: max(1, windowsBefore[parts.count]), random: $0) }
  }

  var memoryBytes: Int { self.set.memoryBytes }

  /// Windows of an epoch, and batches.
  package var count: Int { windowsBefore[windowsBefore.count - 1] }
  package var batchCount: Int { (count + batchRows - 1) / batchRows }

  /// Targets that the batches before `batch` count together.
  package func targetCount(beforeBatch batch: Int) -> Int {
    .saturatedSum(
      .saturatedProduct(batch / batchCount, count), batch % batchCount * batchRows)
  }

  /// The first step of a window.
  package func start(of index: Int) -> Int {
    var (low, high) = (0, firstSteps.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if windowsBefore[middle] <= index { low = middle } else { high = middle }
    }
    return firstSteps[low] + (index - windowsBefore[low]) * stride
  }

  /// Writes a worker's windows of a batch (counted from 0 over all epochs). Does not allocate.
  package func fill(_ buffers: BatchBuffers, batch: Int) {
    let (epoch, index) = (batch / batchCount, batch % batchCount)
    let features = set.features
    for (column, sequence) in buffers.sequences.enumerated() {
      let place = index * batchRows + sequence
      unsafe buffers.targets[column] = place < count ? 0 : -1
      if place >= count { continue }
      let first = start(of: permutation?.number(at: place, epoch: epoch) ?? place)
      for t in 0..<window {
        let row = unsafe buffers.inputRow(t, column)
        for j in 0..<features { unsafe row[j] = set.values[(first + t) * features + j] }
      }
      let row = unsafe buffers.targetRow(column)
      for ahead in 0..<horizon {
        for (j, target) in targets.enumerated() {
          unsafe row[ahead * targets.count + j] =
            set.values[(first + window + ahead) * features + target]
        }
      }
    }
  }
}
