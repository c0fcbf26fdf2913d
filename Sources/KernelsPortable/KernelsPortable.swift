public import CPlatform
import SIMDKernels

typealias Vector = SIMD4<Float>
/// Most rows of a register tile. NEON has 32 registers: 12 rows of two vectors, two of the right
/// operand and one of the left. Baseline x86-64 has 16 and no FMA: there `fmaf` of the C library
/// stands in, right but slow.
#if arch(arm64)
  let maximumRows = 12
#else
  let maximumRows = 6
#endif
/// Whether products take blocks of k, as they must where the first cache holds 32 KiB.
let worksInBlocks = true

typealias Rounded = FlushedTiles

/// C = start + A · B of numbers that `roundRows` and the packing kernels have rounded.
func productOfRounded(_ p: UnsafePointer<ProductArguments>) {
  blockedProduct(Rounded.self, maximumRows: maximumRows, p)
}

/// The kernels as every machine of the architecture can run them.
public func portableKernels() -> KernelTable { referenceKernels() }

/// The same with products of bf16 numbers.
public func portablePairKernels() -> KernelTable { emulatingKernels() }
