#if arch(x86_64)
  public import CPlatform
  import SIMDKernels

  typealias Vector = SIMD16<Float>
  /// Most rows of a register tile: of 32 registers, 24 hold sums.
  let maximumRows = 12
  /// Whether products take blocks of k: panels of 32 columns come from the second cache.
  let worksInBlocks = false

  typealias Rounded = RoundedTiles<Vector>

  /// The kernels for the x86-64-v4 subset of AVX-512.
  public func avx512Kernels() -> KernelTable { referenceKernels() }

  /// The same with products of bf16 numbers.
  public func avx512PairKernels() -> KernelTable { emulatingKernels() }
#endif
