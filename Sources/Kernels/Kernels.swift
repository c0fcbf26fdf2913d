import CPlatform
import KernelsAVX2
import KernelsAVX512
import KernelsBF16
import KernelsPortable
package import SIMDKernels

/// The kernels of the chosen instruction set behind shape-checked entry points.
///
/// A value is a pointer to a table that lives as long as the process; copying it costs nothing.
package struct Kernels: @unchecked Sendable {
  package let instructionSet: InstructionSet
  package let precision: Precision
  private let table: UnsafePointer<KernelTable>
  /// What products work on at a time.
  private let blocks: ProductBlocks

  /// The kernels of `set`, which the machine must have. They work in blocks that suit `caches`,
  /// which change no bit.
  package init(
    _ set: InstructionSet, precision: Precision = .fp32, caches: CacheSizes = .machine
  ) {
    precondition(InstructionSet.available.contains(set), "no \(set.rawValue) on this machine")
    precondition(precision.isAvailable(with: set), "no \(precision.rawValue) on this machine")
    instructionSet = set
    self.precision = precision
    table =
      switch set {
      case .portable: Tables.portable
      case .avx2: Tables.avx2
      case .avx512: precision == .bf16 ? Tables.bf16 : Tables.avx512
      }
    blocks = caches.blocks(panelWidth: table.pointee.panelWidth)
  }

  /// Floats of a vector register.
  package var vectorWidth: Int { table.pointee.vectorWidth }
  /// Columns of a packed panel.
  package var panelWidth: Int { table.pointee.panelWidth }
  /// Rows that `weightGradient` goes through as one block.
  package var weightGradientRows: Int { SIMDKernels.weightGradientRows }

  /// Floats in a column of a packed right operand of `depth` rows.
  package func packedDepth(_ depth: Int) -> Int {
    precision == .bf16 ? (depth + 1) / 2 : depth
  }

  /// Floats of scratch that a product of `depth` needs; see `ProductArguments.scratch`.
  package func scratchCount(depth: Int) -> Int {
    precision == .bf16 ? productScratch(depth: depth) : 0
  }

  /// C = start + A · B; see `ProductArguments`.
  @inline(__always) package func product(_ arguments: ProductArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.rows >= 0, "rows \(arguments.rows) < 0")
    precondition(arguments.cStride >= arguments.columns, "C rows overlap")
    precondition(arguments.scratch != nil || precision == .fp32, "no room for a rounded A")
    var arguments = arguments
    arguments.blocks = blocks
    withUnsafePointer(to: arguments) { table.pointee.product(UnsafeRawPointer($0)) }
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
      table.pointee.packShardColumns(UnsafeRawPointer($0), columns, destination)
    }
  }

  /// Weight and bias gradients; see `WeightGradientArguments`.
  package func weightGradient(_ arguments: WeightGradientArguments) {
    precondition(arguments.columns0 % 16 == 0, "columns \(arguments.columns0) % 16 != 0")
    precondition(arguments.columns1 % 16 == 0, "columns \(arguments.columns1) % 16 != 0")
    precondition(arguments.stackDepth >= arguments.partialSumCount, "fold stack too shallow")
    var arguments = arguments
    arguments.blockDepth = blocks.depth
    withUnsafePointer(to: arguments) { table.pointee.weightGradient(UnsafeRawPointer($0)) }
  }

  /// Runs one elementwise function of a cell over a time step; see `GateArguments`.
  @inline(__always) package func gates(_ function: GateFunction, _ arguments: GateArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    withUnsafePointer(to: arguments) { table.pointee.gate(function.number)(UnsafeRawPointer($0)) }
  }

  /// Loss of each row and, if asked, its gradient in place; see `SoftmaxArguments`.
  package func softmaxCrossEntropy(_ arguments: SoftmaxArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.columns > 0, "no columns")
    withUnsafePointer(to: arguments) { table.pointee.softmaxCrossEntropy(UnsafeRawPointer($0)) }
  }

  /// Maxima and sums of one block of logits, exponentials in place; see `SoftmaxBlockArguments`.
  package func softmaxBlock(_ arguments: SoftmaxBlockArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.columns > 0, "no columns")
    precondition(arguments.columns <= canonicalBlock, "columns \(arguments.columns) > a block")
    withUnsafePointer(to: arguments) { table.pointee.softmaxBlock(UnsafeRawPointer($0)) }
  }

  /// The gradient of one block of logits, in place of their exponentials.
  package func softmaxBlockGradient(_ arguments: SoftmaxBlockArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    withUnsafePointer(to: arguments) { table.pointee.softmaxBlockGradient(UnsafeRawPointer($0)) }
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
    withUnsafePointer(to: arguments) { table.pointee.valueLoss(UnsafeRawPointer($0)) }
  }

  /// Layer normalisation in place; see `NormalizationArguments`.
  package func normalize(_ arguments: NormalizationArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.size > 0, "nothing to normalise")
    withUnsafePointer(to: arguments) { table.pointee.normalize(UnsafeRawPointer($0)) }
  }

  /// The gradient of layer normalisation in place; see `NormalizationArguments`.
  package func normalizeBackward(_ arguments: NormalizationArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    precondition(arguments.rowsPerShard > 0, "no rows in a shard")
    withUnsafePointer(to: arguments) { table.pointee.normalizeBackward(UnsafeRawPointer($0)) }
  }

  /// Drops random elements of rows; see `DropoutArguments`.
  package func dropRows(_ arguments: DropoutArguments) {
    precondition(arguments.columns % 16 == 0, "columns \(arguments.columns) % 16 != 0")
    withUnsafePointer(to: arguments) { table.pointee.dropRows(UnsafeRawPointer($0)) }
  }

  /// c = a + b over `count` elements; c may be a or b.
  package func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.add(a, b, c, count)
  }

  /// c = a − b; c may be a or b.
  package func subtract(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.subtract(a, b, c, count)
  }

  /// Sum of squares of each 4,096-element block of `x`, the last of which may be short.
  package func sumOfSquares(
    _ x: UnsafePointer<Float>, count: Int, blocks: UnsafeMutablePointer<Double>
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.blockSquares(x, count, blocks)
  }

  /// Two 64-bit hashes of each 4,096-element block of `x`.
  package func hashBlocks(
    _ x: UnsafePointer<Float>, count: Int, into hashes: UnsafeMutablePointer<UInt64>
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.blockHashes(x, count, hashes)
  }

  /// One Adam or AdamW step over `count` elements.
  package func adam(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int,
    _ scalars: AdamScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.adam(parameters, gradient, first, second, count, UnsafeRawPointer($0))
    }
  }

  /// One step of SGD with momentum over `count` elements.
  package func momentum(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    velocity: UnsafeMutablePointer<Float>, count: Int, _ scalars: MomentumScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.momentum(parameters, gradient, velocity, count, UnsafeRawPointer($0))
    }
  }

  /// One step of SGD with Nesterov's momentum over `count` elements.
  package func nesterov(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    velocity: UnsafeMutablePointer<Float>, count: Int, _ scalars: MomentumScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.nesterov(parameters, gradient, velocity, count, UnsafeRawPointer($0))
    }
  }

  /// One step of RMSprop or Adagrad over `count` elements.
  package func rootStep(
    _ parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    squares: UnsafeMutablePointer<Float>, count: Int, _ scalars: RootScalars
  ) {
    precondition(count >= 0, "count \(count) < 0")
    withUnsafePointer(to: scalars) {
      table.pointee.rootStep(parameters, gradient, squares, count, UnsafeRawPointer($0))
    }
  }

  /// Draws a running mean of parameters nearer to them.
  package func average(
    _ average: UnsafeMutablePointer<Float>, of parameters: UnsafePointer<Float>, count: Int,
    weight: Float
  ) {
    precondition(count >= 0, "count \(count) < 0")
    table.pointee.average(average, parameters, count, weight)
  }

  /// An elementary function over an array.
  package enum ElementaryFunction: Int, Sendable { case exp, sigmoid, tanh }

  /// y = function(x); `count` must be a multiple of 16.
  package func elementary(
    _ function: ElementaryFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    precondition(count % 16 == 0, "count \(count) % 16 != 0")
    table.pointee.elementary(function.rawValue, x, y, count)
  }

  /// Loads `count` floats, a multiple of 16, as fast as a core can; returns their sum in no order
  /// that is promised.
  package func readArray(_ x: UnsafePointer<Float>, count: Int) -> Float {
    precondition(count % 16 == 0, "count \(count) % 16 != 0")
    return table.pointee.readArray(x, count)
  }

  /// The FMA throughput of one core of this machine with these instructions, in GFLOP/s: the best
  /// of several rounds of twelve independent register chains, taking about `seconds`.
  package func measurePeak(seconds: Double) -> Double {
    let clock = ContinuousClock()
    var iterations = 1000
    var best = 0.0
    var spent = 0.0
    while spent < seconds {
      let start = clock.now
      let value = table.pointee.multiplyAddChains(iterations)
      let elapsed = (clock.now - start) / .seconds(1)
      precondition(value == value, "the chains diverged")
      spent += elapsed
      let flops = Double(iterations) * 12 * (precision == .bf16 ? 4 : 2) * Double(vectorWidth)
      if elapsed > 0 { best = max(best, flops / elapsed / 1e9) }
      if elapsed < 0.01 { iterations *= 2 }
    }
    return best
  }
}

/// The process's kernel tables, each made when it is first chosen.
private enum Tables {
  nonisolated(unsafe) static let portable = pointer(to: portableKernels())
  #if arch(x86_64)
    nonisolated(unsafe) static let avx2 = pointer(to: avx2Kernels())
    nonisolated(unsafe) static let avx512 = pointer(to: avx512Kernels())
    nonisolated(unsafe) static let bf16 = pointer(to: roundingOperands(of: avx512Kernels()))
  #else
    nonisolated(unsafe) static let avx2 = portable
    nonisolated(unsafe) static let avx512 = portable
    nonisolated(unsafe) static let bf16 = portable
  #endif

  private static func pointer(to table: KernelTable) -> UnsafePointer<KernelTable> {
    let pointer = UnsafeMutablePointer<KernelTable>.allocate(capacity: 1)
    pointer.initialize(to: table)
    return UnsafePointer(pointer)
  }
}
