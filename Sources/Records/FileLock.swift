#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The right of one process to something, held until `deinit` or the process's end.
///
/// It is a lock of the system on a file, so that a process that was killed leaves none behind; the
/// file itself stays and says who held it last. Where the file system knows no lock of whole files,
/// a lock of its bytes stands in, or none where there is not even that.
package struct FileLock: ~Copyable {
  private let file: LockedFile
  /// What a person should know of a lock that is weaker than it should be.
  package let warning: String?

  /// Takes the lock of a file, which is made where there is none.
  ///
  /// - Throws: `FileLockError.held` with the holder, if another process or lock has it.
  package init(path: String) throws(FileLockError) {
    let file = unsafe LockedFile(descriptor: open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666))
    guard file.descriptor >= 0 else {
      throw .system(SystemError(operation: "open", path: path, code: errno))
    }
    switch file.lock() {
    case 0: warning = nil
    case EWOULDBLOCK: throw .held(by: file.holder(path))
    case let code where Self.meansNoSuchLock(code):
      let second = file.lockBytes()
      if second == EACCES || second == EAGAIN { throw .held(by: file.holder(path)) }
      guard second == 0 || Self.meansNoSuchLock(second) else {
        throw .system(SystemError(operation: "lock", path: path, code: second))
      }
      warning =
        "the file system of '\(path)' has no locks of files (\(SystemError.reason(code))); "
        + (second == 0
          ? "a weaker lock is taken, which some systems do not share between hosts"
          : "nothing keeps a second run out of this directory")
    case let code: throw .system(SystemError(operation: "lock", path: path, code: code))
    }
    // The lock holds whatever stands in the file; on a full disk nothing does.
    let holder = "process \(getpid()) on \(Self.hostName)\n"
    ftruncate(file.descriptor, 0)
    _ = unsafe pwrite(file.descriptor, holder, holder.utf8.count, 0)
    self.file = file
  }

  /// Whether an error is of the file system, which cannot lock, and not of the lock.
  private static func meansNoSuchLock(_ code: Int32) -> Bool {
    [ENOSYS, EOPNOTSUPP, ENOTSUP, ENOLCK, EINVAL].contains(code)
  }

  /// The name of this host.
  package static var hostName: String {
    var name = [UInt8](repeating: 0, count: 256)
    let status = unsafe name.withUnsafeMutableBytes { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { characters in
        unsafe characters.baseAddress.map { unsafe gethostname($0, characters.count - 1) } ?? -1
      }
    }
    if status != 0 { return "an unknown host" }
    return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
  }
}

// The structure has the name of the function above.
#if canImport(Glibc)
  private typealias ByteRangeLock = Glibc.flock
#elseif canImport(Darwin)
  private typealias ByteRangeLock = Darwin.flock
#endif

/// The owner of the lock's descriptor, which gives the lock up with it.
private struct LockedFile: ~Copyable {
  let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit {
    guard descriptor >= 0 else { return }
    // A process that is just being started has the descriptor too until it runs its program, and
    // with it the lock.
    _ = flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Locks the file as a whole; returns 0 or the system's error number.
  func lock() -> Int32 {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno != EINTR { return errno }
    }
    return 0
  }

  /// Locks the file's bytes; returns 0 or the system's error number.
  func lockBytes() -> Int32 {
    var range = ByteRangeLock()
    range.l_type = Int16(F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    while unsafe fcntl(descriptor, F_SETLK, &range) == -1 {
      if errno != EINTR { return errno }
    }
    return 0
  }

  /// Who has the lock, in words.
  func holder(_ path: String) -> String {
    text ?? "another process, which left no name in \(path)"
  }

  /// The first line of the file in printable ASCII; nil if there is none.
  var text: String? {
    var bytes = [UInt8](repeating: 0, count: 300)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    let line = bytes.prefix(max(0, count)).prefix { (32..<127).contains($0) }
    return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
  }
}

/// Why a lock cannot be had.
package enum FileLockError: Error, Equatable, Sendable {
  case system(SystemError)
  /// Another process has it; who, in words.
  case held(by: String)
}
