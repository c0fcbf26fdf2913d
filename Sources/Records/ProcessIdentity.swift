import Foundation

/// One process of this machine, told apart from later ones that get its number.
package struct ProcessIdentity: Sendable, Equatable {
  package let pid: Int32
  /// The boot of the machine and the process's start in it; opaque.
  package let start: String

  /// Names a process that was written down earlier; it may be gone.
  package init(pid: Int32, start: String) {
    self.pid = pid
    self.start = start
  }

  /// The process that has this number now; nil where there is none, or only its exit status.
  package init?(pid: Int32) {
    guard pid > 0, let start = Self.start(of: pid) else { return nil }
    self.init(pid: pid, start: start)
  }

  /// This process.
  package static let current =
    ProcessIdentity(pid: getpid()) ?? ProcessIdentity(pid: getpid(), start: "unknown")

  /// Whether that very process still runs.
  package var isAlive: Bool { ProcessIdentity(pid: pid) == self }

  #if os(Linux)
    private static let boot =
      (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))
      .map { String($0.prefix(8)) } ?? "boot"

    private static func start(of pid: Int32) -> String? {
      guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else {
        return nil
      }
      // The name of the program stands in brackets and may hold anything, brackets too.
      let fields =
        String(decoding: bytes, as: UTF8.self)
        .split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
      return "\(boot):\(fields[19])"
    }
  #else
    private static func start(of pid: Int32) -> String? {
      var info = kinfo_proc()
      var size = MemoryLayout<kinfo_proc>.stride
      var name = [CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]
      guard sysctl(&name, UInt32(name.count), &info, &size, nil, 0) == 0, size > 0,
        info.kp_proc.p_stat != SZOMB
      else { return nil }
      let time = info.kp_proc.p_un.__p_starttime
      return "\(time.tv_sec).\(time.tv_usec)"
    }
  #endif
}
