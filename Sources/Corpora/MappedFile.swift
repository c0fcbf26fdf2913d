#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The owner of a read-only mapping of a whole regular file; unmapped in `deinit`.
///
/// The file must not be shortened while it is mapped: the system answers a read beyond its end
/// with a signal. Replacing the file by renaming another over it is harmless.
struct MappedFile: ~Copyable, @unchecked Sendable {
  /// The file's content, valid as long as the owner lives and never written.
  let bytes: UnsafeRawBufferPointer

  /// Maps a file of at least one byte.
  ///
  /// - Throws: `CorpusError` where the path is missing, not a regular file, unreadable or empty.
  init(path: String) throws(CorpusError) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, message: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, message: String(cString: strerror(errno)))
    }
    if let kind = Self.unusableKind(of: status) { throw .notRegularFile(path: path, kind: kind) }
    guard status.st_size > 0 else { throw .empty(path: path) }
    guard let size = Int(exactly: status.st_size),
      let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
    else {
      throw .unreadable(path: path, message: String(cString: strerror(errno)))
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    _ = munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
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
