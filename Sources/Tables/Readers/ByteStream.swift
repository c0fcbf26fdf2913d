import Corpora
import NumericContract
import Records

/// The bytes of a file as they come, front to back, in a window that moves on: whoever reads keeps
/// what is not finished, and asks for more. On the way they are hashed, and what is no text in
/// UTF-8 is found.
@safe package final class ByteStream {
  /// Reads on into a buffer; 0 at the end.
  package typealias Source = (UnsafeMutableRawBufferPointer) throws -> Int

  /// The window; what of it is filled, and whether nothing follows.
  package private(set) var base: UnsafeMutablePointer<UInt8>
  package private(set) var count = 0
  package private(set) var isAtEnd = false
  /// Bytes before the window.
  package private(set) var offset = 0
  /// Whether what is there is read at once, and nobody waits for more than is asked for.
  package var isLive = false
  /// Told of each line that is no text, which is left out then; nil where the first is an error.
  package var leavesOut: ((NotText) throws -> Void)?
  private var capacity: Int
  private let source: Source
  private var hasher = ContentHash128.Hasher()
  private var check = UTF8Check()

  /// The largest part that must be in memory at once.
  private static let largestCapacity = 1 << 30

  /// What is too long to be in memory at once.
  package struct TooLong: Error {}

  /// - Parameter capacity: bytes of the window at first.
  package init(capacity: Int = 1 << 20, _ source: @escaping Source) {
    self.capacity = max(16, capacity)
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
    unsafe self.source = unsafe source
  }

  /// The same of bytes in memory.
  ///
  /// - Parameter step: so many come at once.
  package convenience init(_ bytes: [UInt8], step: Int = .max, capacity: Int = 1 << 12) {
    var place = 0
    unsafe self.init(capacity: capacity) { room in
      let part = bytes[place..<min(bytes.count, place + min(step, room.count))]
      unsafe room.copyBytes(from: part)
      place += part.count
      return part.count
    }
  }

  deinit { unsafe base.deallocate() }

  /// Moves the bytes from `start` on to the front of the window, and fills up the rest of it.
  ///
  /// - Throws: `TooLong`, or what the source throws.
  package func refill(keeping start: Int) throws {
    let kept = count - start
    if kept > capacity / 2 {
      guard capacity < Self.largestCapacity else { throw TooLong() }
      capacity *= 2
      let wider = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
      unsafe wider.update(from: base + start, count: kept)
      unsafe base.deallocate()
      unsafe base = wider
    } else if start > 0 {
      unsafe base.update(from: base + start, count: kept)
    }
    offset += start
    count = kept
    while count < capacity, !isAtEnd {
      let room = unsafe UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
      let read = try unsafe source(room)
      let part = unsafe UnsafeRawBufferPointer(rebasing: room.prefix(read))
      unsafe hasher.update(part)
      unsafe check.take(part, offset: offset + count)
      count += read
      if read == 0 {
        isAtEnd = true
        check.finish()
      } else if isLive {
        break
      }
    }
  }

  /// Copies the first bytes of the window, at most so many.
  package func head(_ most: Int) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: base, count: min(most, count)))
  }

  /// The first byte before `end` that is no text, by its place in the window, if any is.
  @inline(__always) package func invalid(before end: Int) -> (place: Int, byte: UInt8)? {
    guard let invalid = check.invalid, invalid.offset < offset + end else { return nil }
    return (invalid.offset - offset, invalid.byte)
  }

  /// Tells the content from others' once all of it has been read.
  package var fingerprint: String {
    precondition(isAtEnd, "bytes \(offset + count) on have not been read")
    return hasher.finish().description
  }
}

extension ByteStream {
  /// A line, or a row, of a text that is not UTF-8.
  package struct NotText: Error {
    package let line: Int
    /// Byte of the line, from 1.
    package let column: Int
    package let byte: UInt8
  }

  /// Throws where the bytes of a line or row are no text.
  @inline(__always) package func requireText(
    from start: Int, to end: Int, line: Int
  ) throws(NotText) {
    guard let (place, byte) = invalid(before: end) else { return }
    // Lines within the row.
    var (line, first) = (line, start)
    for other in start..<max(start, min(place, end)) where unsafe base[other] == 0x0A {
      (line, first) = (line + 1, other + 1)
    }
    throw NotText(line: line, column: place - first + 1, byte: byte)
  }

  /// Whether a line or row is text. One that is not is told of where somebody wants to know, and
  /// text is looked for from `next` on, where the line after it begins.
  ///
  /// - Parameter isNeeded: whether nothing that follows can be read without it.
  /// - Throws: `NotText` where nobody is told.
  @inline(__always) package func takes(
    _ bytes: Range<Int>, next: Int, line: Int, isNeeded: Bool
  ) throws -> Bool {
    do throws(NotText) {
      try requireText(from: bytes.lowerBound, to: bytes.upperBound, line: line)
      return true
    } catch {
      guard !isNeeded, let leavesOut else { throw error }
      try leavesOut(error)
      checkText(from: next)
      return false
    }
  }

  /// Looks for what is no text among what is there from a place of the window on, where a character
  /// begins.
  private func checkText(from place: Int) {
    check = UTF8Check()
    let rest = unsafe UnsafeRawBufferPointer(start: base + place, count: count - place)
    unsafe check.take(rest, offset: offset + place)
    if isAtEnd { check.finish() }
  }
}
