import Foundation
import Records
import Synchronization

/// Reads metrics files as they grow: only what is new is read at each look.
final class MetricsReader: Sendable {
  private struct Entry {
    var metrics = RunMetrics()
    var offset: UInt64 = 0
    /// The file that was read; a resume may replace it.
    var identity = 0
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// The metrics of the run at `path`; empty ones where there is no file yet.
  func metrics(of path: String) -> RunMetrics {
    entries.withLock { Self.metrics(of: path, &$0) }
  }

  private static func metrics(
    of path: String, _ entries: inout [String: Entry]
  ) -> RunMetrics {
    let file = "\(path)/\(RunFiles.metrics)"
    guard let handle = FileHandle(forReadingAtPath: file) else {
      entries[path] = nil
      return RunMetrics()
    }
    defer { try? handle.close() }
    var status = stat()
    unsafe fstat(handle.fileDescriptor, &status)
    var entry = entries[path] ?? Entry()
    // Another file, or a shorter one, is read from the start.
    if entry.identity != Int(status.st_ino) || entry.offset > UInt64(status.st_size) {
      entry = Entry()
      entry.identity = Int(status.st_ino)
    }
    try? handle.seek(toOffset: entry.offset)
    let data = (try? handle.readToEnd()) ?? Data()
    // A line that is still being written has no end yet.
    if let end = data.lastIndex(of: UInt8(ascii: "\n")) {
      for line in data[...end].split(separator: UInt8(ascii: "\n")) {
        if let record = try? OrderedJSON(parsing: String(decoding: line, as: UTF8.self)) {
          entry.metrics.append(record)
        }
      }
      entry.offset += UInt64(end - data.startIndex + 1)
    }
    entries[path] = entry
    return entry.metrics
  }
}
