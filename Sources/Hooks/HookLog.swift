import Foundation
import Records

/// The file that takes what commands print.
struct HookLog: Sendable {
  let path: String

  /// Bytes after which another file begins; the one before is kept.
  private static let mostBytes = 1 << 20

  /// Writes down that the command of an event begins. A disk that does not take it is no reason not
  /// to start it.
  func begin(_ event: HookEvent, _ command: [String]) {
    if let size = FileStatus(path)?.byteCount, size > Self.mostBytes {
      _ = unsafe rename(path, path + ".1")
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let time = Date().formatted(.iso8601)
    let words = command.map { $0.replacing("\n", with: " ") }.joined(separator: " ")
    let line = "== \(time)  \(event.kind.rawValue), step \(event.step): \(words)\n"
    try? OutputFile(descriptor: descriptor, name: "'\(path)'").write(Array(line.utf8))
  }
}
