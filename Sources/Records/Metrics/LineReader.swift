#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads the lines of a regular file that may still grow, block by block and from any place, in
/// memory that depends neither on the file nor on its lines.
package final class LineReader {
  /// How much of a file has been read.
  package struct Place: Sendable, Equatable {
    /// Bytes that are done with: whole lines, as a rule.
    package var offset = 0
    /// Whether they end within a line that is skipped because it is too long.
    package var isWithinLine = false

    package init() {}
  }

  /// Where the line begins that is being handed on.
  package private(set) var lineStart = 0

  /// Bytes of a line; longer ones are skipped.
  package static let longestLine = 1 << 20
  private static let blockBytes = 1 << 16

  package let path: String
  package let descriptor: Int32
  package private(set) var place: Place
  /// Lines that were skipped because they are too long.
  package private(set) var skippedLines = 0
  /// What follows the place, up to `filled`: the beginning of a line.
  private var buffer: [UInt8] = []
  private var filled = 0

  /// Opens a regular file, without waiting for anybody: whoever opens a pipe would wait.
  package init(path: String, from place: Place = Place()) throws(SystemError) {
    self.path = path
    self.place = place
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw SystemError(operation: "read", path: path, code: errno) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      // All that is stored has a value, so that `deinit` runs, and closes the descriptor.
      throw SystemError(operation: "read", path: path, code: EINVAL)
    }
  }

  deinit { close(descriptor) }

  /// Hands on the whole lines of the next block, without their ends.
  ///
  /// - Parameter end: where the file is taken to end.
  /// - Returns: false where nothing more has come.
  package func readBlock(
    end: Int = .max, _ body: (Span<UInt8>) throws -> Void
  ) throws -> Bool {
    let count = try fill(atMost: end - place.offset - filled)
    guard count > 0 else { return false }
    var searched = filled
    filled += count
    var start = 0
    while let newline = firstNewline(from: searched) {
      if place.isWithinLine {
        place.isWithinLine = false
      } else if newline - start > Self.longestLine {
        skippedLines += 1
      } else if newline > start {
        lineStart = place.offset + start
        try handOn(start..<newline, body)
      }
      start = newline + 1
      searched = start
    }
    drop(start)
    if filled > Self.longestLine, !place.isWithinLine {
      place.isWithinLine = true
      skippedLines += 1
    }
    if place.isWithinLine { drop(filled) }
    return true
  }

  /// Hands on what stands after the last line's end, as a file has it whose last line was not
  /// finished, or never will be.
  package func readRest(_ body: (Span<UInt8>) throws -> Void) rethrows {
    lineStart = place.offset
    if filled > 0, !place.isWithinLine { try handOn(0..<filled, body) }
  }

  private func handOn(_ range: Range<Int>, _ body: (Span<UInt8>) throws -> Void) rethrows {
    try unsafe buffer.withUnsafeBufferPointer { bytes in
      try unsafe body(Span(_unsafeElements: UnsafeBufferPointer(rebasing: bytes[range])))
    }
  }

  /// The bytes of a small file; nil where it is larger, or cannot be read.
  package static func bytes(of path: String, atMost limit: Int) -> [UInt8]? {
    guard let reader = try? LineReader(path: path) else { return nil }
    var bytes: [UInt8] = []
    while let count = try? reader.fill(atMost: .max) {
      bytes += reader.buffer[..<count]
      reader.place.offset += count
      if bytes.count > limit { return nil }
      if count == 0 { return bytes }
    }
    return nil
  }

  /// Where the bytes end that have been read.
  package var end: Int { place.offset + filled }

  /// Goes back to the start of the same file, whatever its name leads to now.
  package func rewind() {
    place = Place()
    skippedLines = 0
    filled = 0
  }

  /// Reads behind what there is. Returns how many bytes came.
  private func fill(atMost limit: Int) throws(SystemError) -> Int {
    let wanted = min(limit, Self.blockBytes)
    guard wanted > 0 else { return 0 }
    if buffer.count < filled + wanted {
      buffer += [UInt8](repeating: 0, count: filled + Self.blockBytes - buffer.count)
    }
    let (start, offset) = (filled, off_t(place.offset + filled))
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress! + start, wanted, offset)
      }
      if count >= 0 { return count }
      if errno != EINTR { throw SystemError(operation: "read", path: path, code: errno) }
    }
  }

  private func firstNewline(from start: Int) -> Int? {
    unsafe buffer.withUnsafeBytes { bytes in
      guard start < filled, let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, 0x0A, filled - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }

  /// Is done with bytes at the front.
  private func drop(_ count: Int) {
    guard count > 0 else { return }
    let rest = filled - count
    unsafe buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      unsafe memmove(base, base + count, rest)
    }
    filled = rest
    place.offset += count
  }
}
