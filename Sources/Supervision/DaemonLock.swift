import Foundation
import Records
import Training

/// The right of one supervisor to a run directory, held until `deinit` or the process's end.
final class DaemonLock {
  private let descriptor: Int32

  init(runDirectory: String) throws {
    let path = "\(runDirectory)/\(RunFiles.daemonLock)"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UsageError("\(path): cannot open: \(String(cString: strerror(errno)))")
    }
    self.descriptor = descriptor
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      let holder = FileManager.default.contents(atPath: path) ?? Data()
      let words = String(decoding: holder.prefix(200), as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      throw UsageError(
        "another daemon (\(words.isEmpty ? "unknown" : words)) looks after \(runDirectory); stop "
          + "it by SIGTERM, or choose another run directory")
    }
    let holder = "process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n"
    ftruncate(descriptor, 0)
    pwrite(descriptor, holder, holder.utf8.count, 0)
  }

  deinit { close(descriptor) }
}
