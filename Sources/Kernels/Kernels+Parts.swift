import CPlatform
import SIMDKernels

/// How a crew divides kernels: each member takes whole outputs, by the same kernels.
extension Kernels {
  /// Columns that stay together: whole panels, and whole runs of 16 that elementwise kernels take.
  private var columnUnit: Int { max(16, panelWidth) }

  /// Multiply-adds of a part where members have several: some 20 us of work, beside which a claim
  /// is nothing.
  private var leastPart: Int { max(1, 32 * leastShared) }

  /// Into how many parts of each member a product is divided: nearly equal ones in whole panels.
  func partsOfEach(product: ProductArguments, work: Int, members: Int) -> Int {
    let width = product.columns / product.groups
    var count = min(CrewTicket.mostParts, work / (members * leastPart))
    while count > 1, !divides(width, among: members * count) { count -= 1 }
    return max(1, count)
  }

  /// Into how many a weight gradient is: every part reads the whole right operand, which is to be
  /// of use for rows enough.
  func partsOfEach(weightGradient: WeightGradientArguments, members: Int) -> Int {
    max(1, min(4, weightGradient.outputs / (members * (weightGradientRows / 2))))
  }

  /// The part of `count` things that is one of `parts` nearly equal ones, in whole units.
  @inline(__always)
  private func share(_ count: Int, unit: Int = 1, _ part: Int, of parts: Int) -> Range<Int> {
    let units = (count + unit - 1) / unit
    let start = part * units / parts * unit
    return start..<max(start, min(count, (part + 1) * units / parts * unit))
  }

  /// A member's own parts of a task, the first one first, and those that nobody else takes, the
  /// last ones first: their member is at the first.
  func performParts(
    _ ticket: CrewTicket, member: Int, of crew: UnsafeMutablePointer<CrewState>
  ) {
    let members = crew.pointee.memberCount
    let each = ticket.partsOfEach
    var done = 0
    for place in member..<member + members {
      let other = place < members ? place : place - members
      for index in 0..<each {
        let part = other == member ? index : each - 1 - index
        guard let task = crew.pointee.claim(part, of: other, ticket) else { continue }
        // The worker has entered what it does.
        if member > 0, done == 0 { crew.pointee.timers[member].enter(task.span) }
        perform(task, part: other * each + part, of: members * each, by: member, crew)
        done += 1
      }
    }
    if done > 0 { crew.pointee.finishParts(done) }
  }

  /// A part of a task, in the scratch of the member that takes it.
  private func perform(
    _ task: CrewTask, part: Int, of parts: Int, by member: Int,
    _ crew: UnsafeMutablePointer<CrewState>
  ) {
    let arguments = task.arguments
    switch task.kind {
    case .none: return
    case .product:
      performPart(product: arguments.arguments(), part, parts)
    case .weightGradient:
      performPart(
        weightGradient: arguments.arguments(), part, parts,
        scratch: member == 0 ? nil : crew.pointee.scratch(of: member))
    case .packShardColumns:
      guard let output = task.output else { return }
      var rows = arguments.load(as: ShardRows.self)
      let columns = share(task.number, unit: columnUnit, part, of: parts)
      if columns.isEmpty { return }
      rows.firstColumn = columns.lowerBound
      rows.endColumn = columns.upperBound
      withUnsafePointer(to: rows) {
        table.pointee.packShardColumns(UnsafeRawPointer($0), task.number, output)
      }
    case .gates: performPart(gates: arguments.arguments(), task.number, part, parts)
    case .softmaxCrossEntropy:
      performPart(softmax: arguments.arguments(), part, parts)
    case .softmaxBlock:
      performPart(block: arguments.arguments(), part, parts, table.pointee.softmaxBlock)
    case .softmaxBlockGradient:
      performPart(
        block: arguments.arguments(), part, parts, table.pointee.softmaxBlockGradient)
    case .valueLoss: performPart(loss: arguments.arguments(), part, parts)
    case .normalize: performPart(normalize: arguments.arguments(), part, parts)
    case .normalizeBackward:
      performPart(normalizeBackward: arguments.arguments(), part, parts)
    case .dropRows: performPart(drop: arguments.arguments(), part, parts)
    case .copyRows:
      let rows = arguments.load(as: RowCopies.self)
      let width = rows.columns / rows.groups
      if divides(width, among: parts) {
        rows.copy(0..<rows.count, share(width, unit: columnUnit, part, of: parts))
      } else {
        rows.copy(share(rows.count, part, of: parts), 0..<width)
      }
    }
  }

