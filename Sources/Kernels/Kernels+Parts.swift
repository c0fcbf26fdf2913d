import CPlatform
import SIMDKernels

/// How a crew divides kernels: each member takes whole outputs, by the same kernels.
extension Kernels {
  /// Columns that stay together: whole panels, and whole runs of 16 that elementwise kernels take.
  private var columnUnit: Int { max(16, panelWidth) }

  /// The part of `count` things that falls to one member, in whole units.
  @inline(__always)
  private func share(_ count: Int, unit: Int = 1, _ member: Int, of members: Int) -> Range<Int> {
    let units = (count + unit - 1) / unit
    let start = member * units / members * unit
    return start..<max(start, min(count, (member + 1) * units / members * unit))
  }

  /// A member's own part of a task, and those that nobody else takes.
  func performParts(
    _ generation: Int, member: Int, of crew: UnsafeMutablePointer<CrewState>
  ) {
    let members = crew.pointee.memberCount
    for place in member..<member + members {
      let part = place < members ? place : place - members
      guard let task = crew.pointee.claim(part, of: generation) else { continue }
      // The worker has entered what it does.
      if member > 0 { crew.pointee.timers[member].enter(task.span) }
      perform(task, part: part, by: member, of: crew)
      crew.pointee.finishPart()
    }
  }

  /// A part of a task, in the scratch of the member that takes it.
  private func perform(
    _ task: CrewTask, part member: Int, by owner: Int, of crew: UnsafeMutablePointer<CrewState>
  ) {
    let members = crew.pointee.memberCount
    let arguments = task.arguments
    switch task.kind {
    case .none: return
    case .product:
      performPart(product: arguments.arguments(), member, members)
    case .weightGradient:
      performPart(
        weightGradient: arguments.arguments(), member, members,
        scratch: owner == 0 ? nil : crew.pointee.scratch(of: owner))
    case .packShardColumns:
      guard let output = task.output else { return }
      var rows = arguments.load(as: ShardRows.self)
      let part = share(task.number, unit: columnUnit, member, of: members)
      if part.isEmpty { return }
      rows.firstColumn = part.lowerBound
      rows.endColumn = part.upperBound
      withUnsafePointer(to: rows) {
        table.pointee.packShardColumns(UnsafeRawPointer($0), task.number, output)
      }
    case .gates: performPart(gates: arguments.arguments(), task.number, member, members)
    case .softmaxCrossEntropy:
      performPart(softmax: arguments.arguments(), member, members)
    case .softmaxBlock:
      performPart(block: arguments.arguments(), member, members, table.pointee.softmaxBlock)
    case .softmaxBlockGradient:
      performPart(
        block: arguments.arguments(), member, members, table.pointee.softmaxBlockGradient)
    case .valueLoss: performPart(loss: arguments.arguments(), member, members)
    case .normalize: performPart(normalize: arguments.arguments(), member, members)
    case .normalizeBackward:
      performPart(normalizeBackward: arguments.arguments(), member, members)
    case .dropRows: performPart(drop: arguments.arguments(), member, members)
    case .copyRows:
      let rows = arguments.load(as: RowCopies.self)
      let width = rows.columns / rows.groups
      if divides(width, among: members) {
        rows.copy(0..<rows.count, share(width, unit: columnUnit, member, of: members))
      } else {
        rows.copy(share(rows.count, member, of: members), 0..<width)
      }
    }
  }

  /// Whether all members have nearly equal parts of so many columns, in whole panels.
  @inline(__always) private func divides(_ columns: Int, among members: Int) -> Bool {
    let panels = columns / columnUnit
    return columns.isMultiple(of: columnUnit)
      && 10 * ((panels + members - 1) / members) * members <= 11 * panels
  }

  /// Panels of columns, the same of all gates; where that leaves members with less to do than
  /// others panels of all columns, and where these are fewer than members rows besides.
  private func performPart(
    product whole: UnsafePointer<ProductArguments>, _ member: Int, _ members: Int
  ) {
    let width = whole.pointee.columns / whole.pointee.groups
    if divides(width, among: members) {
      let columns = share(width, unit: columnUnit, member, of: members)
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
    var parts = 1
    while parts <= members {
      let columnParts = members / parts
      let longest = ((panels + columnParts - 1) / columnParts) * ((tiles + parts - 1) / parts)
      if longest < best { (best, rowParts) = (longest, parts) }
      parts *= 2
    }
    let columnParts = members / rowParts
    if member >= rowParts * columnParts { return }
    let columns = share(
      whole.pointee.columns, unit: columnUnit, member % columnParts, of: columnParts)
    let rows = share(whole.pointee.rows, unit: 6, member / columnParts, of: rowParts)
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
    weightGradient whole: UnsafePointer<WeightGradientArguments>, _ member: Int, _ members: Int,
    scratch: UnsafeMutablePointer<Float>?
  ) {
    let rows = share(whole.pointee.outputs, unit: 12, member, of: members)
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
    gates whole: UnsafePointer<GateArguments>, _ function: Int, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let isDivided = divides(part.columns, among: members)
    if !isDivided, part.rows >= members {
      let rows = share(part.rows, member, of: members)
      part.rows = rows.count
      part.gates += rows.lowerBound * part.gatesStride
      part.skip(rows.lowerBound * part.stateStride)
    } else {
      let columns = share(
        part.columns, unit: isDivided ? columnUnit : 16, member, of: members)
      part.columns = columns.count
      part.gates += columns.lowerBound
      part.skip(columns.lowerBound)
    }
    withUnsafePointer(to: part) { table.pointee.gate(function)(UnsafeRawPointer($0)) }
  }

  private func performPart(
    softmax whole: UnsafePointer<SoftmaxArguments>, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, member, of: members)
    part.rows = rows.count
    part.logits += rows.lowerBound * part.stride
    part.targets += rows.lowerBound
    part.losses += rows.lowerBound
    withUnsafePointer(to: part) { table.pointee.softmaxCrossEntropy(UnsafeRawPointer($0)) }
  }

  private func performPart(
    block whole: UnsafePointer<SoftmaxBlockArguments>, _ member: Int, _ members: Int,
    _ kernel: BlockKernel
  ) {
    var part = whole.pointee
    let rows = share(part.rows, member, of: members)
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
    loss whole: UnsafePointer<ValueLossArguments>, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, member, of: members)
    part.rows = rows.count
    part.scores += rows.lowerBound * part.stride
    part.targets += rows.lowerBound * part.stride
    part.counted += rows.lowerBound
    part.losses += rows.lowerBound
    part.metrics += rows.lowerBound
    withUnsafePointer(to: part) { table.pointee.valueLoss(UnsafeRawPointer($0)) }
  }

  private func performPart(
    normalize whole: UnsafePointer<NormalizationArguments>, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let rows = share(part.rows, member, of: members)
    part.rows = rows.count
    part.values += rows.lowerBound * part.stride
    part.normalized += rows.lowerBound * part.stride
    part.inverseDeviations += rows.lowerBound * part.deviationStride
    withUnsafePointer(to: part) { table.pointee.normalize(UnsafeRawPointer($0)) }
  }

  /// Gates: a shard's rows are one chain of each gain and bias.
  private func performPart(
    normalizeBackward whole: UnsafePointer<NormalizationArguments>, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let gates = share(part.groups, member, of: members)
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
    drop whole: UnsafePointer<DropoutArguments>, _ member: Int, _ members: Int
  ) {
    var part = whole.pointee
    let steps = share(part.timeSteps, member, of: members)
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
