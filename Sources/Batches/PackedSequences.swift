package import NumericContract
import Records
import Synchronization

/// Sequences of several lengths laid end to end in rows of T steps, once for the whole run; every
/// epoch takes the rows in another order.
///
/// Rows are filled by best fit, longest sequences first, which leaves little of them empty.
package final class PackedSequences: Sendable, Codable {
  /// What the output layer is to say.
  package enum Target: Sendable, Codable {
    /// A class of each sequence.
    case classes(HostArray<Int32>)
    /// A class at each step of the set; a negative number where none counts.
    case everyStep(HostArray<Int32>)
    /// Numbers of each sequence, or of each step of the set.
    case numbers(TargetNumbers)
    /// The vector, or the token, of the next step, at every step but the last.
    case nextStep
  }

  private let set: SequenceSet
  private let target: Target
  /// Rows of a batch (B) and their steps (T).
  private let batchRows: Int
  private let window: Int
  /// Sequences by row, and the first place of each row among them.
  private let order: HostArray<Int32>
  private let rowStarts: HostArray<Int32>
  /// Targets of the rows before each.
  private let targetsBefore: HostArray<Int>
  private let permutation: Permutation?
  /// How far the targets of an epoch's batches were counted.
  private let counted = Mutex(Counted())
  /// Most sequences in one row.
  package let slots: Int
  /// What is to be known of documents that a language model is measured on; nil of others.
  package let documents: DocumentCounts?

  private enum CodingKeys: CodingKey {
    case set, target, batchRows, window, order, rowStarts, targetsBefore, permutation, slots
    case documents
  }

  /// - Parameters:
  ///   - chosen: the sequences to take.
  ///   - shuffle: nil keeps the order of rows.
  ///   - slots: rows hold no more sequences than that; nil for any number.
  package init(
    set: SequenceSet, chosen: [Int], target: Target, batchRows: Int, window: Int,
    shuffle: Philox?, slots limit: Int? = nil, documents: DocumentCounts? = nil
  ) {
    self.documents = documents
    // What labels say is in `target`.
    var numbers = set
    numbers.labels = []
    (numbers.lines, numbers.stepLabels, numbers.targets) = ([], nil, nil)
    self.set = numbers
    self.target = target
    self.batchRows = batchRows
    self.window = window
    let dropped = if case .nextStep = target { 1 } else { 0 }
    let rows = Self.pack(
      chosen.map { ($0, set.length($0) - dropped) }, window: window, most: limit ?? window)
    order = HostArray(rows.flatMap { $0.map(Int32.init) })
    rowStarts = HostArray(
      rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1.count)) })
    targetsBefore = HostArray(
      rows.reduce(into: [0]) { sums, row in
        let targets = row.reduce(0) { $0 + Self.targetCount(target, of: $1, set) }
        sums.append(sums[sums.count - 1] + targets)
      })
    slots = max(1, rows.map(\.count).max() ?? 1)
    permutation = shuffle.map { Permutation(count: rows.count, random: $0) }
  }

  /// Targets of a sequence.
  package static func targetCount(
    _ target: Target, of sequence: Int, _ set: SequenceSet
  ) -> Int {
    switch target {
    case .classes: 1
    case .nextStep: set.length(sequence) - 1
    case .everyStep(let classes):
      (set.starts[sequence]..<set.starts[sequence + 1]).count { classes[$0] >= 0 }
    case .numbers(let numbers):
      numbers.rows(of: sequence, set).count { numbers.isCounted($0) }
    }
  }

  package var memoryBytes: Int {
    let targets = if case .numbers(let numbers) = target { numbers.memoryBytes } else { 0 }
    return self.set.memoryBytes + targets
  }

  /// How often each token goes in during an epoch.
  func inputCounts(vocabularySize: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: vocabularySize)
    for sequence in order.array {
      for step in self.set.steps(of: Int(sequence)) { counts[Int(self.set.tokens[step])] += 1 }
    }
    return counts
  }

  package var rowCount: Int { rowStarts.count - 1 }

  /// Batches of one epoch.
  package var batchCount: Int { (rowCount + batchRows - 1) / batchRows }

  /// The part of all rows' steps that sequences fill.
  package var fill: Double {
    let dropped = if case .nextStep = target { 1 } else { 0 }
    let steps = order.array.reduce(0) { $0 + set.length(Int($1)) - dropped }
    return Double(steps) / Double(max(1, rowCount * window))
  }

  /// The sequences of each row: best fit, longest first; ties go to the sequence and the row with
  /// the lower number.
  package static func pack(
    _ sequences: [(index: Int, length: Int)], window: Int, most: Int
  ) -> [[Int]] {
    // A stack of rows for each number of steps left.
    var open = [[Int]](repeating: [], count: window + 1)
    var rooms = NumberSet(below: window)
    var rows: [[Int]] = []
    let sorted = sequences.sorted {
      $0.length == $1.length ? $0.index < $1.index : $0.length > $1.length
    }
    for (index, length) in sorted {
      precondition(length >= 1, "sequence \(index) has \(length) steps")
      precondition(length <= window, "sequence \(index) has \(length) steps > \(window)")
      let left = rooms.first(from: length) ?? window
      var row = rows.count
      if left < window {
        row = open[left].removeLast()
        if open[left].isEmpty { rooms.remove(left) }
        rows[row].append(index)
      } else {
        rows.append([index])
      }
      if left > length, rows[row].count < most {
        open[left - length].append(row)
        rooms.insert(left - length)
      }
    }
    return rows
  }

  /// Calls `body` with each sequence in a row of a batch of the first epoch, the slot that it has
  /// there, and the step of the row with which it begins.
  @inline(__always) package func forEachSequence(
    batch: Int, row: Int, _ body: (_ slot: Int, _ sequence: Int, _ start: Int) -> Void
  ) {
    let place = batch * batchRows + row
    if place >= rowCount { return }
    let row = self.row(at: place, epoch: 0)
    let first = Int(rowStarts[row])
    let dropped = if case .nextStep = target { 1 } else { 0 }
    var start = 0
    for place in first..<Int(rowStarts[row + 1]) {
      let sequence = Int(order[place])
      body(place - first, sequence, start)
      start += set.length(sequence) - dropped
    }
  }

  private func row(at place: Int, epoch: Int) -> Int {
    permutation?.number(at: place, epoch: epoch) ?? place
  }

  /// Targets that the batches before `batch` count together.
  package func targetCount(beforeBatch batch: Int) -> Int {
    let (epoch, index) = (batch / batchCount, batch % batchCount)
    let part = counted.withLock { counted in
      if counted.epoch != epoch || counted.batches > index { counted = Counted(epoch: epoch) }
      for place in counted.batches * batchRows..<index * batchRows {
        let row = row(at: place, epoch: epoch)
        counted.targets += targetsBefore[row + 1] - targetsBefore[row]
      }
      counted.batches = index
      return counted.targets
    }
    return .saturatedSum(part, .saturatedProduct(epoch, targetsBefore[rowCount]))
  }

  /// The first batches of an epoch and their targets. A run asks for ever more batches of an epoch,
  /// so that each row is counted once.
  private struct Counted {
    var epoch = 0
    var batches = 0
    var targets = 0
  }

  /// Writes a worker's rows of a batch (counted from 0 over all epochs). Does not allocate.
  package func fill(_ buffers: BatchBuffers, batch: Int) {
    let (epoch, index) = (batch / batchCount, batch % batchCount)
    buffers.clear()
    // Steps that no sequence fills look up the same token in every batch.
    if !set.tokens.isEmpty || set.categoryCount > 0 { buffers.clearTokens() }
    for (column, sequence) in buffers.sequences.enumerated() {
      let place = index * batchRows + sequence
      if place < rowCount { fill(buffers, column: column, row: row(at: place, epoch: epoch)) }
    }
  }

  /// Writes what goes in of a sequence, from step `t` of a row on.
  private func fill(_ buffers: BatchBuffers, column: Int, first: Int, length: Int, at t: Int) {
    if set.tokens.isEmpty {
      for step in 0..<length {
        unsafe set.writeInputs(step: first + step, to: buffers.inputRow(t + step, column))
        unsafe set.writeCategories(step: first + step, to: buffers.tokens(t + step, column))
      }
    } else {
      for step in 0..<length {
        unsafe buffers.inputs[(t + step) * buffers.width + column] = set.tokens[first + step]
      }
    }
  }

  private func fill(_ buffers: BatchBuffers, column: Int, row: Int) {
    let width = buffers.width
    var t = 0
    for place in Int(rowStarts[row])..<Int(rowStarts[row + 1]) {
      let sequence = Int(order[place])
      let slot = (place - Int(rowStarts[row])) * width + column
      let first = set.starts[sequence]
      var length = set.length(sequence)
      if case .nextStep = target { length -= 1 }
      unsafe buffers.slotStarts[slot] = Int32(t)
      unsafe buffers.slotEnds[slot] = Int32(t + length)
      fill(buffers, column: column, first: first, length: length, at: t)
      switch target {
      case .classes(let classes): unsafe buffers.targets[slot] = classes[sequence]
      case .everyStep(let classes):
        for step in 0..<length {
          unsafe buffers.targets[(t + step) * width + column] = classes[first + step]
        }
      case .numbers(let numbers):
        for (step, row) in numbers.rows(of: sequence, set).enumerated() {
          let output = numbers.isOfSteps ? (t + step) * width + column : slot
          unsafe buffers.targets[output] = numbers.isCounted(row) ? 0 : -1
          unsafe numbers.write(row, to: buffers.targetRow(output))
        }
      case .nextStep where !set.tokens.isEmpty:
        for step in 0..<length {
          unsafe buffers.targets[(t + step) * width + column] = set.tokens[first + step + 1]
        }
      case .nextStep:
        for step in 0..<length {
          let output = (t + step) * width + column
          unsafe buffers.targets[output] = 0
          unsafe copy(step: first + step + 1, to: buffers.targetRow(output))
        }
      }
      t += length
    }
  }

  @inline(__always) private func copy(step: Int, to row: UnsafeMutablePointer<Float>) {
    let features = set.features
    for j in 0..<features { unsafe row[j] = set.values[step * features + j] }
  }
}
