import Foundation
import Records

/// The processes of a job on this machine: launcher and ranks.
///
/// They carry the launch's name in their environment, so that a stranger is never among them,
/// whatever has become of process numbers, groups and parents.
enum JobProcesses {
  /// Processes that run, in no order. Systems without `/proc` show none.
  static func all(ofLaunch launch: String) -> [ProcessIdentity] {
    let mark = Array("\(RunFiles.launchVariable)=\(launch)".utf8)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { name in
      guard let pid = Int32(name), pid != getpid(), let process = ProcessIdentity(pid: pid),
        let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
        environment.split(separator: 0).contains(where: { $0.elementsEqual(mark) })
      else { return nil }
      return process
    }
  }

  /// Kills all that is left of a launch, and its launcher's process group.
  ///
  /// - Returns: whether nothing is left; a process that hangs in the system dies only later.
  static func killAll(ofLaunch launch: String, leader: ProcessIdentity?) -> Bool {
    for _ in 0..<200 {
      let processes = all(ofLaunch: launch)
      let isLed = leader?.isAlive == true
      if processes.isEmpty, !isLed { return true }
      if let leader, isLed { kill(-leader.pid, SIGKILL) }
      for process in processes where process.isAlive { kill(process.pid, SIGKILL) }
      // A child of this process stays visible, as its exit status, until somebody waits for it.
      if let leader { waitpid(leader.pid, nil, WNOHANG) }
      usleep(20_000)
    }
    return false
  }
}
