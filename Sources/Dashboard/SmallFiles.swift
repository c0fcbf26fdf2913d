import Foundation
import Records
import Synchronization

/// Small JSON files of runs as they were last read: one that has not changed is not read again.
final class SmallFiles: Sendable {
  /// What tells one state of a file from another.
  struct Version: Hashable, Sendable {
    var identity: FileStatus.Identity
    var bytes: Int
    var changed: Double

    /// Changes that follow each other within this may leave a file's time as it was.
    private static let leastAge = 2.0

    /// Whether a file that is seen to be so now is what it was then.
    func isStill(_ status: FileStatus) -> Bool {
      self == Version(status)
        && Date().timeIntervalSince1970 - status.changed > Self.leastAge
    }

    init(_ status: FileStatus) {
      identity = status.identity
      bytes = status.byteCount
      changed = status.changed
    }
  }

  /// A file as it is now.
  struct File: Sendable {
    /// Nil where there is none.
    var version: Version?
    /// Nil where there is none, or it cannot be read.
    var value: OrderedJSON?

    /// Whether something is there that is no JSON, or has too many bytes.
    var isDamaged: Bool { version != nil && value == nil }
  }

  /// Bytes of a file; of larger ones nothing is shown.
  static let mostBytes = 1 << 20
  /// Files that are kept. Beyond that all are read anew, which is no more than slow.
  private static let mostFiles = 20_000

  private let files = Mutex<[String: File]>([:])

  func read(_ path: String) -> File {
    guard let status = FileStatus(path) else {
      files.withLock { $0[path] = nil }
      return File()
    }
    let known = files.withLock { $0[path] }
    if let known, known.version?.isStill(status) == true { return known }
    let file = File(version: Version(status), value: RunFiles.read(path, atMost: Self.mostBytes))
    files.withLock { files in
      if files.count >= Self.mostFiles { files.removeAll() }
      files[path] = file
    }
    return file
  }
}
