import Foundation
import Records

/// The file that takes what commands print.
struct HookLog: Sendable {
  let path: String

  /// Bytes after which another file begins; the one before is kept.
  private static let mostBytes = 1 << 20

  /// Bytes that one command may add to it.
  static let mostBytesOfCommand = 64 << 20

  /// What stands behind them where it prints more.
  private static let cut = Array(
    "\n== it has printed more than \(mostBytesOfCommand >> 20) MiB; what follows is left out\n"
      .utf8)

  /// Writes down that the command of an event begins. A disk that does not take it is no reason not
  /// to start it.
  ///
  /// - Returns: where what it prints begins.
  func begin(_ event: HookEvent, _ command: [String]) -> Int {
    if let size = FileStatus(path)?.byteCount, size > Self.mostBytes {
      _ = unsafe rename(path, path + ".1")
    }
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return 0 }
    defer { close(descriptor) }
    let time = Date().formatted(.iso8601)
    let words = command.map { $0.replacing("\n", with: " ") }.joined(separator: " ")
    let line = "== \(time)  \(event.kind.rawValue), step \(event.step): \(words)\n"
    try? OutputFile(descriptor: descriptor, name: "'\(path)'").write(Array(line.utf8))
    return FileStatus(path)?.byteCount ?? 0
  }

  /// Cuts what a command has printed beyond what it may, and says so in its place. To be called now
  /// and then while it runs, since it writes to the file itself.
  ///
  /// - Parameter start: where what it prints begins.
  func bound(from start: Int) {
    let end = start + Self.mostBytesOfCommand
    guard let size = FileStatus(path)?.byteCount, size > end + Self.cut.count else { return }
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // The command appends meanwhile; what it appends goes.
    guard lseek(descriptor, off_t(end), SEEK_SET) == off_t(end) else { return }
    try? OutputFile(descriptor: descriptor, name: "'\(path)'").write(Self.cut)
    _ = ftruncate(descriptor, off_t(end + Self.cut.count))
  }
}
