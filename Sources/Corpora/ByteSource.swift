import CZlib

/// The bytes of a file as they are read, unpacked where they are packed by gzip (RFC 1952).
@safe package final class ByteSource {
  /// Reads on into a buffer; 0 at the end.
  package typealias Reading = (UnsafeMutableRawBufferPointer) throws -> Int

  private let reading: Reading
  /// The first bytes, which tell whether it is packed, and how many of them are gone.
  private var head: [UInt8]
  private var taken = 0
  private var unpacking: Unpacking?

  /// Reads the first bytes.
  package init(_ reading: @escaping Reading) throws {
    unsafe self.reading = unsafe reading
    head = [UInt8](repeating: 0, count: 1 << 12)
    var count = 0
    while count < 2 {
      let part = try unsafe head.withUnsafeMutableBytes {
        try unsafe reading(UnsafeMutableRawBufferPointer(rebasing: $0.dropFirst(count)))
      }
      if part == 0 { break }
      count += part
    }
    head.removeLast(head.count - count)
    if head.starts(with: [0x1F, 0x8B]) { unpacking = Unpacking() }
  }

  /// Whether the bytes are packed.
  package var isPacked: Bool { unpacking != nil }

  /// Reads on; 0 at the end.
  ///
  /// - Throws: `GzipError`, or what the file's reading throws.
  package func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let unpacking else { return try unsafe readPlain(into: room) }
    return try unsafe unpacking.read(into: room) { try unsafe readPlain(into: $0) }
  }

  private func readPlain(into room: UnsafeMutableRawBufferPointer) throws -> Int {
    guard taken < head.count else { return try unsafe reading(room) }
    let count = min(room.count, head.count - taken)
    unsafe room.copyBytes(from: head[taken..<taken + count])
    taken += count
    return count
  }
}

/// Packed bytes that cannot be unpacked.
package struct GzipError: Error, CustomStringConvertible {
  /// In words that follow "cannot be read: ".
  package let description: String
}

/// Members of a gzip file, one after another.
@safe private final class Unpacking {
  private let state: UnsafeMutablePointer<z_stream>
  private let packed: UnsafeMutableRawBufferPointer
  private var members = 0
  private var isWithinMember = true
  private var isAtEnd = false

  init() {
    unsafe state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe state.initialize(to: z_stream())
    unsafe packed = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 64)
    // The window of 15 bits, and 16 for gzip's head and tail.
    let code = unsafe inflateInit2_(
      state, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib refuses to begin: \(code)")
  }

  deinit {
    unsafe inflateEnd(state)
    unsafe state.deallocate()
    unsafe packed.deallocate()
  }

  func read(
    into room: UnsafeMutableRawBufferPointer, from reading: ByteSource.Reading
  ) throws -> Int {
    let wanted = UInt32(clamping: room.count)
    unsafe state.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe state.pointee.avail_out = wanted
    while unsafe state.pointee.avail_out == wanted, !isAtEnd {
      if unsafe state.pointee.avail_in == 0 {
        let count = try unsafe reading(packed)
        guard count > 0 else {
          isAtEnd = true
          guard isWithinMember else { break }
          throw GzipError(description: "its packed bytes end too early: is it cut off?")
        }
        unsafe state.pointee.next_in = packed.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe state.pointee.avail_in = UInt32(count)
      }
      if try isWithinMember || beginsMember() { try inflate() }
    }
    return unsafe Int(wanted - state.pointee.avail_out)
  }

  /// Whether another member follows; zeros may fill up the file.
  private func beginsMember() throws -> Bool {
    while unsafe state.pointee.avail_in > 0, unsafe state.pointee.next_in.pointee == 0 {
      unsafe state.pointee.next_in += 1
      unsafe state.pointee.avail_in -= 1
    }
    guard unsafe state.pointee.avail_in > 0 else { return false }
    unsafe inflateReset(state)
    isWithinMember = true
    return true
  }

  private func inflate() throws {
    switch unsafe CZlib.inflate(state, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END:
      isWithinMember = false
      members += 1
    default:
      let reason = unsafe state.pointee.msg.map { unsafe String(cString: $0) } ?? "unknown"
      throw GzipError(
        description: "its packed bytes are damaged"
          + (members > 0 ? " after \(members) whole parts" : "") + " (\(reason))")
    }
  }
}
