#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a path leads to, or a descriptor has open.
package struct FileStatus: Sendable {
  /// What kinds of files there are.
  package enum Kind: String, Sendable {
    case regular = "a file"
    case directory = "a directory"
    case pipe = "a pipe"
    case device = "a device"
    case socket = "a socket"
    case link = "a link"
  }

  /// Tells a file from all others, whatever paths lead to it.
  package struct Identity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    fileprivate init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
  }

  package let kind: Kind
  package let identity: Identity
  package let byteCount: Int
  /// Who may do what with it.
  package let permissions: UInt32
  /// When its content was changed last; seconds since 1970.
  package let changed: Double

  /// - Parameter followsLink: whether a link counts as what it leads to.
  /// - Returns: nil where there is nothing, or nothing can be known of it.
  package init?(_ path: String, followsLink: Bool = true) {
    var status = stat()
    let code =
      followsLink ? unsafe stat(path, &status) : unsafe lstat(path, &status)
    guard code == 0 else { return nil }
    self.init(status)
  }

  /// - Returns: nil where the descriptor is closed.
  package init?(descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .regular
      case S_IFDIR: .directory
      case S_IFIFO: .pipe
      case S_IFLNK: .link
      case S_IFSOCK: .socket
      default: .device
      }
    identity = Identity(status)
    byteCount = Int(status.st_size)
    permissions = UInt32(status.st_mode & 0o7777)
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    changed = Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }

  /// Whether two paths lead to one file.
  package static func areSame(_ first: String, _ second: String) -> Bool {
    guard let first = FileStatus(first), let second = FileStatus(second) else { return false }
    return first.identity == second.identity
  }

  /// Throws unless there is a directory for a new file at `path`, in which this process may write.
  ///
  /// - Parameter option: what the path was given as.
  package static func requireDirectory(of path: String, option: String) throws(UsageError) {
    let directory = FileDraft.directory(of: path)
    guard let status = FileStatus(directory) else {
      throw UsageError(
        "\(option): '\(path)' cannot be written: there is no directory '\(directory)'; "
          + "make it first")
    }
    guard status.kind == .directory else {
      throw UsageError(
        "\(option): '\(path)' cannot be written: '\(directory)' is \(status.kind.rawValue)")
    }
    guard unsafe access(directory, W_OK | X_OK) == 0 else {
      throw UsageError(
        "\(option): '\(path)' cannot be written: \(SystemError.reason(errno)) in '\(directory)'")
    }
  }

  /// Throws unless a result may be written to `path`: where there is nothing yet, or a regular file
  /// that may be replaced.
  ///
  /// - Parameter option: what the path was given as.
  package static func requireReplaceable(
    _ path: String, option: String, overwrite: Bool
  ) throws(UsageError) {
    guard let status = FileStatus(path) else {
      if FileStatus(path, followsLink: false) == nil {
        return try requireDirectory(of: path, option: option)
      }
      throw UsageError("\(option): '\(path)' is a link that leads to nothing; name a file")
    }
    guard status.kind == .regular else {
      throw UsageError(
        "\(option): '\(path)' is \(status.kind.rawValue), expected the name of a file")
    }
    guard overwrite else {
      throw UsageError(
        "\(option): '\(path)' exists; name another file, or replace it by --overwrite")
    }
  }
}
