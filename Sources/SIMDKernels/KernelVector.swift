public import CPlatform

/// A vector of the registers of an instruction set.
public protocol KernelVector: SIMD where Scalar == Float {
  /// self + a · b, rounded once.
  func addingOnce(_ a: Self, times b: Self) -> Self
}

/// NEON's, or SSE2's, which has no instruction for it.
extension SIMD4: KernelVector where Scalar == Float {
  @inlinable @inline(__always) public func addingOnce(_ a: Self, times b: Self) -> Self {
    #if arch(x86_64)
      platform_multiply_add4(a, b, self)
    #else
      addingProduct(a, b)
    #endif
  }
}

extension SIMD8: KernelVector where Scalar == Float {
  @inlinable @inline(__always) public func addingOnce(_ a: Self, times b: Self) -> Self {
    addingProduct(a, b)
  }
}

extension SIMD16: KernelVector where Scalar == Float {
  @inlinable @inline(__always) public func addingOnce(_ a: Self, times b: Self) -> Self {
    addingProduct(a, b)
  }
}
