import CPlatform
import KernelsAVX2
import KernelsAVX512
import KernelsBF16
import KernelsPortable
package import SIMDKernels

/// The kernels of the chosen instruction set behind shape-checked entry points.
///
/// A value is a pointer to a table that lives as long as the process; copying it costs nothing.
/// Those that a crew shares divide the outputs of large kernels among its members.
package struct Kernels: @unchecked Sendable {
  package let instructionSet: InstructionSet
  package let precision: Precision
  let table: UnsafePointer<KernelTable>
  /// What products work on at a time.
  private let blocks: ProductBlocks
  /// Those who share, where there is one; a crew must outlive the kernels that it shares.
  private var crew: UnsafeMutablePointer<CrewState>?
  /// Multiply-adds, or eight times the elements, from which on a kernel is worth to be shared.
  let leastShared: Int

  /// The kernels of `set`, which the machine must have. They work in blocks that suit `caches`,
  /// which change no bit. A crew shares what is `leastShared` multiply-adds of work at least.
  ///
  /// - Parameter emulating: whether products of bf16 numbers are made of fp32 arithmetic where
  ///   there are instructions for them too, with the same bits.
  package init(
    _ set: InstructionSet, precision: Precision = .fp32, caches: CacheSizes = .machine,
    leastShared: Int = 32_768, emulating: Bool = false
  ) {
    self.leastShared = leastShared
    precondition(InstructionSet.available.contains(set), "no \(set.rawValue) on this machine")
    instructionSet = set
    self.precision = precision
    table =
      switch (precision, set) {
      case (.fp32, .portable): Tables.portable
      case (.fp32, .avx2): Tables.avx2
      case (.fp32, .avx512): Tables.avx512
      case (.bf16, .portable): Tables.portablePairs
      case (.bf16, .avx2): Tables.avx2Pairs
      case (.bf16, .avx512):
        precision.hasInstructions(in: set) && !emulating ? Tables.bf16 : Tables.avx512Pairs
      }
    blocks = caches.blocks(panelWidth: table.pointee.panelWidth)
  }

  /// The same kernels, which a crew shares whenever it is open.
  package func shared(by crew: Crew) -> Kernels {
    var kernels = self
    kernels.crew = crew.state
    return kernels
  }

  /// Has a crew do the task, or this thread alone.
  ///
  /// - Parameters:
  ///   - work: multiply-adds, or eight times the elements.
  ///   - partsOfEach: what each of so many members has of it.
  @inline(__always)
  private func share(
    _ task: CrewTask, work: Int, partsOfEach: (_ members: Int) -> Int = { _ in 1 }
  ) -> Bool {
    guard let crew, crew.pointee.isOpen, work >= leastShared else { return false }
    let parts = partsOfEach(crew.pointee.memberCount)
    performParts(crew.pointee.post(task, partsOfEach: parts), member: 0, of: crew)
    crew.pointee.waitForParts()
    return true
  }

  /// As `share`, or calls the kernel.
  @inline(__always)
  private func run<Arguments>(
    _ kind: CrewTask.Kind, _ arguments: Arguments, work: Int,
    partsOfEach: (_ members: Int) -> Int = { _ in 1 }, _ kernel: BlockKernel
  ) {
    withUnsafePointer(to: arguments) {
      let arguments = UnsafeRawPointer($0)
      if !share(CrewTask(kind, arguments), work: work, partsOfEach: partsOfEach) {
        kernel(arguments)
      }
    }
  }

  /// Floats of a vector register.
  package var vectorWidth: Int { table.pointee.vectorWidth }
  /// Columns of a packed panel.
  package var panelWidth: Int { table.pointee.panelWidth }
  /// Rows that `weightGradient` goes through as one block.
  package var weightGradientRows: Int { SIMDKernels.weightGradientRows }

  /// Whether products of bf16 numbers are made of fp32 arithmetic.
  package var emulatesPairs: Bool { precision == .bf16 && table.pointee.floatsPerPair == 2 }

  /// Floats in a column of a packed right operand of `depth` rows.
  package func packedDepth(_ depth: Int) -> Int {
    precision == .bf16 ? (depth + 1) / 2 * table.pointee.floatsPerPair : depth
  }

  /// Floats of scratch that a product of `depth` needs; see `ProductArguments.scratch`.
  package func scratchCount(depth: Int) -> Int {
    precision == .bf16 ? productScratch(packedDepth(depth)) : 0
  }

  /// C = start + A · B; see `ProductArguments`.
  @inline(__always) package func product(_ arguments: ProductArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.rows >= 0, "rows \(arguments.rows) < 0")
    precondition(arguments.cStride >= arguments.columns, "C rows overlap")
    var arguments = arguments
    arguments.blocks = blocks
    if precision == .bf16 { return roundedProduct(arguments) }
    multiply(arguments, work: arguments.work)
  }

  /// A product whose operands are packed and rounded.
  @inline(__always) private func multiply(_ arguments: ProductArguments, work: Int) {
    run(
      .product, arguments, work: work,
      partsOfEach: { partsOfEach(product: arguments, work: work, members: $0) },
      table.pointee.product)
  }

  /// Rounds some rows of A at a time to bf16 and multiplies those, which threads may share.
  private func roundedProduct(_ whole: ProductArguments) {
    guard let scratch = whole.scratch else { preconditionFailure("no room for a rounded A") }
    precondition(whole.bStart % 2 == 0, "block of k from \(whole.bStart), within a pair")
    let depth = whole.segments * whole.segmentLength
    let stride = productScratchStride(packedDepth(depth))
    var part = whole
    part.a = UnsafePointer(scratch)
    part.aStride = stride
    part.segments = 1
    part.segmentLength = packedDepth(depth)
    part.bDepth = packedDepth(whole.bDepth)
    part.bStart = packedDepth(whole.bStart)
    var first = 0
    while first < whole.rows {
      part.rows = min(productScratchRows, whole.rows - first)
      withUnsafePointer(to: whole) {
        table.pointee.roundRows(UnsafeRawPointer($0), first, part.rows, scratch, stride)
      }
      multiply(part, work: part.rows * whole.columns * depth)
      first += part.rows
      part.c += part.rows * part.cStride
      if let start = part.start { part.start = start + part.rows * part.startStride }
    }
  }

  /// Packs B[k][n] = source[n][k]; see `PackArguments`.
  package func packTransposed(_ arguments: PackArguments) {
    precondition(arguments.groupWidth % 16 == 0, "groupWidth \(arguments.groupWidth) % 16 != 0")
    precondition(arguments.groupColumns <= arguments.groupWidth, "group too wide")
    precondition(arguments.panelWidth == panelWidth, "panel of another instruction set")
    withUnsafePointer(to: arguments) { table.pointee.packTransposed(UnsafeRawPointer($0)) }
  }

  /// Packs B[k][n] = source[k][n]; see `PackArguments`.
  package func packRows(_ arguments: PackArguments) {
    precondition(arguments.groupWidth % 16 == 0, "groupWidth \(arguments.groupWidth) % 16 != 0")
    precondition(arguments.groups == 1, "packRows takes one group")
    precondition(arguments.panelWidth == panelWidth, "panel of another instruction set")
    withUnsafePointer(to: arguments) { table.pointee.packRows(UnsafeRawPointer($0)) }
  }

  /// Packs rows, shard by shard, as the right operand of `weightGradient`; needs
  /// columns × rows floats at `destination`.
  package func packShardColumns(
    _ rows: ShardRows, columns: Int, to destination: UnsafeMutablePointer<Float>
  ) {
    precondition(columns % 16 == 0, "columns \(columns) % 16 != 0")
    precondition(rows.sequences % rows.sequencesPerShard == 0, "shards are not whole")
    withUnsafePointer(to: rows) {
      var task = CrewTask(.packShardColumns, UnsafeRawPointer($0))
      task.number = columns
      task.output = destination
      if !share(task, work: 8 * rows.timeSteps * rows.sequences * columns) {
        table.pointee.packShardColumns(UnsafeRawPointer($0), columns, destination)
      }
    }
  }

  /// Weight and bias gradients; see `WeightGradientArguments`.
  package func weightGradient(_ arguments: WeightGradientArguments) {
    precondition(arguments.columns0 % 16 == 0, "columns \(arguments.columns0) % 16 != 0")
    precondition(arguments.columns1 % 16 == 0, "columns \(arguments.columns1) % 16 != 0")
    precondition(arguments.stackDepth >= arguments.partialSumCount, "fold stack too shallow")
    var arguments = arguments
    arguments.blockDepth = blocks.depth
    let left = arguments.left
    let columns = arguments.columns0 + (arguments.operands == 2 ? arguments.columns1 : 0)
    run(
      .weightGradient, arguments,
      work: arguments.outputs * columns * left.timeSteps * left.sequences,
      partsOfEach: { partsOfEach(weightGradient: arguments, members: $0) },
      table.pointee.weightGradient)
  }

  /// Runs one elementwise function of a cell over a time step; see `GateArguments`.
  @inline(__always) package func gates(_ function: GateFunction, _ arguments: GateArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    withUnsafePointer(to: arguments) {
      var task = CrewTask(.gates, UnsafeRawPointer($0))
      task.number = function.number
      if share(task, work: 8 * arguments.rows * arguments.columns) { return }
      table.pointee.gate(function.number)(UnsafeRawPointer($0))
    }
  }

  /// Loss of each row and, if asked, its gradient in place; see `SoftmaxArguments`.
  package func softmaxCrossEntropy(_ arguments: SoftmaxArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.columns > 0, "no columns")
    run(
      .softmaxCrossEntropy, arguments, work: 8 * arguments.rows * arguments.columns,
      table.pointee.softmaxCrossEntropy)
  }

  /// Maxima and sums of one block of logits, exponentials in place; see `SoftmaxBlockArguments`.
  package func softmaxBlock(_ arguments: SoftmaxBlockArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.columns > 0, "no columns")
    precondition(arguments.columns <= canonicalBlock, "columns \(arguments.columns) > a block")
    run(
      .softmaxBlock, arguments, work: 8 * arguments.rows * arguments.columns,
      table.pointee.softmaxBlock)
  }

  /// The gradient of one block of logits, in place of their exponentials.
  package func softmaxBlockGradient(_ arguments: SoftmaxBlockArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    run(
      .softmaxBlockGradient, arguments, work: 8 * arguments.rows * arguments.columns,
      table.pointee.softmaxBlockGradient)
  }

  /// The loss of one row from the maxima and sums of its blocks; factors replace the maxima.
  package func softmaxJoin(
    maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>, blocks: Int,
    chosen: Float
  ) -> Float {
    precondition(blocks > 0, "no blocks")
    return table.pointee.softmaxJoin(maxima, sums, blocks, chosen)
  }

  /// Losses against real targets and, if asked, gradients in place; see `ValueLossArguments`.
  package func valueLoss(_ arguments: ValueLossArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.outputs > 0, "no outputs")
    precondition(arguments.outputs <= arguments.columns, "outputs beyond the columns")
    precondition(arguments.parts > 0, "no outputs for a target")
    precondition(arguments.outputs % arguments.parts == 0, "targets without all their outputs")
    run(
      .valueLoss, arguments, work: 8 * arguments.rows * arguments.columns,
      table.pointee.valueLoss)
  }

  /// Layer normalisation in place; see `NormalizationArguments`.
  package func normalize(_ arguments: NormalizationArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.size > 0, "nothing to normalise")
    run(
      .normalize, arguments, work: 8 * arguments.rows * arguments.groups * arguments.columns,
      table.pointee.normalize)
  }

  /// The gradient of layer normalisation in place; see `NormalizationArguments`.
  package func normalizeBackward(_ arguments: NormalizationArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.rowsPerShard > 0, "no rows in a shard")
    let elements = arguments.rows * arguments.groups * arguments.columns
    run(.normalizeBackward, arguments, work: 8 * elements, table.pointee.normalizeBackward)
  }

  /// Drops random elements of rows; see `DropoutArguments`.
  package func dropRows(_ arguments: DropoutArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    let elements = arguments.timeSteps * arguments.sequences * arguments.columns
    run(.dropRows, arguments, work: 8 * elements, table.pointee.dropRows)
  }

  /// Copies rows of `table` to rows that lie one after the other, all `stride` floats apart, as
  /// `groups` runs of columns.
  package func copyRows(
    _ rows: UnsafePointer<Int32>, count: Int, of table: UnsafePointer<Float>, columns: Int,
    groups: Int = 1, stride: Int, to destination: UnsafeMutablePointer<Float>
  ) {
    precondition(columns % groups == 0, "\(columns) columns in \(groups) groups")
    let copies = RowCopies(
      table: table, rows: rows, count: count, columns: columns, groups: groups, stride: stride,
      destination: destination)
    withUnsafePointer(to: copies) {
      let task = CrewTask(.copyRows, UnsafeRawPointer($0))
      if !share(task, work: 8 * count * columns) {
        copies.copy(0..<count, 0..<columns / groups)
      }
    }
  }
}

/// The process's kernel tables, each made when it is first chosen.
private enum Tables {
  nonisolated(unsafe) static let portable = pointer(to: portableKernels())
  nonisolated(unsafe) static let portablePairs = pointer(to: portablePairKernels())
  #if arch(x86_64)
    nonisolated(unsafe) static let avx2 = pointer(to: avx2Kernels())
    nonisolated(unsafe) static let avx2Pairs = pointer(to: avx2PairKernels())
    nonisolated(unsafe) static let avx512 = pointer(to: avx512Kernels())
    nonisolated(unsafe) static let avx512Pairs = pointer(to: avx512PairKernels())
    nonisolated(unsafe) static let bf16 = pointer(to: roundingOperands(of: avx512Kernels()))
  #else
    nonisolated(unsafe) static let avx2 = portable
    nonisolated(unsafe) static let avx2Pairs = portablePairs
    nonisolated(unsafe) static let avx512 = portable
    nonisolated(unsafe) static let avx512Pairs = portablePairs
    nonisolated(unsafe) static let bf16 = portablePairs
  #endif

  private static func pointer(to table: KernelTable) -> UnsafePointer<KernelTable> {
    let pointer = UnsafeMutablePointer<KernelTable>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return UnsafePointer(pointer)
  }
}
