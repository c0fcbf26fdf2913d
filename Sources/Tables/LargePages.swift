#if canImport(Glibc)
  import Glibc
#endif

/// Large pages for memory that is soon filled. Each first touch of a small one is a call of the
/// system, and these took as long as it takes to read the numbers from text.
package enum LargePages {
  /// Bytes of a large page.
  private static let pageBytes = 2 << 20

  /// Asks for large pages for the room that an array has reserved, where the system offers them.
  package static func advise<Element: BitwiseCopyable>(for numbers: inout [Element]) {
    #if os(Linux)
      let bytes = numbers.capacity * MemoryLayout<Element>.stride
      guard bytes >= 2 * pageBytes else { return }
      unsafe numbers.withUnsafeMutableBufferPointer { room in
        guard let base = room.baseAddress else { return }
        // Whole pages alone.
        let address = UInt(bitPattern: base)
        let mask = UInt(pageBytes) - 1
        let first = (address + mask) & ~mask
        let end = (address + UInt(bytes)) & ~mask
        guard first < end else { return }
        _ = unsafe madvise(
          UnsafeMutableRawPointer(bitPattern: first), Int(end - first), Int32(MADV_HUGEPAGE))
      }
    #endif
  }
}
