#if canImport(Glibc)
  import Glibc
#endif

/// What this process may hold in memory, so that data too large for it are refused while they are
/// read, and not by the system when nothing is left.
package struct MemoryAllowance: Sendable, Equatable {
  /// Of this process.
  package var bytes: Int
  /// Whose limit it is, with the verb: "the machine has".
  package var owner: String

  package init(bytes: Int, owner: String) {
    self.bytes = bytes
    self.owner = owner
  }

  /// Bytes read before the rest is judged by them.
  package static let leastRead = 8 << 20

  /// What is wrong, where the process holds too much, or will when all of its data are read at the
  /// rate so far; nil elsewhere.
  ///
  /// - Parameters:
  ///   - held: bytes of memory now, and `before` those before anything was read.
  ///   - amount: what was read of the data.
  package func excess(held: Int, before: Int, of amount: ReadingProgress.Amount) -> String? {
    guard amount.read >= Self.leastRead else { return nil }
    let grown = max(0, held - before)
    let share = min(1, Double(amount.read) / Double(max(1, amount.total)))
    let needed = Double(before) + Double(grown) / share
    guard needed > Double(bytes), grown > bytes / 8 else { return nil }
    return "needs about \(Format.bytes(Int(min(needed, 0x1p62)))) of memory "
      + "(\(Format.bytes(held)) after \(Format.fixed(100 * share, 0)) % of the data), \(owner) "
      + Format.bytes(bytes)
  }

  /// Memory of this process that is no part of a file; 0 where the system does not tell.
  static var held: Int {
    #if os(Linux)
      // Pages: all, those in memory, those of files (proc(5)).
      guard let file = try? InputFile("/proc/self/statm") else { return 0 }
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = unsafe (try? bytes.withUnsafeMutableBytes { try unsafe file.read(into: $0) }) ?? 0
      let pages = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
      guard pages.count > 2, let resident = Int(pages[1]), let shared = Int(pages[2]) else {
        return 0
      }
      return max(0, resident - shared) * Int(sysconf(Int32(_SC_PAGESIZE)))
    #else
      return 0
    #endif
  }
}
