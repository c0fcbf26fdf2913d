package import Records

/// The calls through which checkpoints touch the disk, replaceable so that tests can make any of
/// them fail. Every call throws `SystemError`; interrupted calls are repeated.
@safe package struct FileSystem: Sendable {
  /// The error of every call.
  package typealias Failure = SystemError

  /// Opens a file with the flags and mode of `open(2)`.
  package var open:
    @Sendable (_ path: String, _ flags: Int32, _ mode: UInt32) throws(Failure) -> Int32
  /// Bytes of an open regular file; anything else is an error.
  package var size: @Sendable (_ descriptor: Int32, _ path: String) throws(Failure) -> Int
  /// Reads at an offset; fewer bytes than asked for is allowed, none means the end.
  package var read:
    @Sendable (
      _ descriptor: Int32, _ path: String, _ offset: Int, _ into: UnsafeMutableRawBufferPointer
    ) throws(Failure) -> Int
  /// Writes at the descriptor's place; may write fewer bytes than given.
  package var write:
    @Sendable (
      _ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer
    ) throws(Failure) -> Int
  /// Waits until a file's or directory's content is on the disk.
  package var synchronize: @Sendable (_ descriptor: Int32, _ path: String) throws(Failure) -> Void
  package var close: @Sendable (_ descriptor: Int32) -> Void
  package var rename: @Sendable (_ from: String, _ to: String) throws(Failure) -> Void
  package var makeDirectory: @Sendable (_ path: String) throws(Failure) -> Void
  /// Removes a file or symbolic link.
  package var removeFile: @Sendable (_ path: String) throws(Failure) -> Void
  /// Removes an empty directory.
  package var removeDirectory: @Sendable (_ path: String) throws(Failure) -> Void
  /// Names in a directory but "." and "..", sorted by their bytes.
  package var entries: @Sendable (_ path: String) throws(Failure) -> [String]
  /// Bytes that an ordinary user may still write there; nil where the system does not know.
  package var freeBytes: @Sendable (_ path: String) throws(Failure) -> Int?

  /// The operating system's own.
  package static let system = unsafe FileSystem(
    open: SystemCalls.openFile, size: SystemCalls.sizeOfFile, read: SystemCalls.readFile,
    write: SystemCalls.writeFile, synchronize: SystemCalls.synchronizeFile,
    close: SystemCalls.closeFile, rename: SystemCalls.renameFile,
    makeDirectory: SystemCalls.makeDirectory, removeFile: SystemCalls.removeFile,
    removeDirectory: SystemCalls.removeDirectory, entries: SystemCalls.entries,
    freeBytes: SystemCalls.freeBytes)
}
