import NumericContract

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A new file that is written front to back, counted and digested on the way.
package struct FileSink: ~Copyable {
  private let file: OpenFile
  private var digest = SHA256()
  /// Bytes written so far.
  package private(set) var byteCount = 0

  /// Creates the file, which must not exist yet.
  init(path: String, in fileSystem: FileSystem) throws(CheckpointError) {
    file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_EXCL, in: fileSystem)
  }

  /// Appends bytes. Does not copy them.
  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    // A piece at a time, so that what was digested is still in cache when it is written.
    let piece = 1 << 20
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let next = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(piece))
      unsafe digest.update(next)
      try unsafe file.write(next)
      byteCount += next.count
      unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece))
    }
  }

  /// Appends the bytes of a small array.
  package mutating func append(_ bytes: [UInt8]) throws(CheckpointError) {
    let result = unsafe bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in try unsafe append(buffer) }
    }
    try result.get()
  }

  /// Waits until the file is on the disk and closes it.
  ///
  /// - Returns: the SHA-256 of all that was written, in hexadecimal digits.
  consuming func finish() throws(CheckpointError) -> String {
    try file.synchronize()
    return digest.finish()
  }
}
