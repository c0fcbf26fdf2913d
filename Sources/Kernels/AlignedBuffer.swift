#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The owner of a zero-filled run of floats, aligned to 64 bytes (2 MiB and backed by huge pages
/// where the system offers them, once the run is that long). Freed in `deinit`.
package struct AlignedBuffer: ~Copyable {
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int

  /// - Parameter count: floats to hold; 0 still gives a valid pointer.
  package init(count: Int) {
    precondition(count >= 0, "count \(count) < 0")
    let hugePage = 2 << 20
    let bytes = max(64, (count * MemoryLayout<Float>.stride + 63) & ~63)
    let alignment = bytes >= hugePage ? hugePage : 64
    var raw: UnsafeMutableRawPointer?
    let status = posix_memalign(&raw, alignment, bytes)
    guard status == 0, let raw else { fatalError("out of memory: \(bytes) bytes") }
    #if os(Linux)
      if bytes >= hugePage { _ = madvise(raw, bytes, Int32(MADV_HUGEPAGE)) }
    #endif
    memset(raw, 0, bytes)
    pointer = raw.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  deinit { free(pointer) }
}
