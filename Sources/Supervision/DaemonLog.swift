import Foundation
import Records

/// The supervisor's own words: lines with a time in `daemon.log`, and on standard error.
struct DaemonLog {
  private let path: String

  init(runDirectory: String) { path = "\(runDirectory)/\(RunFiles.daemonLog)" }

  /// Says a line. Where the file cannot be written, the line still goes to standard error.
  func say(_ text: String) {
    let time = Date().formatted(.iso8601)
    let line = Array("\(time) \(text)\n".utf8)
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    if file >= 0 {
      Console.write(line, to: file)
      close(file)
    }
    Console.complain("gru-dist daemon: \(text)")
  }
}
