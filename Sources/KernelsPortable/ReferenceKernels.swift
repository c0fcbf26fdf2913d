#if arch(x86_64) || EVERY_PROCESSOR
  import CPlatform
  import SIMDKernels

  // This file is compiled once in each module of an instruction set: the others hold a link to it.
  // Such a module states its `Vector`, its `maximumRows`, whether it `worksInBlocks`, its `Rounded`
  // tiles, and what it overrides. Those of x86-64 are empty where the program is for another
  // processor.

  private typealias Tiles = FloatTiles<Vector>

  /// C = start + A · B of fp32 numbers, or of what else these tiles compute right.
  @inline(never)
  func productOfFloats(_ p: UnsafePointer<ProductArguments>) {
    if worksInBlocks {
      blockedProduct(Tiles.self, maximumRows: maximumRows, p)
    } else {
      product(Tiles.self, maximumRows: maximumRows, p)
    }
  }

  /// C = start + A · B of numbers that `roundRows` and the packing kernels have rounded: by the
  /// tiles of fp32 where the processor flushes denormals as it must, else by tiles that do.
  private func productOfRounded(_ p: UnsafePointer<ProductArguments>) {
    if Rounded.flushesDenormals {
      let before = platform_flush_denormals()
      productOfFloats(p)
      platform_restore_denormals(before)
    } else {
      blockedProduct(Rounded.self, maximumRows: maximumRows, p)
    }
  }

  /// The kernels with products of bf16 numbers by fp32 arithmetic: the bits of AVX512-BF16.
  func emulatingKernels() -> KernelTable {
    var table = referenceKernels()
    table.product = { productOfRounded($0.arguments()) }
    table.packTransposed = { packTransposedRounded($0.arguments()) }
    table.packRows = { packRowsRounded($0.arguments()) }
    table.packShardColumns = {
      packShardColumnsRounded(
        $0.arguments(), columns: $1, panelWidth: panelWidth(Vector.self), to: $2)
    }
    table.weightGradient = {
      if worksInBlocks {
        blockedWeightGradient(Rounded.self, maximumRows: maximumRows, $0.arguments())
      } else {
        weightGradient(Rounded.self, maximumRows: maximumRows, $0.arguments())
      }
    }
    return table
  }

  /// Every kernel of the generic source, for the vectors of this module.
  ///
  /// The closures stand here, and not in the generic source, so that their code bears this module's
  /// name: the linker could take one instruction set's code of a shared name for another's.
  func referenceKernels() -> KernelTable {
    KernelTable(
      vectorWidth: Vector.scalarCount,
      panelWidth: panelWidth(Vector.self),
      floatsPerPair: 2,
      product: { productOfFloats($0.arguments()) },
      roundRows: { roundRows($0.arguments(), row: $1, count: $2, to: $3, stride: $4) },
      packTransposed: { packTransposed($0.arguments()) },
      packRows: { packRows($0.arguments()) },
      packShardColumns: {
        packShardColumns($0.arguments(), columns: $1, panelWidth: panelWidth(Vector.self), to: $2)
      },
      weightGradient: {
        if worksInBlocks {
          blockedWeightGradient(Tiles.self, maximumRows: maximumRows, $0.arguments())
        } else {
          weightGradient(Tiles.self, maximumRows: maximumRows, $0.arguments())
        }
      },
      gate: { gateKernel(GateFunction(number: $0)) },
      normalize: { normalizeRows($0.arguments()) },
      normalizeBackward: { normalizeRowsBackward($0.arguments()) },
      dropRows: { dropRows($0.arguments()) },
      softmaxCrossEntropy: { softmaxCrossEntropy($0.arguments()) },
      softmaxBlock: { softmaxBlock($0.arguments()) },
      softmaxBlockGradient: { softmaxBlockGradient($0.arguments()) },
      softmaxJoin: { softmaxJoin($0, $1, $2, $3) },
      valueLoss: { valueLoss($0.arguments()) },
      add: { addArrays($0, $1, $2, $3) },
      subtract: { subtractArrays($0, $1, $2, $3) },
      blockSquares: { blockSquares($0, $1, $2) },
      blockHashes: { blockHashes($0, $1, $2) },
      adam: { adam($0, $1, $2, $3, $4, $5.arguments()) },
      momentum: { momentumStep($0, $1, $2, $3, $4.arguments()) },
      nesterov: { nesterovStep($0, $1, $2, $3, $4.arguments()) },
      rootStep: { rootStep($0, $1, $2, $3, $4.arguments()) },
      average: { averageStep($0, $1, $2, $3) },
      elementary: { elementaryArray($0, $1, $2, $3) },
      multiplyAddChains: { multiplyAddChains(Vector.self, $0) },
      readArray: { readArray(Vector.self, $0, $1) })
  }

  /// The kernel of a cell's elementwise function.
  private func gateKernel(_ function: GateFunction) -> BlockKernel {
    switch function {
    case .resetBeforeGates: { resetBeforeGates($0.arguments()) }
    case .resetBeforeState: { resetBeforeState($0.arguments()) }
    case .resetAfterState: { resetAfterState($0.arguments()) }
    case .recurrentState: { recurrentState($0.arguments()) }
    case .resetBeforeBackwardState: { resetBeforeBackwardState($0.arguments()) }
    case .resetBeforeBackwardGates: { resetBeforeBackwardGates($0.arguments()) }
    case .resetAfterBackward: { resetAfterBackward($0.arguments()) }
    case .recurrentBackward: { recurrentBackward($0.arguments()) }
    case .resetAfterSum: { resetAfterSum($0.arguments()) }
    case .resetAfterBackwardSum: { resetAfterBackwardSum($0.arguments()) }
    case .longShortTermState: { longShortTermState($0.arguments()) }
    case .longShortTermBackward: { longShortTermBackward($0.arguments()) }
    case .minimalState: { minimalState($0.arguments()) }
    case .minimalBackward: { minimalBackward($0.arguments()) }
    }
  }
#endif
