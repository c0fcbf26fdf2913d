import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The operating system's calls behind `FileSystem.system`.
enum SystemCalls {
  /// The corresponding C function is `open`.
  @Sendable static func openFile(
    _ path: String, _ flags: Int32, _ mode: UInt32
  ) throws(SystemError) -> Int32 {
    // A pipe in a file's place must not wait for its other end.
    try check("open", path) { unsafe open(path, flags | O_CLOEXEC | O_NONBLOCK, mode_t(mode)) }
  }

  /// The corresponding C function is `fstat`.
  @Sendable static func sizeOfFile(
    _ descriptor: Int32, _ path: String
  ) throws(SystemError) -> Int {
    var status = stat()
    _ = try check("inspect", path) { unsafe fstat(descriptor, &status) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw SystemError(operation: "read", path: path, code: EISDIR)
    default: throw SystemError(operation: "read", path: path, code: EINVAL)
    }
  }

  /// The corresponding C function is `pread`.
  @Sendable static func readFile(
    _ descriptor: Int32, _ path: String, _ offset: Int, _ buffer: UnsafeMutableRawBufferPointer
  ) throws(SystemError) -> Int {
    try check("read", path) {
      unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
    }
  }

  /// The corresponding C function is `write`.
  @Sendable static func writeFile(
    _ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer
  ) throws(SystemError) -> Int {
    try check("write", path) { unsafe write(descriptor, bytes.baseAddress, bytes.count) }
  }

  /// The corresponding C function is `fsync`.
  @Sendable static func synchronizeFile(_ descriptor: Int32, _ path: String) throws(SystemError) {
    #if canImport(Darwin)
      // There, fsync leaves the data in the drive's own cache.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    do {
      _ = try check("synchronize", path) { fsync(descriptor) }
    } catch {
      // Some file systems cannot synchronize a directory; a rename there is durable by itself.
      if error.code != EINVAL { throw error }
    }
  }

  /// The corresponding C function is `close`.
  @Sendable static func closeFile(_ descriptor: Int32) {
    // Files are synchronized before they are closed, so that no error of this call matters.
    _ = close(descriptor)
  }

  /// The corresponding C function is `rename`.
  @Sendable static func renameFile(_ from: String, _ to: String) throws(SystemError) {
    _ = try check("rename", from) { unsafe rename(from, to) }
  }

  /// The corresponding C function is `mkdir`.
  @Sendable static func makeDirectory(_ path: String) throws(SystemError) {
    _ = try check("make directory", path) { unsafe mkdir(path, 0o777) }
  }

  /// The corresponding C function is `unlink`.
  @Sendable static func removeFile(_ path: String) throws(SystemError) {
    _ = try check("remove", path) { unsafe unlink(path) }
  }

  /// The corresponding C function is `rmdir`.
  @Sendable static func removeDirectory(_ path: String) throws(SystemError) {
    _ = try check("remove directory", path) { unsafe rmdir(path) }
  }

  /// The corresponding C function is `readdir`.
  @Sendable static func entries(_ path: String) throws(SystemError) -> [String] {
    guard let stream = unsafe opendir(path) else {
      throw SystemError(operation: "list", path: path, code: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw SystemError(operation: "list", path: path, code: errno) }
    return names.sorted()
  }

  /// The corresponding C function is `statvfs`.
  @Sendable static func freeBytes(_ path: String) throws(SystemError) -> Int? {
    var status = statvfs()
    _ = try check("inspect", path) { unsafe statvfs(path, &status) }
    // A file system that counts no blocks at all does not know its size.
    if status.f_blocks == 0 { return nil }
    let (bytes, overflow) = UInt64(status.f_bavail)
      .multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? Int.max : Int(clamping: bytes)
  }

  /// Calls `body` until it is not interrupted; a negative result throws with `errno`.
  private static func check<Result: SignedInteger>(
    _ operation: String, _ path: String, _ body: () -> Result
  ) throws(SystemError) -> Result {
    while true {
      let result = body()
      if result >= 0 { return result }
      let code = errno
      if code != EINTR { throw SystemError(operation: operation, path: path, code: code) }
    }
  }
}
