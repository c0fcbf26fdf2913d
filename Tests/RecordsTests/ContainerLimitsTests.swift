import Foundation
import Testing

@testable import Records

/// Limits of control groups as Docker, Kubernetes, systemd and Slurm lay them out.
@Suite struct ContainerLimitsTests {
  /// A root folder with such files.
  private final class Root {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "limits-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    var limits: ContainerLimits { ContainerLimits(root: url.path) }
  }

  private static let version2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

  @Test func theLeastLimitOnTheWayUpHolds() throws {
    let root = try Root([
      "proc/self/cgroup": "0::/a.slice/b.service\n", "proc/self/mountinfo": Self.version2,
      "sys/fs/cgroup/a.slice/cpu.max": "150000 100000\n",
      "sys/fs/cgroup/a.slice/memory.max": "4000000000\n",
      "sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000\n",
      "sys/fs/cgroup/a.slice/b.service/memory.max": "5000000000\n",
    ])
    #expect(root.limits == ContainerLimits(cores: 1.5, memoryBytes: 4_000_000_000))
  }

  @Test func aContainerSeesItsOwnGroupAtTheTop() throws {
    let root = try Root([
      "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": Self.version2,
      "sys/fs/cgroup/cpu.max": "50000 100000\n", "sys/fs/cgroup/memory.max": "max\n",
    ])
    #expect(root.limits == ContainerLimits(cores: 0.5))
  }

  @Test func version1HasAHierarchyForEach() throws {
    // The path is the host's, and the mount shows its end as the root.
    let root = try Root([
      "proc/self/cgroup": "4:memory:/docker/x\n1:cpu,cpuacct:/docker/x/y\n",
      "proc/self/mountinfo":
        "33 31 0:29 /docker/x /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        + "34 31 0:30 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us": "300000\n",
      "sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
    ])
    #expect(root.limits == ContainerLimits(cores: 3, memoryBytes: 2 << 30))
  }

  @Test(arguments: ["", "0::/a\n", "nonsense\n:::\n"])
  func withoutControlGroupsThereIsNoLimit(groups: String) throws {
    let root = try Root([
      "proc/self/cgroup": groups, "proc/self/mountinfo": Self.version2,
      "sys/fs/cgroup/memory.max": "9223372036854771712", "sys/fs/cgroup/cpu.max": "x",
    ])
    #expect(root.limits == ContainerLimits())
  }
}
