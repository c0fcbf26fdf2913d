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
