import Foundation
import Records

/// The file that a job prints to: repeats what is new, and remembers where the job began.
final class JobOutput {
  private let path: String
  private let isQuiet: Bool
  /// Where the output of the job under way begins.
  private(set) var start = 0
  private var relayed = 0
  /// Whether standard output has failed.
  private var hasComplained = false

  private static let largest = 8 << 20

  init(runDirectory: String, isQuiet: Bool) {
    path = "\(runDirectory)/\(RunFiles.jobLog)"
    self.isQuiet = isQuiet
    start = size
    relayed = start
  }

  private var size: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Makes ready for a new job; a file that has grown large is set aside.
  ///
  /// - Returns: the file's path.
  func begin() throws -> String {
    // The launcher would wait for a reader when it opens it.
    if FileStatus(path)?.kind == .pipe {
      throw UsageError("'\(path)' is a pipe, expected a file; remove it")
    }
    if size > Self.largest { unsafe rename(path, path + ".1") }
    start = size
    relayed = start
    return path
  }

  /// Goes on with a job whose output began at `start`.
  func takeUp(start: Int) { self.start = min(start, size) }

  /// Repeats on standard output what the job has printed since the last call.
  func relay() {
    guard !isQuiet, size > relayed else { return }
    let text = read(from: relayed, atMost: 1 << 20)
    relayed += text.count
    do { try OutputFile.standardOutput.write(Array(text)) } catch {
      // The job is worth more than its words, which are in its file.
      if !error.isUnread, !hasComplained {
        Console.complain("gru-dist daemon: \(error); the job goes on, its words are in \(path)")
      }
      hasComplained = true
    }
  }

  /// The last lines of the job under way.
  func tail(lines count: Int = 20) -> String {
    let from = max(start, size - 8192)
    let text = String(decoding: read(from: from, atMost: 8192), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).suffix(count).joined(separator: "\n")
  }

  private func read(from offset: Int, atMost count: Int) -> Data {
    guard let file = FileHandle(forReadingAtPath: path) else { return Data() }
    defer { try? file.close() }
    try? file.seek(toOffset: UInt64(offset))
    return (try? file.read(upToCount: count)) ?? Data()
  }
}

/// The supervisor's own words: lines with a time in `daemon.log`, and on standard error.
struct DaemonLog {
  private let path: String

  init(runDirectory: String) { path = "\(runDirectory)/\(RunFiles.daemonLog)" }

  /// Says a line. Where the file cannot be written, the line still goes to standard error.
  func say(_ text: String) {
    let time = Date().formatted(.iso8601)
    let line = Array("\(time) \(text)\n".utf8)
    let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
    if file >= 0 {
      try? OutputFile(descriptor: file, name: path).write(line)
      close(file)
    }
    Console.complain("gru-dist daemon: \(text)")
  }
}
