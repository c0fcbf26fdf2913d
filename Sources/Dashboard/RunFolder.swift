import Foundation
import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What lies in a run's directory beside its metrics, as far as it is shown.
struct RunFolder: Sendable {
  let path: String
  let heartbeat: SmallFiles.File
  let config: SmallFiles.File
  let daemon: SmallFiles.File
  let validation: SmallFiles.File
  /// When the list of checkpoints last changed.
  let checkpointsChanged: Double
  private let files: SmallFiles

  /// Newest checkpoints that are listed.
  private static let mostCheckpoints = 200

  init(_ path: String, files: SmallFiles) {
    self.path = path
    self.files = files
    heartbeat = files.read("\(path)/\(RunFiles.heartbeat)")
    config = files.read("\(path)/\(RunFiles.config)")
    daemon = files.read("\(path)/\(RunFiles.daemonState)")
    validation = files.read("\(path)/\(RunFiles.validation)")
    checkpointsChanged = FileStatus("\(path)/\(RunFiles.checkpoints)")?.changed ?? 0
  }

  /// What is amiss, in words with what may be done.
  var problems: [String] {
    let hints = [
      (config, RunFiles.config, "gru-dist runs \(path) says what else is whole"),
      (heartbeat, RunFiles.heartbeat, "a resume writes it anew"),
      (daemon, RunFiles.daemonState, "gru-dist daemon writes it anew"),
      (validation, RunFiles.validation, "the next validation writes it anew"),
    ]
    return hints.compactMap { file, name, hint in
      guard file.isDamaged else { return nil }
      let bytes = file.version?.bytes ?? 0
      return bytes > SmallFiles.mostBytes
        ? "\(name) has \(Format.bytes(bytes)) and is not shown; expected 1 MiB at most"
        : "\(name) is damaged: it is no JSON; \(hint)"
    }
  }

  /// The user that the directory belongs to, by name where the name is known here.
  var owner: String? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = buffer.count
    let code = unsafe getpwuid_r(status.st_uid, &entry, &buffer, count, &found)
    guard code == 0, unsafe found != nil, let name = unsafe entry.pw_name else {
      return String(status.st_uid)
    }
    return unsafe String(cString: name)
  }

  /// A checkpoint as its manifest says; its bytes are not looked at.
  struct Point {
    var name: String
    var step: Int?
    var bytes = 0
    var time: Double?
    var isComplete = false

    func json(isBest: Bool) -> OrderedJSON {
      [
        "name": .string(name), "step": step.map { .integer($0) } ?? .null,
        "bytes": .integer(bytes), "time": time.map { .number($0.rounded()) } ?? .null,
        "is_complete": .bool(isComplete), "is_best": .bool(isBest),
      ]
    }
  }

  private var checkpointNames: [String] {
    let directory = "\(path)/\(RunFiles.checkpoints)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix("step-") }.sorted(by: >)
  }

  /// Newest first.
  var checkpoints: [Point] { checkpointNames.prefix(Self.mostCheckpoints).map(point) }

  /// The newest one that is whole, and how many there are.
  var newestCheckpoint: (point: Point?, count: Int) {
    let names = checkpointNames
    return (names.prefix(8).lazy.map(point).first { $0.isComplete }, names.count)
  }

  private func point(_ name: String) -> Point {
    let place = "\(path)/\(RunFiles.checkpoints)/\(name)"
    let manifest = files.read("\(place)/manifest.json")
    var point = Point(name: name)
    point.time = manifest.version?.changed ?? FileStatus(place)?.changed
    point.isComplete = manifest.value != nil
    point.step = manifest.value?["step"]?.integerValue
    if case .array(let entries)? = manifest.value?["files"] {
      point.bytes = entries.reduce(0) { $0 &+ ($1["bytes"]?.integerValue ?? 0) }
    }
    return point
  }

  /// What each rank tells of itself, in rank order.
  var ranks: [OrderedJSON] {
    let directory = "\(path)/\(RunFiles.ranks)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasPrefix("rank-") && $0.hasSuffix(".json") }.sorted()
      .compactMap { files.read("\(directory)/\($0)").value }
  }
}
