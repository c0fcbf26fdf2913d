import CPlatform
package import SIMDKernels

/// The sizes of a core's own data caches, by which products choose their blocks.
package struct CacheSizes: Equatable, Sendable {
  /// Bytes of the first and of the second cache.
  package let first: Int
  package let second: Int

  /// - Parameters:
  ///   - first: bytes of the first cache; what no core has counts as the nearest size that one has.
  ///   - second: bytes of the second cache, likewise.
  package init(first: Int, second: Int) {
    self.first = min(max(first, 1 << 10), 1 << 20)
    self.second = min(max(second, 4 << 10), 64 << 20)
  }

  /// Those of this machine; where the system does not say, such as most cores have at least.
  package static let machine: CacheSizes = {
    let first = platform_cache_bytes(1)
    let second = platform_cache_bytes(2)
    return CacheSizes(
      first: first > 0 ? first : 32 << 10, second: second > 0 ? second : 512 << 10)
  }()

  /// The blocks of a product: a panel's takes half of the first cache, so that rows of the other
  /// operand and of the result find room, and those rows' block half of the second.
  ///
  /// - Parameter panelWidth: columns of a packed panel.
  package func blocks(panelWidth: Int) -> ProductBlocks {
    let float = MemoryLayout<Float>.stride
    let depth = min(weightGradientDepth, max(8, first / 2 / (panelWidth * float)) & ~3)
    return ProductBlocks(depth: depth, rows: max(12, second / 2 / (depth * float) / 12 * 12))
  }
}
