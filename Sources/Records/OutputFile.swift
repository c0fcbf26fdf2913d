#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open file that takes all of what it is given, or says why it does not. All that this program
/// writes goes through it.
package struct OutputFile: Sendable {
  package let descriptor: Int32
  /// What errors call it: a path in quotes, or "standard output".
  package let name: String

  package init(descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  package static let standardOutput = OutputFile(
    descriptor: STDOUT_FILENO, name: "standard output")
  package static let standardError = OutputFile(descriptor: STDERR_FILENO, name: "standard error")

  /// Writes all bytes. What a signal interrupts, or a full pipe or disk takes in part, goes on.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(OutputError) {
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      let count = unsafe writeOnce(descriptor, rest)
      if count > 0 {
        unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        continue
      }
      // No progress without an error would repeat for ever.
      let code = count < 0 ? errno : EIO
      switch code {
      case EINTR: continue
      case EAGAIN, EWOULDBLOCK: waitForRoom()
      default: throw OutputError(self, code: code)
      }
    }
  }

  package func write(_ bytes: [UInt8]) throws(OutputError) {
    let result = unsafe bytes.withUnsafeBytes { buffer in
      Result { () throws(OutputError) in try unsafe write(buffer) }
    }
    try result.get()
  }

  /// Throws where the system has kept an error of earlier writes back, as file systems of other
  /// hosts do until a file is closed.
  package func requireTaken() throws(OutputError) {
    let copy = dup(descriptor)
    if copy < 0 { throw OutputError(self, code: errno) }
    guard close(copy) != 0, errno != EINTR else { return }
    throw OutputError(self, code: errno)
  }

  /// Waits until all that was written is on the disk.
  package func synchronize() throws(OutputError) {
    while fsync(descriptor) != 0 {
      if errno != EINTR { throw OutputError(self, code: errno) }
    }
  }

  /// Whoever shares the file may have set it not to wait.
  private func waitForRoom() {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = unsafe poll(&request, 1, -1)
  }
}

/// The corresponding C function is `write`.
private func writeOnce(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  unsafe write(descriptor, bytes.baseAddress, bytes.count)
}

/// Something that could not be written.
package struct OutputError: StatusError, Equatable, Sendable, CustomStringConvertible {
  /// As in `OutputFile`.
  package let name: String
  /// The system's error number.
  package let code: Int32
  /// Whether a reader was there and went: the other end of a pipe, or a terminal.
  package let isReaderGone: Bool

  init(_ file: OutputFile, code: Int32) {
    name = file.name
    self.code = code
    var status = stat()
    let isTerminal =
      unsafe fstat(file.descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFCHR
    isReaderGone = code == EPIPE || code == EIO && isTerminal
  }

  /// Whether nobody would have read it: a reader is gone, or whoever started this process closed
  /// the file.
  package var isUnread: Bool { isReaderGone || code == EBADF }

  /// Why, in words.
  package var reason: String {
    switch code {
    case EBADF: "it is closed"
    case ENOSPC, EDQUOT: SystemError.reason(code) + "; free some space"
    default: SystemError.reason(code)
    }
  }

  package var exitStatus: Int32 { isReaderGone ? ExitStatus.readerGone : ExitStatus.failed }

  package var description: String { "cannot write \(name): \(reason)" }
}
