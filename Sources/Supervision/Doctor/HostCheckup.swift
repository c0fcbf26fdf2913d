import Foundation
package import Records

/// What of a host matters to the ranks on it: shared memory, room for temporary files, limits,
/// clocks.
package struct HostCheckup: Sendable {
  /// Ranks that are to run on this host.
  package var ranks: Int
  /// Cores that they may use.
  package var cores: Int
  package var limits = ContainerLimits.current
  package var environment = ProcessInfo.processInfo.environment
  /// Where shared memory is.
  package var sharedMemory = "/dev/shm"
  /// Where temporary files go.
  package var temporary: String

  package init(ranks: Int, cores: Int) {
    self.ranks = ranks
    self.cores = cores
    temporary = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 }
      ?? "/tmp"
  }

  /// The longest path of TMPDIR: MPI libraries make sockets below it, whose names have 108 bytes.
  static let longestTemporaryPath = 60
  /// What Open MPI takes of TMPDIR and of shared memory for a rank, generously.
  static let bytesPerRank = 16 << 20

  package func findings() -> [Finding] {
    [
      container, sharedMemoryFinding, temporaryFinding, openFiles, lockedMemory, clock,
    ].compactMap { $0 }
  }

  private var container: Finding {
    let cores = Format.count(cores, "core")
    let quota = limits.cores.map { ", time of \(Format.fixed($0, 1)) cores" } ?? ""
    let memory = limits.usableMemory
    return Finding(
      "resources",
      "\(cores)\(quota), \(Format.bytes(memory)) that \(limits.memoryOwner)",
      values: [
        "cores": .integer(self.cores), "core_quota": limits.cores.map { .number($0) } ?? .null,
        "memory_bytes": .integer(memory),
        "memory_limit_bytes": limits.memoryBytes.map { .integer($0) } ?? .null,
      ],
      problem: ranks > self.cores
        ? "\(ranks) ranks are to share \(cores): they take turns, and each waits for all" : nil,
      remedy: ranks > self.cores ? "start no more ranks than cores, or more hosts" : nil)
  }

  private var sharedMemoryFinding: Finding? {
    guard let room = Room(of: sharedMemory) else {
      #if os(Linux)
        return Finding(
          "shared_memory", "there is no \(sharedMemory)",
          problem: "ranks of one host may not be able to exchange",
          remedy: "mount a tmpfs there")
      #else
        return nil
      #endif
    }
    let needed = ranks * Self.bytesPerRank
    let isSmall = ranks > 1 && room.free < needed
    return Finding(
      "shared_memory",
      "\(sharedMemory): \(Format.bytes(room.free)) free of \(Format.bytes(room.total))",
      values: ["free_bytes": .integer(room.free), "total_bytes": .integer(room.total)],
      problem: isSmall
        ? "\(ranks) ranks may want \(Format.bytes(needed)): they end with a bus error or do not "
          + "start where it is full" : nil,
      remedy: isSmall
        ? "remove what is left there, or make it larger: docker run --shm-size=1g, a volume of "
          + "medium Memory in Kubernetes" : nil)
  }

  private var temporaryFinding: Finding {
    let name = "TMPDIR (\(temporary))"
    guard let room = Room(of: temporary), unsafe access(temporary, W_OK) == 0 else {
      return Finding(
        "temporary_files", "\(name) cannot be written to",
        problem: "mpirun does not start", remedy: "set TMPDIR to a directory that can be written")
    }
    var problem: String?
    var remedy: String?
    if room.free < ranks * Self.bytesPerRank {
      problem = "mpirun of Open MPI 4.1 hangs at the start where it is full"
      remedy = "free some space, set TMPDIR to another directory, or . launch/env"
    } else if temporary.utf8.count > Self.longestTemporaryPath {
      problem = "its path has \(temporary.utf8.count) bytes: names of sockets below it get too long"
      remedy = "set TMPDIR to a directory with a short path, such as /tmp"
    }
    return Finding(
      "temporary_files", "\(name): \(Format.bytes(room.free)) free",
      values: ["path": .string(temporary), "free_bytes": .integer(room.free)], problem: problem,
      remedy: remedy)
  }

  private var openFiles: Finding? {
    guard let limit = Self.limit(openFilesResource) else { return nil }
    let needed = 256
    return Finding(
      "open_files", limit.words,
      values: ["limit": limit.json],
      problem: limit.count.map { $0 < needed } ?? false
        ? "a rank of a large job holds a connection to each of the others" : nil,
      remedy: limit.count.map { $0 < needed } ?? false ? "ulimit -n 4096" : nil)
  }

  private var lockedMemory: Finding? {
    guard let limit = Self.limit(lockedMemoryResource) else { return nil }
    let fabrics = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/infiniband"))
    let hasFabric = !(fabrics ?? []).isEmpty
    let isShort = hasFabric && limit.count != nil
    return Finding(
      "locked_memory", limit.words(asBytes: true),
      values: ["limit_bytes": limit.json, "has_infiniband": .bool(hasFabric)],
      problem: isShort ? "InfiniBand needs memory that stays in place" : nil,
      remedy: isShort ? "ulimit -l unlimited, in the job's own environment too" : nil)
  }

  /// The system's clock beside the one that the file system here stamps files by.
  private var clock: Finding {
    let folder = FileManager.default.currentDirectoryPath
    var found = "the system's"
    var values: OrderedJSON = [:]
    var problem: String?
    let path = "\(folder)/.gru-dist-clock-\(getpid())"
    if FileManager.default.createFile(atPath: path, contents: Data([0])) {
      let now = Date().timeIntervalSince1970
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      try? FileManager.default.removeItem(atPath: path)
      if let date = attributes?[.modificationDate] as? Date {
        let ahead = date.timeIntervalSince1970 - now
        found += "; that of the files here is \(Format.fixed(abs(ahead), 2)) s "
          + (ahead < 0 ? "behind" : "ahead")
        values = ["file_clock_ahead_seconds": .number((ahead * 1e3).rounded() / 1e3)]
        if abs(ahead) > 5 {
          problem = "the dashboard and watched directories tell by the files' times what is new"
        }
      }
    }
    let source = (try? String(
      contentsOfFile: "/sys/devices/system/clocksource/clocksource0/current_clocksource",
      encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    if let source {
      found += "; source \(source)"
      values = values.merging(["source": .string(source)])
    }
    return Finding(
      "clock", found, values: values, problem: problem,
      remedy: problem.map { _ in "let an NTP service set the clocks of this host and the server" })
  }
}

extension HostCheckup {
  /// Bytes of a file system.
  private struct Room {
    var free: Int
    var total: Int

    init?(of path: String) {
      var figures = statvfs()
      guard unsafe statvfs(path, &figures) == 0 else { return nil }
      free = Int(clamping: UInt64(figures.f_bavail) * UInt64(figures.f_frsize))
      total = Int(clamping: UInt64(figures.f_blocks) * UInt64(figures.f_frsize))
    }
  }

  /// A limit of this process; nil in `count` means none.
  private struct Limit {
    var count: Int?
    var words: String { words(asBytes: false) }
    func words(asBytes: Bool) -> String {
      count.map { asBytes ? Format.bytes($0) : "\(Format.grouped($0)) at most" } ?? "no limit"
    }
    var json: OrderedJSON { count.map { .integer($0) } ?? .null }
  }

  private static func limit(_ resource: Int32) -> Limit? {
    var values = rlimit()
    guard unsafe getrlimit(resource, &values) == 0 else { return nil }
    return Limit(
      count: values.rlim_cur >= UInt64(Int.max) ? nil : Int(clamping: values.rlim_cur))
  }
}

#if os(Linux)
  private let openFilesResource = Int32(RLIMIT_NOFILE.rawValue)
  private let lockedMemoryResource = Int32(__RLIMIT_MEMLOCK.rawValue)
#else
  private let openFilesResource = RLIMIT_NOFILE
  private let lockedMemoryResource = RLIMIT_MEMLOCK
#endif
