import Foundation
import Records

/// All text files within a directory, by path. Links are followed, and each file and directory is
/// taken once, however many paths lead to it.
package struct TextFolder {
  /// What is in a directory and is no text, by number.
  package struct LeftOut {
    package internal(set) var hidden = 0
    package internal(set) var empty = 0
    /// More paths to files that are read.
    package internal(set) var repeated = 0
    /// Pipes, devices and sockets.
    package internal(set) var special = 0

    package static func += (sum: inout LeftOut, other: LeftOut) {
      sum.hidden += other.hidden
      sum.empty += other.empty
      sum.repeated += other.repeated
      sum.special += other.special
    }

    /// Nil where nothing is left out.
    package var words: String? {
      let parts = [
        (hidden, "hidden"), (empty, "empty"), (repeated, "further link to a file that is read"),
        (special, "pipe, device or socket"),
      ]
      let said = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      return said.isEmpty ? nil : "left out: " + said.joined(separator: ", ")
    }

    var json: OrderedJSON {
      [
        "hidden": .integer(hidden), "empty": .integer(empty), "repeated": .integer(repeated),
        "special": .integer(special),
      ]
    }
  }

  package private(set) var files: [String] = []
  package private(set) var leftOut = LeftOut()

  /// - Throws: where a place in it cannot be read.
  package init(_ path: String) throws {
    var found: [(path: String, identity: FileStatus.Identity, isLink: Bool)] = []
    var visited: Set<FileStatus.Identity> = []
    var pending = [path]
    while let directory = pending.popLast() {
      guard let status = FileStatus(directory), visited.insert(status.identity).inserted else {
        continue
      }
      for name in try Self.names(in: directory) {
        if name.hasPrefix(".") {
          leftOut.hidden += 1
          continue
        }
        let path = "\(directory)/\(name)"
        guard let status = FileStatus(path) else {
          throw UsageError("'\(path)' is a link that leads to nothing; remove it")
        }
        switch status.kind {
        case .directory: pending.append(path)
        case .regular where status.byteCount == 0: leftOut.empty += 1
        case .regular:
          try Self.requireReadable(path)
          let isLink = FileStatus(path, followsLink: false)?.kind == .link
          found.append((path, status.identity, isLink))
        default: leftOut.special += 1
        }
      }
    }
    // A file is called by its own name where it has one here.
    found.sort {
      ($0.isLink ? 1 : 0, $0.path) < ($1.isLink ? 1 : 0, $1.path)
    }
    var seen: Set<FileStatus.Identity> = []
    for file in found {
      if seen.insert(file.identity).inserted {
        files.append(file.path)
      } else {
        leftOut.repeated += 1
      }
    }
    files.sort { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
  }

  private static func names(in directory: String) throws(UsageError) -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      throw UsageError(
        "the directory '\(directory)' cannot be read; check its permissions, or name its files")
    }
  }

  private static func requireReadable(_ path: String) throws(UsageError) {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw UsageError("'\(path)' cannot be read; check its permissions, or name the other files")
    }
  }
}
