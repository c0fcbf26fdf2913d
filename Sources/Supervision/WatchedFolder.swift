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
  /// What was said of entries that are not taken, by name.
  private var told: [String: String] = [:]
  /// Why the folder could not be read when last looked at.
  private var hindrance: String?
  /// What is to be said and was not taken yet.
  private var remarks: [String] = []

  package init(path: String, settle: Double) {
    self.path = path
    self.settle = settle
  }

  /// The complete file that comes first by its name; nil where there is none, or the folder cannot
  /// be read.
  ///
  /// - Parameter isLeft: whether to leave a file out, given what it is now.
  package mutating func next(
    now: ContinuousClock.Instant = .now, leaving isLeft: (String, Stamp) -> Bool
  ) -> (name: String, stamp: Stamp)? {
    guard let entries = list() else { return nil }
    told = told.filter { entries[$0.key] != nil }
    var found: [String: Stamp] = [:]
    var made: [String: Stamp] = [:]
    for (name, entry) in entries {
      switch entry {
      case .unusable(let reason): tell(name, reason)
      case .file(let stamp) where Self.isInTheMaking(name): made[name] = stamp
      case .file(let stamp):
        told[name] = nil
        if !isLeft(name, stamp) { found[name] = stamp }
      }
    }
    let all = found.merging(made) { first, _ in first }
    waiting = waiting.filter { all[$0.key] == $0.value.stamp }
    for (name, stamp) in all where waiting[name] == nil { waiting[name] = (stamp, now) }
    for (name, file) in waiting
    where made[name] != nil && now - file.since >= .seconds(Self.rest * settle) {
      tell(name, "its name is that of a hidden or unfinished file; rename it when it is complete")
    }
    let complete = waiting.filter {
      found[$0.key] != nil && now - $0.value.since >= .seconds(settle)
    }
    return complete.keys.min().flatMap { name in waiting[name].map { (name, $0.stamp) } }
  }

  /// What is to be said since the last call of what the folder has: once of each entry that is
  /// never taken as it is, and of the folder where it cannot be read.
  package mutating func takeRemarks() -> [String] {
    defer { remarks = [] }
    return remarks
  }

  /// How many times longer than others a file with the name of an unfinished one rests before
  /// something is said of it: its writer may pause.
  private static let rest = 10.0

  private mutating func tell(_ name: String, _ reason: String) {
    guard told[name] != reason else { return }
    told[name] = reason
    remarks.append("'\(path)/\(name)' is not taken: \(reason)")
  }

  /// Something in the folder.
  private enum Entry {
    case file(Stamp)
    /// What is never taken as it is, and why.
    case unusable(String)
  }

  /// All that the folder has; nil where it cannot be read, which is said once.
  private mutating func list() -> [String: Entry]? {
    let names: [FolderName]
    do throws(SystemError) {
      names = try FolderName.all(in: path)
    } catch {
      if hindrance == nil {
        remarks.append(
          "'\(path)' cannot be read, and is tried again: \(SystemError.reason(error.code))")
      }
      hindrance = "\(error)"
      return nil
    }
    if hindrance != nil { remarks.append("'\(path)' can be read again") }
    hindrance = nil
    var entries: [String: Entry] = [:]
    for name in names {
      guard name.isText else {
        entries[name.words] = .unusable("its name is not UTF-8; rename it")
        continue
      }
      entries[name.words] = entry(name.words)
    }
    return entries
  }

  /// What a name leads to; nil where it is gone meanwhile.
  private func entry(_ name: String) -> Entry? {
    let path = "\(path)/\(name)"
    guard let status = FileStatus(path) else {
      let reason = SystemError.reason(errno)
      return FileStatus(path, followsLink: false)
        .map { _ in .unusable("it leads to no file: \(reason)") }
    }
    guard status.kind == .regular else {
      return .unusable("it is \(status.kind.rawValue), and no file")
    }
    guard unsafe access(path, R_OK) == 0 else {
      return .unusable("it cannot be read: \(SystemError.reason(errno))")
    }
    return .file(Stamp(size: status.byteCount, changed: status.changed))
  }

  /// Whether programs give a name to files that they have not finished, or keep besides.
  package static func isInTheMaking(_ name: String) -> Bool {
    name.hasPrefix(".") || name.hasSuffix("~")
      || [".tmp", ".temp", ".part", ".partial", ".crdownload", ".swp"].contains { ending in
        name.lowercased().hasSuffix(ending)
      }
  }
}

/// A name in a folder, which need not be text.
private struct FolderName {
  /// The name; where it is no text, with its other bytes as "\\xFF".
  let words: String
  /// Whether it is UTF-8, so that `words` is the name.
  let isText: Bool

  private init(_ bytes: [UInt8]) {
    if let text = String(validating: bytes, as: UTF8.self) {
      (words, isText) = (text, true)
    } else {
      words = bytes.map { byte in
        0x20..<0x7F ~= byte
          ? String(UnicodeScalar(byte)) : "\\x" + String(byte, radix: 16, uppercase: true)
      }.joined()
      isText = false
    }
  }

  /// The corresponding C function is `readdir`.
  static func all(in path: String) throws(SystemError) -> [FolderName] {
    guard let stream = unsafe opendir(path) else {
      throw SystemError(operation: "list", path: path, code: errno)
    }
    defer { unsafe closedir(stream) }
    var names: [FolderName] = []
    errno = 0
    while let entry = unsafe readdir(stream) {
      let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) {
        unsafe Array($0.prefix { $0 != 0 })
      }
      let name = FolderName(bytes)
      if name.words != ".", name.words != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw SystemError(operation: "list", path: path, code: errno) }
    return names
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
