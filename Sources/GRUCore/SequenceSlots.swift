/// The sequences that a batch lays end to end in its rows, so that sequences of several lengths
/// leave little of the window empty.
///
/// Shapes: K = `perRow` sequences at most in a row, B = rows of one worker. Slot [k, b] holds the
/// k-th sequence of row b; its hidden vectors start from 0 (those of k = 0 from the carried state),
/// and no gradient passes from it to the one before. Time steps of no slot count for nothing.
package final class SequenceSlots {
  /// Most sequences that a row holds.
  package let perRow: Int
  let window: Int
  let rows: Int
  /// First time step of each slot, and one past its last, [K, B]; an end of 0 means no sequence.
  package let starts: UnsafeMutablePointer<Int32>
  package let ends: UnsafeMutablePointer<Int32>
  /// Rows in which a sequence starts at step t > 0: `boundaryRows` from `boundaries[t]` on.
  let boundaries: UnsafeMutablePointer<Int32>
  let boundaryRows: UnsafeMutablePointer<Int32>

  init(perRow: Int, window: Int, rows: Int) {
    precondition(perRow > 0, "slots \(perRow) < 1")
    precondition(perRow <= window, "slots \(perRow) > window \(window)")
    self.perRow = perRow
    self.window = window
    self.rows = rows
    starts = .allocate(capacity: perRow * rows)
    starts.initialize(repeating: 0, count: perRow * rows)
    ends = .allocate(capacity: perRow * rows)
    ends.initialize(repeating: 0, count: perRow * rows)
    for row in 0..<rows { ends[row] = Int32(window) }
    boundaries = .allocate(capacity: window + 2)
    boundaries.initialize(repeating: 0, count: window + 2)
    boundaryRows = .allocate(capacity: perRow * rows)
    boundaryRows.initialize(repeating: 0, count: perRow * rows)
  }

  deinit {
    starts.deallocate()
    ends.deallocate()
    boundaries.deallocate()
    boundaryRows.deallocate()
  }

  /// Empties all slots.
  package func clear() {
    starts.update(repeating: 0, count: perRow * rows)
    ends.update(repeating: 0, count: perRow * rows)
  }

  /// Sorts the boundaries by time step (a counting sort), where there can be any.
  func index() {
    if perRow == 1 { return }
    boundaries.update(repeating: 0, count: window + 2)
    // boundaries[t + 2] counts; after the running sum boundaries[t + 1] is where the next row of
    // step t goes, and in the end boundaries[t] is where its rows begin.
    for slot in 0..<perRow * rows where isBoundary(slot) { boundaries[Int(starts[slot]) + 2] += 1 }
    for t in 0..<window { boundaries[t + 2] += boundaries[t + 1] }
    for slot in 0..<perRow * rows where isBoundary(slot) {
      let t = Int(starts[slot])
      boundaryRows[Int(boundaries[t + 1])] = Int32(slot % rows)
      boundaries[t + 1] += 1
    }
  }

  /// Whether the sequence of a slot starts after the window's first step.
  private func isBoundary(_ slot: Int) -> Bool {
    ends[slot] > 0 && starts[slot] > 0
  }
}
