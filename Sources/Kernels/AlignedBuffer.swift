#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The owner of a zero-filled run of floats, aligned to 64 bytes; long runs are aligned to 2 MiB,
/// backed by huge pages where the system offers them, and take memory as they are touched. Freed in
/// `deinit`.
package struct AlignedBuffer: ~Copyable {
  package let pointer: UnsafeMutablePointer<Float>
  package let count: Int
  /// Length of the mapping, or 0 for memory of the C allocator.
  private let mappedBytes: Int

  private static var hugePage: Int { 2 << 20 }
  /// A multiple of every system's pages. What is left beyond whole huge pages takes no other one.
  private static var page: Int { 64 << 10 }

  /// - Parameter count: floats to hold; 0 still gives a valid pointer.
  package init(count: Int) {
    precondition(count >= 0, "count \(count) < 0")
    let bytes = max(64, (count * MemoryLayout<Float>.stride + 63) & ~63)
    let raw: UnsafeMutableRawPointer
    if bytes >= Self.hugePage {
      mappedBytes = (bytes + Self.page - 1) & ~(Self.page - 1)
      raw = Self.map(bytes: mappedBytes)
    } else {
      mappedBytes = 0
      raw = Self.allocate(bytes: bytes)
    }
    pointer = raw.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  deinit {
    if mappedBytes > 0 {
      munmap(pointer, mappedBytes)
    } else {
      free(pointer)
    }
  }

  /// Has the system give all memory now, which costs more than what is then written there.
  package func touch() {
    for place in stride(from: 0, to: count, by: 1024) { pointer[place] = 0 }
  }

  private static func allocate(bytes: Int) -> UnsafeMutableRawPointer {
    var raw: UnsafeMutableRawPointer?
    guard posix_memalign(&raw, 64, bytes) == 0, let raw else { outOfMemory(bytes) }
    memset(raw, 0, bytes)
    return raw
  }

  /// Maps fresh pages, which the system hands out zeroed, one huge page too many, and gives back
  /// what lies before and after the aligned part.
  private static func map(bytes: Int) -> UnsafeMutableRawPointer {
    let length = bytes + hugePage
    let flags = MAP_PRIVATE | MAP_ANONYMOUS
    guard let base = mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED
    else { outOfMemory(bytes) }
    let address = UInt(bitPattern: base)
    let start = (address + UInt(hugePage) - 1) & ~(UInt(hugePage) - 1)
    let before = Int(start - address)
    let aligned = base + before
    if before > 0 { munmap(base, before) }
    if hugePage > before { munmap(aligned + bytes, hugePage - before) }
    #if os(Linux)
      _ = madvise(aligned, bytes, Int32(MADV_HUGEPAGE))
    #endif
    return aligned
  }

  private static func outOfMemory(_ bytes: Int) -> Never {
    let message =
      "gru-dist: out of memory: \(bytes) bytes could not be had; use a smaller model, batch or "
      + "window, or more ranks\n"
    _ = message.withCString { write(2, $0, strlen($0)) }
    exit(1)
  }
}
