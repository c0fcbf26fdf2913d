import Foundation
package import Records

/// The runs at and below a directory. Links are followed, each directory is looked at once.
package struct RunFinder {
  package let directory: String
  /// Names of runs: paths within the directory, "." for itself; in the order of people.
  package private(set) var runs: [String] = []
  /// Directories right below that hold no run anywhere.
  package private(set) var others: [String] = []
  /// Directories that cannot be read, and why.
  package private(set) var unreadable: [String] = []
  private var seen: Set<FileStatus.Identity> = []

  /// How deep runs may lie.
  private static let deepest = 32

  /// - Throws: where the path is that of no directory.
  package init(_ directory: String) throws(UsageError) {
    self.directory = directory
    guard let status = FileStatus(directory), status.kind == .directory else {
      let kind = FileStatus(directory).map { " but \($0.kind.rawValue)" } ?? ", nor anything else"
      throw UsageError("'\(directory)' is no directory\(kind); expected one with runs, or a run")
    }
    _ = look("", depth: 0)
    runs.sort(by: Self.isBefore)
    others.sort(by: Self.isBefore)
  }

  /// The path of a run or directory by its name.
  package func path(of name: String) -> String {
    name.isEmpty || name == "." ? directory : "\(directory)/\(name)"
  }

  /// "run-2" before "run-10".
  private static func isBefore(_ a: String, _ b: String) -> Bool {
    a.compare(b, options: .numeric) == .orderedAscending
  }

  /// Looks at a directory; returns whether it holds a run.
  private mutating func look(_ name: String, depth: Int) -> Bool {
    let path = path(of: name)
    guard depth <= Self.deepest, let status = FileStatus(path), status.kind == .directory,
      seen.insert(status.identity).inserted
    else { return false }
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      unreadable.append("\(path): cannot be read: \(SystemError.reason(Self.code(of: error)))")
      return true
    }
    if Self.isRun(entries, at: path) {
      runs.append(name.isEmpty ? "." : name)
      return true
    }
    var holdsRun = false
    for entry in entries where !entry.hasPrefix(".") {
      let inner = name.isEmpty ? entry : "\(name)/\(entry)"
      guard FileStatus(self.path(of: inner))?.kind == .directory else { continue }
      if look(inner, depth: depth + 1) {
        holdsRun = true
      } else if depth == 0 {
        others.append(inner)
      }
    }
    return holdsRun
  }

  /// Whether names are those of a run directory, be it one of which much is gone.
  private static func isRun(_ names: [String], at path: String) -> Bool {
    let own = Set(names)
    if own.contains(RunFiles.metrics) || own.contains(RunFiles.lock) { return true }
    if own.contains(RunFiles.heartbeat) || own.contains(RunFiles.daemonState) { return true }
    guard own.contains(RunFiles.checkpoints) else { return false }
    if own.contains(RunFiles.config) { return true }
    let checkpoints = "\(path)/\(RunFiles.checkpoints)"
    let inner = try? FileManager.default.contentsOfDirectory(atPath: checkpoints)
    return (inner ?? []).contains { $0.hasPrefix("step-") }
  }

  private static func code(of error: any Error) -> Int32 {
    let error = error as NSError
    let inner = error.userInfo[NSUnderlyingErrorKey] as? NSError
    return Int32(inner?.domain == NSPOSIXErrorDomain ? inner?.code ?? 0 : Int(EACCES))
  }
}
