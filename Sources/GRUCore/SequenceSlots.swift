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
  /// Where sequences start after the first step, and where those end that do so before the last.
  let starting: SequenceBoundaries
  let ending: SequenceBoundaries
  private let hasReversed: Bool

  /// - Parameter hasReversed: whether somebody goes through sequences from their end.
  init(perRow: Int, window: Int, rows: Int, hasReversed: Bool = false) {
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
    starting = SequenceBoundaries(window: window, capacity: perRow * rows)
    ending = SequenceBoundaries(window: window, capacity: hasReversed ? perRow * rows : 0)
    self.hasReversed = hasReversed
  }

  deinit {
    starts.deallocate()
    ends.deallocate()
    starting.deallocate()
    ending.deallocate()
  }

  /// Empties all slots.
  package func clear() {
    starts.update(repeating: 0, count: perRow * rows)
    ends.update(repeating: 0, count: perRow * rows)
  }

  /// Sorts the boundaries by time step, where there can be any.
  func index() {
    if perRow > 1 {
      starting.sort(slots: perRow * rows, rows: rows) { slot in
        ends[slot] > 0 && starts[slot] > 0 ? Int(starts[slot]) : nil
      }
    }
    if hasReversed {
      ending.sort(slots: perRow * rows, rows: rows) { slot in
        ends[slot] > 0 && Int(ends[slot]) < window ? Int(ends[slot]) - 1 : nil
      }
    }
  }
}

/// The rows of a batch in which a sequence starts, or ends, by time step.
struct SequenceBoundaries {
  /// The rows in which one does, in the order of time steps and of slots within each.
  let rows: UnsafeMutablePointer<Int32>
  /// The place in `rows` of each step's first.
  private let firsts: UnsafeMutablePointer<Int32>
  private let window: Int

  init(window: Int, capacity: Int) {
    self.window = window
    rows = .allocate(capacity: capacity)
    rows.initialize(repeating: 0, count: capacity)
    firsts = .allocate(capacity: window + 2)
    firsts.initialize(repeating: 0, count: window + 2)
  }

  func deallocate() {
    rows.deallocate()
    firsts.deallocate()
  }

  @inline(__always) func places(ofStep t: Int) -> Range<Int> { Int(firsts[t])..<Int(firsts[t + 1]) }

  /// A counting sort of slots by the step that `step` gives; nil leaves one out.
  @inline(__always) func sort(slots: Int, rows rowCount: Int, step: (Int) -> Int?) {
    firsts.update(repeating: 0, count: window + 2)
    // firsts[t + 2] counts; after the running sum firsts[t + 1] is where the next row of step t
    // goes, and in the end firsts[t] is where its rows begin.
    for slot in 0..<slots {
      if let t = step(slot) { firsts[t + 2] += 1 }
    }
    for t in 0..<window { firsts[t + 2] += firsts[t + 1] }
    for slot in 0..<slots {
      guard let t = step(slot) else { continue }
      rows[Int(firsts[t + 1])] = Int32(slot % rowCount)
      firsts[t + 1] += 1
    }
  }
}
