#if arch(x86_64)
  public import SIMDKernels

  private typealias Vector = SIMD8<Float>
  private typealias Tiles = FloatTiles<Vector>
  private let maximumRows = 6

  /// Fills the table with the kernels compiled in this module.
  public func fillAVX2Kernels(_ table: UnsafeMutablePointer<KernelTable>) {
    table.initialize(
      to: KernelTable(
        vectorWidth: Vector.scalarCount,
        maximumRows: maximumRows,
        panelWidth: panelWidth(Vector.self),
        product: {
          product(Tiles.self, maximumRows: maximumRows, $0.arguments(ProductArguments.self))
        },
        packTransposed: { packTransposed($0.arguments(PackArguments.self)) },
        packRows: { packRows($0.arguments(PackArguments.self)) },
        packShardColumns: {
          packShardColumns(
            $0.arguments(ShardRows.self), columns: $1, panelWidth: panelWidth(Vector.self), to: $2)
        },
        weightGradient: {
          weightGradient(
            Tiles.self, maximumRows: maximumRows, $0.arguments(WeightGradientArguments.self))
        },
        resetBeforeGates: { resetBeforeGates($0.arguments(GateArguments.self)) },
        resetBeforeState: { resetBeforeState($0.arguments(GateArguments.self)) },
        resetAfterState: { resetAfterState($0.arguments(GateArguments.self)) },
        recurrentState: { recurrentState($0.arguments(GateArguments.self)) },
        resetBeforeBackwardState: { resetBeforeBackwardState($0.arguments(GateArguments.self)) },
        resetBeforeBackwardGates: { resetBeforeBackwardGates($0.arguments(GateArguments.self)) },
        resetAfterBackward: { resetAfterBackward($0.arguments(GateArguments.self)) },
        recurrentBackward: { recurrentBackward($0.arguments(GateArguments.self)) },
        resetAfterSum: { resetAfterSum($0.arguments(GateArguments.self)) },
        resetAfterBackwardSum: { resetAfterBackwardSum($0.arguments(GateArguments.self)) },
        normalize: { normalizeRows($0.arguments(NormalizationArguments.self)) },
        normalizeBackward: { normalizeRowsBackward($0.arguments(NormalizationArguments.self)) },
        softmaxCrossEntropy: { softmaxCrossEntropy($0.arguments(SoftmaxArguments.self)) },
        softmaxBlock: { softmaxBlock($0.arguments(SoftmaxBlockArguments.self)) },
        softmaxBlockGradient: {
          softmaxBlockGradient($0.arguments(SoftmaxBlockArguments.self))
        },
        softmaxJoin: { softmaxJoin($0, $1, $2, $3) },
        valueLoss: { valueLoss($0.arguments(ValueLossArguments.self)) },
        dropRows: { dropRows($0.arguments(DropoutArguments.self)) },
        add: { addArrays($0, $1, $2, $3) },
        subtract: { subtractArrays($0, $1, $2, $3) },
        blockSquares: { blockSquares($0, $1, $2) },
        blockHashes: { blockHashes($0, $1, $2) },
        adam: { adam($0, $1, $2, $3, $4, $5.arguments(AdamScalars.self)) },
        momentum: { momentumStep($0, $1, $2, $3, $4.arguments(MomentumScalars.self)) },
        nesterov: { nesterovStep($0, $1, $2, $3, $4.arguments(MomentumScalars.self)) },
        rootStep: { rootStep($0, $1, $2, $3, $4.arguments(RootScalars.self)) },
        average: { averageStep($0, $1, $2, $3) },
        elementary: { elementaryArray($0, $1, $2, $3) },
        multiplyAddChains: { multiplyAddChains(Vector.self, $0) },
        readArray: { readArray(Vector.self, $0, $1) }))
  }
#endif
