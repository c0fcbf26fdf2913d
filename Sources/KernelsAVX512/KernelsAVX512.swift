public import CPlatform

typealias Vector = SIMD16<Float>
/// Most rows of a register tile: of 32 registers, 24 hold sums.
let maximumRows = 12

#if arch(x86_64)
  /// The kernels for the x86-64-v4 subset of AVX-512.
  public func avx512Kernels() -> KernelTable { referenceKernels() }
#endif
