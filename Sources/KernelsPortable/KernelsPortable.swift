public import CPlatform
import SIMDKernels

typealias Vector = SIMD4<Float>
/// Most rows of a register tile. NEON has 32 registers of four floats: 8 rows of two hold the sums,
/// four steps of the right operand take 8, and those of the left one up to 8. Of more rows the
/// compiler keeps some on the stack. Baseline x86-64 has 16 registers and no fused multiply-add: of
/// what takes its place (`MultiplyAdd.h`) some is on the stack at any height.
#if arch(arm64)
  let maximumRows = 8
#else
  let maximumRows = 6
#endif
/// Whether products take blocks of k, as they must where the first cache holds 32 KiB.
let worksInBlocks = true

typealias Rounded = FlushedTiles

/// The kernels as every machine of the architecture can run them.
public func portableKernels() -> KernelTable { referenceKernels() }

/// The same with products of bf16 numbers.
public func portablePairKernels() -> KernelTable { emulatingKernels() }
