#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that gets its name when it is whole and on the disk.
///
/// Until then it has none where the system can do that, so that nothing stays of one that is
/// interrupted, however the process ends; elsewhere it has a hidden name, which no reader looks at.
package final class FileDraft {
  /// Where the file goes; a link's target where a link is there already.
  package let path: String
  /// What it is written to.
  package let file: OutputFile
  private let replaces: Bool
  /// Its name so far; nil where it has none.
  private var temporary: String?
  private var isFinished = false

  /// - Parameter replaces: whether a file that is there goes, if it is a regular one.
  package init(path: String, replaces: Bool) throws(SystemError) {
    self.replaces = replaces
    self.path = replaces ? Self.resolved(path) : path
    let (descriptor, temporary) = try Self.open(self.path)
    self.temporary = temporary
    file = OutputFile(descriptor: descriptor, name: "'\(path)'")
  }

  deinit {
    close(file.descriptor)
    if !isFinished, let temporary { unsafe unlink(temporary) }
  }

  /// A path at which the unfinished file can be read while this object lives.
  package var readingPath: String { temporary ?? Self.link(to: file.descriptor) }

  /// Waits until the file is on the disk and gives it its name, which is on the disk then too.
  package func finish() throws(SystemError) {
    do { try file.synchronize() } catch { throw failure("synchronize", error.code) }
    if replaces, let status = FileStatus(path, followsLink: false) {
      guard status.kind == .regular else { throw failure("replace", EEXIST) }
      fchmod(file.descriptor, mode_t(status.permissions))
    }
    try publish()
    isFinished = true
    try Self.synchronizeDirectory(of: path)
  }

  /// Writes a small file as a whole or not at all.
  package static func write(
    _ bytes: [UInt8], to path: String, replaces: Bool
  ) throws(SystemError) {
    let draft = try FileDraft(path: path, replaces: replaces)
    do { try draft.file.write(bytes) } catch {
      throw SystemError(operation: "write", path: path, code: error.code)
    }
    try draft.finish()
  }

  /// Waits until the names in the directory of a file are on the disk.
  package static func synchronizeDirectory(of path: String) throws(SystemError) {
    let directory = directory(of: path)
    let descriptor = openFile(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw SystemError(operation: "open", path: directory, code: errno)
    }
    defer { close(descriptor) }
    while fsync(descriptor) != 0 {
      // Some file systems cannot synchronize a directory; a rename there is durable by itself.
      if errno == EINVAL { return }
      if errno != EINTR {
        throw SystemError(operation: "synchronize", path: directory, code: errno)
      }
    }
  }

  /// The directory that a file is in.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func open(
    _ path: String
  ) throws(SystemError) -> (descriptor: Int32, temporary: String?) {
    #if os(Linux)
      // O_TMPFILE, which the headers show to GNU programs only.
      let unnamed = 0o20000000 | O_DIRECTORY
      let free = openFile(directory(of: path), O_WRONLY | O_CLOEXEC | unnamed)
      if free >= 0 {
        if unsafe access(link(to: free), F_OK) == 0 { return (free, nil) }
        close(free)
      }
    #endif
    let name = path.split(separator: "/").last ?? "draft"
    let temporary = "\(directory(of: path))/.\(name).tmp-\(getpid())"
    unsafe unlink(temporary)
    let descriptor = openFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw SystemError(operation: "write", path: path, code: errno)
    }
    return (descriptor, temporary)
  }

  private func publish() throws(SystemError) {
    if let temporary {
      if replaces { return try rename(temporary) }
      // Unlike a rename, a second name takes nobody else's place.
      if linkFile(temporary, path) {
        unsafe unlink(temporary)
      } else if errno == EEXIST {
        throw failure("write", EEXIST)
      } else {
        guard FileStatus(path, followsLink: false) == nil else { throw failure("write", EEXIST) }
        try rename(temporary)
      }
      return
    }
    let unnamed = Self.link(to: file.descriptor)
    if linkFile(unnamed, path) { return }
    guard errno == EEXIST, replaces else { throw failure("write", errno) }
    let name = path.split(separator: "/").last ?? "draft"
    let draft = "\(Self.directory(of: path))/.\(name).tmp-\(getpid())"
    unsafe unlink(draft)
    guard linkFile(unnamed, draft) else { throw failure("write", errno) }
    temporary = draft
    try rename(draft)
  }

  private func rename(_ temporary: String) throws(SystemError) {
    guard renameFile(temporary, path) else { throw failure("write", errno) }
  }

  private func failure(_ operation: String, _ code: Int32) -> SystemError {
    SystemError(operation: operation, path: path, code: code)
  }

  private static func link(to descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

  /// What a link leads to; the path itself where it is none.
  private static func resolved(_ path: String) -> String {
    guard FileStatus(path, followsLink: false)?.kind == .link,
      let target = unsafe realpath(path, nil)
    else { return path }
    defer { unsafe free(target) }
    return unsafe String(cString: target)
  }
}

/// The corresponding C function is `open`.
private func openFile(_ path: String, _ flags: Int32) -> Int32 {
  unsafe open(path, flags, 0o666)
}

/// The corresponding C function is `linkat`, which follows a link in the place of the source.
private func linkFile(_ source: String, _ path: String) -> Bool {
  unsafe linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
}

/// The corresponding C function is `rename`.
private func renameFile(_ source: String, _ path: String) -> Bool {
  unsafe rename(source, path) == 0
}
