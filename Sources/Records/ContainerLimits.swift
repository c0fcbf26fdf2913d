import Foundation

/// What a container, or a job of a scheduler, may take of its host: the least limits of the control
/// groups that this process is in, on the way up (Linux; versions 1 and 2, documented with the
/// kernel in `admin-guide/cgroup-v2.rst` and `admin-guide/cgroup-v1`).
package struct ContainerLimits: Sendable, Equatable {
  /// Time of so many cores; nil without a limit.
  package var cores: Double?
  package var memoryBytes: Int?

  /// Those of this process.
  package static let current = ContainerLimits(root: "/")

  package init(cores: Double? = nil, memoryBytes: Int? = nil) {
    self.cores = cores
    self.memoryBytes = memoryBytes
  }

  /// - Parameter root: the folder in which `proc` and the mounted control groups are looked for.
  init(root: String) {
    let files = Files(root: root)
    let mounts = files.text("proc/self/mountinfo").split(separator: "\n").compactMap(Mount.init)
    for line in files.text("proc/self/cgroup").split(separator: "\n") {
      // Number, controllers between commas (none in version 2), path.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let controllers = parts[1].split(separator: ",").map(String.init)
      guard let mount = mounts.first(where: { $0.holds(controllers) }) else { continue }
      for folder in mount.folders(of: String(parts[2])) {
        take(folder, files, isVersion2: controllers.isEmpty)
      }
    }
  }

  private mutating func take(_ folder: String, _ files: Files, isVersion2: Bool) {
    if isVersion2 {
      let quota = files.text("\(folder)/cpu.max").split { $0 == " " || $0 == "\n" }
      if quota.count == 2 { lower(cores: Double(quota[0]), period: Double(quota[1])) }
      lower(memory: files.number("\(folder)/memory.max"))
    } else {
      lower(
        cores: files.number("\(folder)/cpu.cfs_quota_us"),
        period: files.number("\(folder)/cpu.cfs_period_us"))
      lower(memory: files.number("\(folder)/memory.limit_in_bytes"))
    }
  }

  private mutating func lower(cores quota: Double?, period: Double?) {
    guard let quota, let period, quota > 0, period > 0 else { return }
    cores = min(cores ?? .infinity, quota / period)
  }

  private mutating func lower(memory bytes: Double?) {
    // Without a limit, version 1 says the largest number of pages.
    guard let bytes, bytes > 0, bytes < 0x1p60 else { return }
    memoryBytes = min(memoryBytes ?? .max, Int(bytes))
  }

  /// Bytes that the processes of this host may take together.
  package var usableMemory: Int {
    min(memoryBytes ?? .max, Int(clamping: ProcessInfo.processInfo.physicalMemory))
  }

  /// What the limit of memory is called in an error.
  package var memoryOwner: String {
    usableMemory == memoryBytes ? "this container or job may take" : "the machine has"
  }
}

extension ContainerLimits {
  /// What one of the ranks of this host may hold.
  package func allowance(ranks: Int) -> MemoryAllowance {
    MemoryAllowance(
      bytes: usableMemory / max(1, ranks),
      owner: ranks > 1 ? "for each of \(ranks) ranks \(memoryOwner)" : memoryOwner)
  }

  /// Small files under a root.
  private struct Files {
    let root: String

    /// Empty where there is no such file.
    func text(_ path: String) -> String {
      (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
    }

    /// Nil where there is no number, as in "max".
    func number(_ path: String) -> Double? {
      Double(text(path).trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  /// A mounted hierarchy of control groups, as a line of mountinfo says.
  private struct Mount {
    /// The group that is seen at the mount point.
    let group: String
    let point: String
    /// Empty in version 2.
    let controllers: [String]

    /// Nil for other mounts.
    init?(_ line: Substring) {
      let halves = String(line).components(separatedBy: " - ")
      guard halves.count == 2 else { return nil }
      let place = halves[0].split(separator: " ")
      let system = halves[1].split(separator: " ")
      guard place.count > 4, system.count > 2 else { return nil }
      switch system[0] {
      case "cgroup2": controllers = []
      case "cgroup": controllers = system[2].split(separator: ",").map(String.init)
      default: return nil
      }
      (group, point) = (String(place[3]), String(place[4]))
    }

    func holds(_ wanted: [String]) -> Bool {
      wanted.isEmpty ? controllers.isEmpty : wanted.contains(where: controllers.contains)
    }

    /// The folders of a group and of all above it. Those that are not to be seen, as from within a
    /// container, are missing there, and the last is the container's own.
    func folders(of path: String) -> [String] {
      var names = path.split(separator: "/")
      let above = group.split(separator: "/")
      if names.starts(with: above) { names.removeFirst(above.count) }
      return (0...names.count).map { "\(point)/\(names.prefix($0).joined(separator: "/"))" }
    }
  }
}
