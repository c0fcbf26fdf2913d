#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that is read front to back, once: a regular one, or a pipe where that is allowed.
package final class InputFile {
  private let path: String
  private let descriptor: Int32
  /// Whether the other end of a pipe has been seen; true for all else.
  private var hasWriter: Bool

  /// How long a pipe may go without anybody at its other end.
  private static let writerSeconds = 3

  /// Opens a file, without waiting for anybody.
  package init(_ path: String, allowingPipe: Bool = false) throws(InputError) {
    self.path = path
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    descriptor = openFile(path)
    guard descriptor >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? .missing : .system(errno)
    }
    let kind = FileStatus(descriptor: descriptor)?.kind ?? .device
    hasWriter = kind != .pipe
    // A terminal and its like are read as pipes are.
    if kind == .regular || allowingPipe && (kind == .pipe || kind == .device) { return }
    throw .wrongKind(kind)
  }

  deinit { close(descriptor) }

  /// How many bytes a regular file has; 0 for a pipe.
  package var byteCount: Int { FileStatus(descriptor: descriptor)?.byteCount ?? 0 }

  /// Reads on.
  ///
  /// - Returns: bytes read; 0 at the end.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    var waits = 10 * Self.writerSeconds
    while true {
      let count = unsafe readFile(descriptor, buffer)
      if count > 0 {
        hasWriter = true
        return count
      }
      if count == 0 {
        if hasWriter { return 0 }
        // So it looks before a writer has come as well as after the last has gone.
        let events = wait(milliseconds: 100)
        // One has come, and may have gone; what it has left is still to be read.
        if events != 0 { hasWriter = true }
        waits -= 1
        if !hasWriter, waits == 0 { throw .noWriter(seconds: Self.writerSeconds) }
      } else if errno == EAGAIN || errno == EWOULDBLOCK {
        hasWriter = true
        _ = wait(milliseconds: -1)
      } else if errno != EINTR {
        throw .system(errno)
      }
    }
  }

  private func wait(milliseconds: Int32) -> Int16 {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&request, 1, milliseconds)
    return request.revents
  }

  /// All bytes of a file, up to `limit` of them.
  package static func bytes(
    of path: String, atMost limit: Int = .max, allowingPipe: Bool = false,
    progress: ReadingProgress? = nil
  ) throws(InputError) -> [UInt8] {
    let file = try InputFile(path, allowingPipe: allowingPipe)
    var bytes: [UInt8] = []
    if let size = FileStatus(descriptor: file.descriptor)?.byteCount {
      bytes.reserveCapacity(min(limit, size))
      progress?.expect(min(limit, size))
    }
    let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { unsafe part.deallocate() }
    while bytes.count < limit {
      let count = try unsafe file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: part.prefix(limit - bytes.count)))
      if count == 0 { break }
      unsafe bytes += part.prefix(count)
      progress?.advance(count)
    }
    return bytes
  }
}

/// The corresponding C function is `open`.
private func openFile(_ path: String) -> Int32 {
  unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
}

/// The corresponding C function is `read`.
private func readFile(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  unsafe read(descriptor, buffer.baseAddress, buffer.count)
}

/// Why a file cannot be read.
package enum InputError: Error, Equatable, Sendable, CustomStringConvertible {
  case missing
  case wrongKind(FileStatus.Kind)
  /// A pipe that nobody writes to.
  case noWriter(seconds: Int)
  /// The system's error number.
  case system(Int32)

  /// In words that follow "cannot be read: ".
  package var description: String {
    switch self {
    case .missing: "there is no such file"
    case .wrongKind(let kind): "it is \(kind.rawValue), expected a file"
    case .noWriter(let seconds): "it is a pipe that nobody writes to for \(seconds) s"
    case .system(let code): SystemError.reason(code)
    }
  }
}
