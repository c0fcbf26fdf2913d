import Foundation

/// How much the files at and below a directory hold together. Links are not followed.
package struct DirectorySize: Sendable, Equatable {
  package var bytes = 0
  package var files = 0
  /// When a file or directory was changed last; seconds since 1970.
  package var changed = 0.0
  /// Directories that could not be read.
  package var unreadable: [String] = []

  package init(_ path: String) { add(path, depth: 0) }

  /// Directories within directories that are looked at.
  private static let deepest = 32

  private mutating func add(_ path: String, depth: Int) {
    guard let status = FileStatus(path, followsLink: depth == 0) else { return }
    if status.kind == .regular {
      bytes += status.byteCount
      files += 1
    }
    changed = max(changed, status.changed)
    guard status.kind == .directory, depth < Self.deepest else { return }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      return unreadable.append(path)
    }
    for name in names { add("\(path)/\(name)", depth: depth + 1) }
  }
}
