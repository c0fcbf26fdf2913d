package import NumericContract
import Records
package import Tasks

/// Windows of time series: T steps go in, and some columns of the `horizon` steps after them are to
/// be forecast. Every epoch takes the windows in another order.
package final class SeriesWindows: Sendable, Codable {
  /// What is forecast, and what windows are like.
  package struct Plan: Sendable, Codable {
    /// The columns to forecast, how many steps of them, and steps from one window to the next.
    package var targets: [Int]
    package var horizon: Int
    package var stride = 1
    /// Columns whose numbers `horizon` steps later go in too, since they are known by then.
    package var known: [Int] = []
    /// What the numbers of columns are relative to, but for those that `isAbsolute` says.
    package var origin = WindowOrigin.none
    package var isAbsolute: [Bool] = []
    /// Whether windows end where their parts do, and what is forecast may not have happened yet.
    package var looksBeyond = false
    /// Columns of the file that are series of their own, one after another; 0 where rows are.
    package var columnsAsSeries = 0

    package init(targets: [Int], horizon: Int) {
      self.targets = targets
      self.horizon = horizon
    }

    /// Steps behind a window that a part must have.
    package var stepsBehind: Int { looksBeyond && known.isEmpty ? 0 : horizon }
  }

  let set: SequenceSet
  package let plan: Plan
  private let batchRows: Int
  private let window: Int
  /// First step of each part's first window, and the windows of the parts before it.
  private let firstSteps: [Int]
  private let windowsBefore: [Int]
  /// The windows that have something to forecast, where not all have.
  private let chosen: HostArray<Int32>?
  private let permutation: Permutation?

  /// - Parameters:
  ///   - parts: ranges of steps, each within one series, that windows and what they forecast lie
  ///     in.
  ///   - shuffle: nil keeps the order of time.
  package init(
    set: SequenceSet, parts: [Range<Int>], plan: Plan, batchRows: Int, window: Int,
    shuffle: Philox?
  ) {
    self.set = set
    self.plan = plan
    self.batchRows = batchRows
    self.window = window
    let firstSteps = parts.map(\.lowerBound)
    let windowsBefore = parts.reduce(into: [0]) { sums, part in
      let room = part.count - window - plan.stepsBehind
      sums.append(sums[sums.count - 1] + (room < 0 ? 0 : room / plan.stride + 1))
    }
    self.firstSteps = firstSteps
    self.windowsBefore = windowsBefore
    let count = windowsBefore[parts.count]
    var chosen: [Int32]?
    if set.hasGaps, !plan.looksBeyond {
      chosen = (0..<Int32(count)).filter { index in
        let first = Self.start(of: Int(index), firstSteps, windowsBefore, plan.stride)
        return (first + window..<first + window + plan.horizon).contains { step in
          plan.targets.contains { !set.values[step * set.features + $0].isNaN }
        }
      }
      if chosen?.count == count { chosen = nil }
    }
    self.chosen = chosen.map { HostArray($0) }
    permutation = shuffle.map { Permutation(count: max(1, chosen?.count ?? count), random: $0) }
  }

  package var memoryBytes: Int { self.set.memoryBytes }

  /// Windows of an epoch, and batches.
  package var count: Int { chosen?.count ?? windowsBefore[windowsBefore.count - 1] }
  package var batchCount: Int { (count + batchRows - 1) / batchRows }

  /// Real values of a step that go in.
  package var inputWidth: Int { self.set.inputWidth + plan.known.count }

  /// Targets that the batches before `batch` count together.
  package func targetCount(beforeBatch batch: Int) -> Int {
    .saturatedSum(
      .saturatedProduct(batch / batchCount, count), batch % batchCount * batchRows)
  }

  /// The first step of a window.
  package func start(of index: Int) -> Int {
    Self.start(
      of: chosen.map { Int($0[index]) } ?? index, firstSteps, windowsBefore, plan.stride)
  }

  /// Which window of its part is in a row of a batch, from 0; nil where there is none.
  package func origin(batch: Int, row: Int) -> Int? {
    let (epoch, index) = (batch / batchCount, batch % batchCount)
    let place = index * batchRows + row
    if place >= count { return nil }
    let number = permutation?.number(at: place, epoch: epoch) ?? place
    let window = chosen.map { Int($0[number]) } ?? number
    return window - windowsBefore[Self.part(of: window, windowsBefore)]
  }

  /// Windows of the part that has most, and how many steps of its series lie before what each
  /// forecasts; nil where that is not the same in all series.
  package var origins: (count: Int, steps: [Int]?) {
    let counts = zip(windowsBefore, windowsBefore.dropFirst()).map { $1 - $0 }
    let most = counts.max() ?? 0
    let firsts = firstSteps.indices.filter { counts[$0] > 0 }.map { part in
      firstSteps[part] - set.starts[set.sequence(ofStep: firstSteps[part])] + window
    }
    guard let first = firsts.first, firsts.allSatisfy({ $0 == first }) else { return (most, nil) }
    return (most, (0..<most).map { first + $0 * plan.stride })
  }

  /// The part that a window lies in.
  private static func part(of window: Int, _ windowsBefore: [Int]) -> Int {
    var (low, high) = (0, windowsBefore.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if windowsBefore[middle] <= window { low = middle } else { high = middle }
    }
    return low
  }

  private static func start(
    of index: Int, _ firstSteps: [Int], _ windowsBefore: [Int], _ stride: Int
  ) -> Int {
    let part = part(of: index, windowsBefore)
    return firstSteps[part] + (index - windowsBefore[part]) * stride
  }

  /// The first step of the window in a row of a batch; nil where nothing is left for it.
  private func start(batch: Int, row: Int) -> Int? {
    let (epoch, index) = (batch / batchCount, batch % batchCount)
    let place = index * batchRows + row
    if place >= count { return nil }
    return start(of: permutation?.number(at: place, epoch: epoch) ?? place)
  }

  /// Writes a worker's windows of a batch (counted from 0 over all epochs). Does not allocate.
  package func fill(_ buffers: BatchBuffers, batch: Int) {
    for (column, sequence) in buffers.sequences.enumerated() {
      let first = start(batch: batch, row: sequence)
      unsafe buffers.targets[column] = first == nil ? -1 : 0
      guard let first else { continue }
      fillInputs(buffers, column, first)
      if plan.looksBeyond { continue }
      let row = unsafe buffers.targetRow(column)
      for (j, target) in plan.targets.enumerated() {
        let origin = origin(of: target, first)
        for ahead in 0..<plan.horizon {
          unsafe row[ahead * plan.targets.count + j] =
            set.values[(first + window + ahead) * set.features + target] - origin
        }
      }
    }
  }

  private func fillInputs(_ buffers: BatchBuffers, _ column: Int, _ first: Int) {
    let features = set.features
    if set.categoryCount > 0 {
      for t in 0..<window {
        unsafe set.writeCategories(step: first + t, to: buffers.tokens(t, column))
      }
    }
    if plan.origin == .none {
      for t in 0..<window {
        unsafe set.writeInputs(step: first + t, to: buffers.inputRow(t, column))
      }
    } else {
      for j in 0..<features {
        let origin = origin(of: j, first)
        for t in 0..<window {
          let value = set.values[(first + t) * features + j]
          unsafe buffers.inputRow(t, column)[j] = value.isNaN ? 0 : value - origin
        }
      }
      for t in 0..<window {
        unsafe set.writeExtras(step: first + t, to: buffers.inputRow(t, column) + features)
      }
    }
    for (place, j) in plan.known.enumerated() {
      for t in 0..<window {
        let value = set.values[(first + t + plan.horizon) * features + j]
        unsafe buffers.inputRow(t, column)[set.inputWidth + place] = value.isNaN ? 0 : value
      }
    }
  }

  /// What a column's numbers are relative to in the window that begins at a step.
  private func origin(of column: Int, _ first: Int) -> Float {
    if plan.origin == .none || plan.isAbsolute[column] { return 0 }
    let features = set.features
    if plan.origin == .last {
      for t in stride(from: window - 1, through: 0, by: -1) {
        let value = set.values[(first + t) * features + column]
        if !value.isNaN { return value }
      }
      return 0
    }
    var (sum, present) = (0.0, 0.0)
    for t in 0..<window {
      let value = set.values[(first + t) * features + column]
      if value.isNaN { continue }
      sum += Double(value)
      present += 1
    }
    return present == 0 ? 0 : Float(sum / present)
  }
}