  /// Whether so many parts of some columns, in whole panels, are nearly equal.
  @inline(__always) private func divides(_ columns: Int, among parts: Int) -> Bool {
    let panels = columns / columnUnit
    return columns.isMultiple(of: columnUnit)
      && 10 * ((panels + parts - 1) / parts) * parts <= 11 * panels
  }

  /// Panels of columns, the same of all gates; where that leaves members with less to do than
  /// others panels of all columns, and where these are fewer than members rows besides.
  private func performPart(
    product whole: UnsafePointer<ProductArguments>, _ part: Int, _ parts: Int
  ) {
    let width = whole.pointee.columns / whole.pointee.groups
    if divides(width, among: parts) {
      let columns = share(width, unit: columnUnit, part, of: parts)
      for group in 0..<whole.pointee.groups {
        let first = group * width
        perform(
          whole, rows: 0..<whole.pointee.rows,
          columns: first + columns.lowerBound..<first + columns.upperBound)
      }
      return
    }
    let panels = (whole.pointee.columns + columnUnit - 1) / columnUnit
    let tiles = (whole.pointee.rows + 5) / 6
    var best = Int.max
    var rowParts = 1
    var count = 1
    while count <= parts {
      let columnParts = parts / count
      let longest = ((panels + columnParts - 1) / columnParts) * ((tiles + count - 1) / count)
      if longest < best { (best, rowParts) = (longest, count) }
      count *= 2
    }
    let columnParts = parts / rowParts
    if part >= rowParts * columnParts { return }
    let columns = share(
      whole.pointee.columns, unit: columnUnit, part % columnParts, of: columnParts)
    let rows = share(whole.pointee.rows, unit: 6, part / columnParts, of: rowParts)
    perform(whole, rows: rows, columns: columns)
  }

  private func perform(
    _ whole: UnsafePointer<ProductArguments>, rows: Range<Int>, columns: Range<Int>
  ) {
    if columns.isEmpty || rows.isEmpty { return }
    var part = whole.pointee
    part.rows = rows.count
    part.columns = columns.count
    part.a += rows.lowerBound * part.aStride
    part.b += columns.lowerBound * part.bDepth
    part.c += rows.lowerBound * part.cStride + columns.lowerBound
    if let start = part.start {
      part.start = start + rows.lowerBound * part.startStride + columns.lowerBound
    }
    withUnsafePointer(to: part) { table.pointee.product(UnsafeRawPointer($0)) }
  }

  /// Rows of the gradient.
  private func performPart(
    weightGradient whole: UnsafePointer<WeightGradientArguments>, _ place: Int, _ parts: Int,
    scratch: UnsafeMutablePointer<Float>?
  ) {
    let rows = share(whole.pointee.outputs, unit: 12, place, of: parts)
    if rows.isEmpty { return }
    var part = whole.pointee
    part.outputs = rows.count
    part.left.base += rows.lowerBound
    part.offset0 += rows.lowerBound * part.width0
    part.offset1 += rows.lowerBound * part.width1
    if part.biasOffset >= 0 { part.biasOffset += rows.lowerBound }
    if let scratch { part.scratch = scratch }
    withUnsafePointer(to: part) { table.pointee.weightGradient(UnsafeRawPointer($0)) }
  }

  /// The columns of every gate that a product's part is of; else rows, and where these are fewer
  /// than members columns.
  private func performPart(
    gates whole: UnsafePointer<GateArguments>, _ function: Int, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let isDivided = divides(part.columns, among: parts)
    if !isDivided, part.rows >= parts {
      let rows = share(part.rows, place, of: parts)
      part.rows = rows.count
      part.gates += rows.lowerBound * part.gatesStride
      part.skip(rows.lowerBound * part.stateStride)
    } else {
      let columns = share(
        part.columns, unit: isDivided ? columnUnit : 16, place, of: parts)
      part.columns = columns.count
      part.gates += columns.lowerBound
      part.skip(columns.lowerBound)
    }
    withUnsafePointer(to: part) { table.pointee.gate(function)(UnsafeRawPointer($0)) }
  }

