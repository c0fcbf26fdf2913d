import Foundation
import Records

/// A folder in which files arrive, each of which is to be taken once.
///
/// A file is complete when its size and time have not changed for a while, as this process sees it:
/// one that is renamed in is so at once, one that is written in place when its writer is done.
package struct WatchedFolder {
  /// What tells a file from what it was.
  package struct Stamp: Sendable, Equatable {
    package var size: Int
    /// When it was last changed, in seconds since 1970.
    package var changed: Double
  }

  package let path: String
  /// Seconds for which a file must not change.
  let settle: Double
  /// Files that are not taken, as they were when last looked at, and since when they are so.
  private var waiting: [String: (stamp: Stamp, since: ContinuousClock.Instant)] = [:]

  package init(path: String, settle: Double) {
    self.path = path
    self.settle = settle
  }

  /// The complete file that comes first by its name; nil where there is none.
  ///
  /// - Parameter isLeft: whether to leave a file out, given what it is now.
  /// - Throws: `UsageError` where the folder cannot be read.
  package mutating func next(
    now: ContinuousClock.Instant = .now, leaving isLeft: (String, Stamp) -> Bool
  ) throws -> (name: String, stamp: Stamp)? {
    let found = try files().filter { !isLeft($0.key, $0.value) }
    waiting = waiting.filter { found[$0.key] == $0.value.stamp }
    for (name, stamp) in found where waiting[name] == nil { waiting[name] = (stamp, now) }
    let complete = waiting.filter { now - $0.value.since >= .seconds(settle) }
    return complete.keys.min().flatMap { name in waiting[name].map { (name, $0.stamp) } }
  }

  /// Its files, but for those that are hidden or have the names of files in the making.
  private func files() throws -> [String: Stamp] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw UsageError("--watch: '\(path)' cannot be read: \(error.localizedDescription)")
    }
    var files: [String: Stamp] = [:]
    for name in names where !Self.isInTheMaking(name) {
      let url = URL(fileURLWithPath: "\(path)/\(name)").resolvingSymlinksInPath()
      guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path),
        attributes[.type] as? FileAttributeType == .typeRegular,
        let size = (attributes[.size] as? NSNumber)?.intValue,
        let changed = attributes[.modificationDate] as? Date
      else { continue }
      files[name] = Stamp(size: size, changed: changed.timeIntervalSince1970)
    }
    return files
  }

  /// Whether programs give a name to files that they have not finished, or keep besides.
  package static func isInTheMaking(_ name: String) -> Bool {
    name.hasPrefix(".") || name.hasSuffix("~")
      || [".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp"].contains { ending in
        name.lowercased().hasSuffix(ending)
      }
  }
}

/// A file that a supervisor has given to its job, or that the job refused.
package struct WatchedFile: Sendable, Equatable {
  package var name: String
  /// What it was then.
  package var stamp: WatchedFolder.Stamp
  /// Why it is not trained on; nil where it is.
  package var refusal: String?

  package init(name: String, stamp: WatchedFolder.Stamp, refusal: String? = nil) {
    self.name = name
    self.stamp = stamp
    self.refusal = refusal
  }

  var json: OrderedJSON {
    [
      "name": .string(name), "size": .integer(stamp.size), "changed": .number(stamp.changed),
      "refusal": refusal.map { .string($0) } ?? .null,
    ]
  }

  init?(_ json: OrderedJSON) {
    guard let name = json["name"]?.stringValue, let size = json["size"]?.integerValue,
      let changed = json["changed"]?.doubleValue
    else { return nil }
    self.init(
      name: name, stamp: WatchedFolder.Stamp(size: size, changed: changed),
      refusal: json["refusal"]?.stringValue)
  }
}