/// What a forecast of one column says in the data's units: (output + origin) deviation + mean.
package struct TargetUnit: Sendable, Equatable {
  package var name: String
  package var mean: Double
  package var deviation: Double
  /// What the window's numbers are relative to.
  package var origin = 0.0

  package init(name: String, mean: Double, deviation: Double, origin: Double = 0) {
    self.name = name
    self.mean = mean
    self.deviation = deviation
    self.origin = origin
  }
}

extension SeriesWindows {
  /// The scale of one target of the window in a row of a batch, and which of the columns to
  /// forecast it is; nil where there is no window. Does not allocate.
  package func scale(
    batch: Int, row: Int, target: Int
  ) -> (column: Int, mean: Double, deviation: Double, origin: Double)? {
    guard let first = start(batch: batch, row: row) else { return nil }
    let place = plan.targets[target]
    let origin = Double(origin(of: place, first))
    if set.units.isEmpty {
      return (
        target, set.columnUnits?.means[place] ?? 0, set.columnUnits?.deviations[place] ?? 1,
        origin
      )
    }
    let sequence = set.sequence(ofStep: first)
    return (
      plan.columnsAsSeries == 0 ? target : sequence % plan.columnsAsSeries,
      set.units[sequence].means[place], set.units[sequence].deviations[place], origin
    )
  }

  /// The units of the columns that the window in a row of a batch forecasts; nil where they are
  /// those of all windows, and where there is no window.
  package func units(batch: Int, row: Int) -> [TargetUnit]? {
    guard plan.origin != .none || !set.units.isEmpty,
      let first = start(batch: batch, row: row)
    else { return nil }
    let own = set.units.isEmpty ? set.columnUnits : set.units[set.sequence(ofStep: first)]
    return plan.targets.map { target in
      TargetUnit(
        name: own?.names[target] ?? set.columns[target], mean: own?.means[target] ?? 0,
        deviation: own?.deviations[target] ?? 1, origin: Double(origin(of: target, first)))
    }
  }
}