  private func performPart(
    softmax whole: UnsafePointer<SoftmaxArguments>, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, place, of: parts)
    part.rows = rows.count
    part.logits += rows.lowerBound * part.stride
    part.targets += rows.lowerBound
    part.losses += rows.lowerBound
    withUnsafePointer(to: part) { table.pointee.softmaxCrossEntropy(UnsafeRawPointer($0)) }
  }

  private func performPart(
    block whole: UnsafePointer<SoftmaxBlockArguments>, _ place: Int, _ parts: Int,
    _ kernel: BlockKernel
  ) {
    var part = whole.pointee
    let rows = share(part.rows, place, of: parts)
    part.rows = rows.count
    part.logits += rows.lowerBound * part.stride
    part.targets += rows.lowerBound
    part.maxima += rows.lowerBound * part.blockStride
    part.sums += rows.lowerBound * part.blockStride
    part.chosen += rows.lowerBound
    part.gradients += rows.lowerBound * part.gradientStride
    if let sums = part.logitSums { part.logitSums = sums + rows.lowerBound * part.blockStride }
    withUnsafePointer(to: part) { kernel(UnsafeRawPointer($0)) }
  }

  private func performPart(
    loss whole: UnsafePointer<ValueLossArguments>, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, place, of: parts)
    part.rows = rows.count
    part.scores += rows.lowerBound * part.stride
    part.targets += rows.lowerBound * part.stride
    part.counted += rows.lowerBound
    part.losses += rows.lowerBound
    part.metrics += rows.lowerBound
    withUnsafePointer(to: part) { table.pointee.valueLoss(UnsafeRawPointer($0)) }
  }

  private func performPart(
    normalize whole: UnsafePointer<NormalizationArguments>, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, place, of: parts)
    part.rows = rows.count
    part.values += rows.lowerBound * part.stride
    part.normalized += rows.lowerBound * part.stride
    part.inverseDeviations += rows.lowerBound * part.deviationStride
    withUnsafePointer(to: part) { table.pointee.normalize(UnsafeRawPointer($0)) }
  }

  /// Gates: a shard's rows are one chain of each gain and bias.
  private func performPart(
    normalizeBackward whole: UnsafePointer<NormalizationArguments>, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let gates = share(part.groups, place, of: parts)
    if gates.isEmpty { return }
    let column = gates.lowerBound * part.columns
    part.groups = gates.count
    part.values += column
    part.normalized += column
    part.inverseDeviations += gates.lowerBound
    part.gain += column
    part.bias += column
    part.gainGradient += column
    part.biasGradient += column
    withUnsafePointer(to: part) { table.pointee.normalizeBackward(UnsafeRawPointer($0)) }
  }

  /// Time steps.
  private func performPart(
    drop whole: UnsafePointer<DropoutArguments>, _ place: Int, _ parts: Int
  ) {
    var part = whole.pointee
    let steps = share(part.timeSteps, place, of: parts)
    let row = steps.lowerBound * part.sequences
    part.timeSteps = steps.count
    part.source += row * part.sourceStride
    part.destination += row * part.destinationStride
    part.firstElement &+=
      UInt32(truncatingIfNeeded: steps.lowerBound) &* part.elementsPerStep
    withUnsafePointer(to: part) { table.pointee.dropRows(UnsafeRawPointer($0)) }
  }
}

extension GateArguments {
  /// Leaves out so many floats of every operand but the gates.
  fileprivate mutating func skip(_ count: Int) {
    previous += count
    next += count
    inner += count
    upper += count
    carry += count
    innerGradient += count
  }
}

/// Rows of a table that are copied to rows that lie one after the other.
struct RowCopies {
  var table: UnsafePointer<Float>
  var rows: UnsafePointer<Int32>
  var count: Int
  var columns: Int
  /// Runs of equally many columns.
  var groups: Int
  var stride: Int
  var destination: UnsafeMutablePointer<Float>

  /// Copies some rows, and of each group the same columns.
  func copy(_ part: Range<Int>, _ columns: Range<Int>) {
    let width = self.columns / groups
    for row in part {
      let source = table + Int(rows[row]) * stride + columns.lowerBound
      let target = destination + row * stride + columns.lowerBound
      for group in 0..<groups {
        (target + group * width).update(from: source + group * width, count: columns.count)
      }
    }
  }
}
