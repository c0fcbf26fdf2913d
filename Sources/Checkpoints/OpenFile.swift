import NumericContract
import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The owner of an open file descriptor; closed in `deinit`.
struct OpenFile: ~Copyable {
  let path: String
  private let descriptor: Int32
  private let fileSystem: FileSystem

  /// - Parameter flags: those of `open(2)`.
  init(_ path: String, flags: Int32, in fileSystem: FileSystem) throws(CheckpointError) {
    // Swift 6.2 does not know how to leave a part of a noncopyable value: first what can fail.
    let opened: Int32
    do { opened = try fileSystem.open(path, flags, 0o666) } catch { throw .system(error) }
    self.path = path
    self.fileSystem = fileSystem
    descriptor = opened
  }

  deinit { fileSystem.close(descriptor) }

  /// Bytes in the file; throws for anything but a regular file.
  func size() throws(CheckpointError) -> Int {
    do { return try fileSystem.size(descriptor, path) } catch { throw .system(error) }
  }

  /// Waits until the content is on the disk.
  func synchronize() throws(CheckpointError) {
    do { try fileSystem.synchronize(descriptor, path) } catch { throw .system(error) }
  }

  /// Writes all of `bytes`.
  func write(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let written: Int
      do { written = try unsafe fileSystem.write(descriptor, path, rest) } catch {
        throw .system(error)
      }
      // No progress without an error would repeat for ever.
      guard written > 0 else {
        throw .system(SystemError(operation: "write", path: path, code: EIO))
      }
      unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  /// Fills `buffer` from `offset`.
  ///
  /// - Returns: bytes read; fewer than `buffer` holds where the file ends before.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) -> Int {
    var count = 0
    while count < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer.dropFirst(count))
      let got: Int
      do {
        got = try unsafe fileSystem.read(descriptor, path, offset + count, rest)
      } catch {
        throw .system(error)
      }
      if got == 0 { break }
      count += got
    }
    return count
  }

  /// Fills all of `buffer` from `offset`; a file that ends before is damaged.
  func readAll(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) {
    let got = try unsafe read(at: offset, into: buffer)
    guard got == buffer.count else {
      throw .damaged(
        path: path,
        reason: "ends after \(offset + got) bytes, expected at least \(offset + buffer.count)")
    }
  }

  /// The `count` bytes from `offset`; a file that ends before is damaged.
  func bytes(at offset: Int, count: Int) throws(CheckpointError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let result = unsafe bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(CheckpointError) in try unsafe readAll(at: offset, into: buffer) }
    }
    try result.get()
    return bytes
  }

  /// The SHA-256 of the first `byteCount` bytes, which the file must have, in hexadecimal digits.
  func sha256(byteCount: Int) throws(CheckpointError) -> String {
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { unsafe chunk.deallocate() }
    var hash = SHA256()
    var offset = 0
    while offset < byteCount {
      let wanted = unsafe UnsafeMutableRawBufferPointer(rebasing: chunk.prefix(byteCount - offset))
      try unsafe readAll(at: offset, into: wanted)
      unsafe hash.update(UnsafeRawBufferPointer(wanted))
      offset += wanted.count
    }
    return hash.finish()
  }
}
