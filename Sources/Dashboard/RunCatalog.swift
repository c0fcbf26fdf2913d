import Foundation
import Records

/// The runs at and below a directory, found anew at every look: by their metrics, their config
/// beside checkpoints, or what a daemon or a job has told of itself. A name is a path within the
/// directory; "." is the directory itself.
struct RunCatalog: Sendable {
  let directory: String

  init(directory: String) { self.directory = directory }

  /// - Throws: where the directory is none.
  init(existing directory: String) throws {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      throw UsageError("'\(directory)' is no directory; expected one with runs in it, or a run")
    }
    self.init(directory: directory)
  }

  /// The directory by its whole path, for people who have to find it.
  var absoluteDirectory: String {
    URL(fileURLWithPath: directory).standardizedFileURL.path
  }

  /// How deep runs may lie.
  private static let deepest = 3

  /// What one look finds.
  struct Listing: Sendable {
    /// In the order of people: "run-2" before "run-10".
    var names: [String] = []
    /// Runs that lie one directory too deep, and are not shown.
    var tooDeep: [String] = []
  }

  func list() -> Listing {
    var found = Listing()
    look("", depth: 0, &found)
    found.names.sort { $0.compare($1, options: .numeric) == .orderedAscending }
    found.tooDeep.sort { $0.compare($1, options: .numeric) == .orderedAscending }
    return found
  }

  /// The path of a run by the name that `list` gave; nil for anything else, such as a way out of
  /// the directory.
  func path(of name: String) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, parts.count <= Self.deepest,
      name == "." || parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }), !name.contains("\0")
    else { return nil }
    let path = name == "." ? directory : "\(directory)/\(name)"
    return Self.isRun(path) ? path : nil
  }

  private func look(_ name: String, depth: Int, _ found: inout Listing) {
    let path = name.isEmpty ? directory : "\(directory)/\(name)"
    if Self.isRun(path) {
      if depth > Self.deepest { return found.tooDeep.append(name) }
      return found.names.append(name.isEmpty ? "." : name)
    }
    guard depth <= Self.deepest,
      let entries = try? FileManager.default.contentsOfDirectory(atPath: path)
    else { return }
    for entry in entries where !entry.hasPrefix(".") {
      var isDirectory: ObjCBool = false
      let isThere = unsafe FileManager.default.fileExists(
        atPath: "\(path)/\(entry)", isDirectory: &isDirectory)
      guard isThere, isDirectory.boolValue else { continue }
      look(name.isEmpty ? entry : "\(name)/\(entry)", depth: depth + 1, &found)
    }
  }

  private static func isRun(_ path: String) -> Bool {
    let files = FileManager.default
    let names = [RunFiles.metrics, RunFiles.daemonState, RunFiles.heartbeat]
    return names.contains { files.fileExists(atPath: "\(path)/\($0)") }
      || files.fileExists(atPath: "\(path)/\(RunFiles.config)")
        && files.fileExists(atPath: "\(path)/checkpoints")
  }
}
