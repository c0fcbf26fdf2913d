#if arch(x86_64)
  public import CPlatform
  import SIMDKernels

  typealias Vector = SIMD8<Float>
  /// Most rows of a register tile: of 16 registers, 12 hold sums, two the right operand and one the
  /// left.
  let maximumRows = 6
  /// Whether products take blocks of k: a panel of 16 columns and all of k outgrows the first
  /// cache.
  let worksInBlocks = true

  typealias Rounded = RoundedTiles<Vector>

  /// The kernels for AVX2 with FMA.
  public func avx2Kernels() -> KernelTable { referenceKernels() }

  /// The same with products of bf16 numbers.
  public func avx2PairKernels() -> KernelTable { emulatingKernels() }
#endif
