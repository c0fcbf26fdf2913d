import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The owner of a whole regular file's content: a copy of a small file, a read-only mapping of a
/// larger one; given back in `deinit`.
///
/// A mapped file must be neither shortened nor overwritten while it is in use: the system answers a
/// read beyond its end with SIGBUS, and what is overwritten changes under the reader's eyes.
/// Replacing the file by renaming another over it is harmless.
@safe struct MappedFile: ~Copyable, @unchecked Sendable {
  /// The file's content, valid as long as the owner lives and never written.
  let bytes: UnsafeRawBufferPointer

  /// Files up to this size are copied.
  static let largestCopy = 16 << 20

  /// Opens a file of at least one byte.
  ///
  /// - Throws: `CorpusError` where the path is missing, not a regular file, unreadable, empty or
  ///   in a form that is known to be no text.
  init(path: String) throws(CorpusError) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, message: SystemError.reason(errno))
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, message: SystemError.reason(errno))
    }
    if let kind = Self.unusableKind(of: status) { throw .notRegularFile(path: path, kind: kind) }
    guard status.st_size > 0 else { throw .empty(path: path) }
    var head = [UInt8](repeating: 0, count: FileSignature.length)
    let count = unsafe head.withUnsafeMutableBytes { unsafe Self.read(descriptor, into: $0) }
    if let signature = FileSignature(head.prefix(max(0, count))) {
      throw .notText(path: path, signature)
    }
    unsafe bytes = try unsafe Self.content(of: descriptor, status, path: path)
  }

  private static func content(
    of descriptor: Int32, _ status: stat, path: String
  ) throws(CorpusError) -> UnsafeRawBufferPointer {
    guard let size = Int(exactly: status.st_size),
      let address = unsafe size > largestCopy
        ? mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        : mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      unsafe address != MAP_FAILED
    else {
      throw .unreadable(path: path, message: SystemError.reason(errno))
    }
    let buffer = unsafe UnsafeMutableRawBufferPointer(start: address, count: size)
    if size > largestCopy { return UnsafeRawBufferPointer(buffer) }
    let copied = unsafe read(descriptor, into: buffer)
    guard copied == size else {
      let message =
        copied < 0 ? SystemError.reason(errno) : "it was shortened meanwhile"
      unsafe munmap(address, size)
      throw .unreadable(path: path, message: message)
    }
    return UnsafeRawBufferPointer(buffer)
  }

  /// Lets the system have the memory of the 8 MiB before `offset`, which have been read; they would
  /// come back if they were read again.
  func release(upTo offset: Int) {
    // A copy has nowhere to come back from.
    guard unsafe bytes.count > Self.largestCopy else { return }
    let page = 1 << 16
    let end = offset / page * page
    let start = max(0, end - (8 << 20))
    _ = unsafe madvise(
      UnsafeMutableRawPointer(mutating: bytes.baseAddress)! + start, end - start, MADV_DONTNEED)
  }

  /// Reads until the buffer is full or the file ends; returns bytes read, -1 after an error.
  private static func read(_ file: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    var count = 0
    while count < buffer.count, let start = buffer.baseAddress {
      let got = unsafe pread(file, start + count, buffer.count - count, off_t(count))
      if got < 0, errno == EINTR { continue }
      if got < 0 { return -1 }
      if got == 0 { break }
      count += got
    }
    return count
  }

  deinit {
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
  }

  /// What the file is if it cannot be a corpus; nil for a regular file.
  private static func unusableKind(of status: stat) -> String? {
    switch status.st_mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "a directory"
    case S_IFIFO: "a pipe"
    case S_IFCHR, S_IFBLK: "a device"
    default: "not a file of text"
    }
  }
}
