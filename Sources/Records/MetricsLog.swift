import Foundation

/// The file `metrics.jsonl`: one JSON object a line, each appended by one write.
package final class MetricsLog {
  package let path: String
  private let descriptor: Int32

  /// Opens the file for appending, making it if there is none.
  package init(path: String) throws(MetricsError) {
    self.path = path
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw MetricsError(path: path, action: "open", code: errno) }
  }

  deinit { close(descriptor) }

  /// Appends a record as a whole or not at all.
  package func append(_ record: OrderedJSON) throws(MetricsError) {
    let end = lseek(descriptor, 0, SEEK_END)
    do {
      try write(record)
    } catch {
      // A disk that runs full takes a part first.
      if end >= 0 { ftruncate(descriptor, end) }
      throw error
    }
  }

  private func write(_ record: OrderedJSON) throws(MetricsError) {
    let bytes = Array((record.line + "\n").utf8)
    var done = 0
    while done < bytes.count {
      let written = unsafe bytes.withUnsafeBytes {
        unsafe Foundation.write(descriptor, $0.baseAddress! + done, bytes.count - done)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw MetricsError(path: path, action: "append to", code: errno)
      }
      done += written
    }
  }

  /// Makes everything appended so far survive a crash of the machine.
  package func synchronize() throws(MetricsError) {
    guard fsync(descriptor) == 0 else {
      throw MetricsError(path: path, action: "synchronize", code: errno)
    }
  }

  /// Drops the records of later steps, and a last line that a crash left unfinished, so that a run
  /// resumed at `step` writes no step twice. The file is replaced as a whole or not at all.
  package static func truncate(path: String, afterStep step: Int) throws(MetricsError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw MetricsError(path: path, action: "read", code: EIO)
    }
    var kept = Data()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let record = try? OrderedJSON(parsing: String(decoding: line, as: UTF8.self)),
        let recordStep = record["step"]?.integerValue, recordStep <= step
      else { continue }
      kept.append(line)
      kept.append(UInt8(ascii: "\n"))
    }
    if kept == data { return }
    do {
      try kept.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw MetricsError(path: path, action: "rewrite", reason: error.localizedDescription)
    }
  }
}

/// A metrics file that cannot be used.
package struct MetricsError: Error, CustomStringConvertible {
  package let description: String

  init(path: String, action: String, reason: String) {
    description = "\(path): cannot \(action) the metrics file: \(reason)"
  }

  init(path: String, action: String, code: Int32) {
    self.init(
      path: path, action: action,
      reason: SystemError.reason(code) + (code == ENOSPC ? "; free some space" : ""))
  }
}
