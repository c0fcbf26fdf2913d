import Foundation

/// The file `metrics.jsonl`: one JSON object a line, each appended by one write.
package final class MetricsLog {
  package let path: String
  private let file: OutputFile
  private var descriptor: Int32 { file.descriptor }

  /// Opens the file for appending, making it if there is none.
  package init(path: String) throws(MetricsError) {
    self.path = path
    let isNew = FileStatus(path) == nil
    // A pipe must not wait for a reader.
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK
    let descriptor = unsafe open(path, flags, 0o644)
    guard descriptor >= 0 else { throw MetricsError(path: path, action: "open", code: errno) }
    file = OutputFile(descriptor: descriptor, name: "'\(path)'")
    if FileStatus(descriptor: descriptor)?.kind == .pipe {
      throw MetricsError(path: path, action: "open", reason: "it is a pipe, expected a file")
    }
    guard isNew else { return }
    do { try FileDraft.synchronizeDirectory(of: path) } catch {
      throw MetricsError(path: path, action: "open", code: error.code)
    }
  }

  deinit { close(descriptor) }

  /// Appends a record as a whole or not at all.
  package func append(_ record: OrderedJSON) throws(MetricsError) {
    let end = lseek(descriptor, 0, SEEK_END)
    do {
      try file.write(Array((record.line + "\n").utf8))
    } catch {
      // A disk that runs full takes a part first.
      if end >= 0 { ftruncate(descriptor, end) }
      throw MetricsError(path: path, action: "append to", code: error.code)
    }
  }

  /// Makes everything appended so far survive a crash of the machine.
  package func synchronize() throws(MetricsError) {
    do { try file.synchronize() } catch {
      throw MetricsError(path: path, action: "synchronize", code: error.code)
    }
  }
}

/// A metrics file that cannot be used.
package struct MetricsError: Error, CustomStringConvertible {
  package let description: String

  init(path: String, action: String, reason: String) {
    description = "\(path): cannot \(action) the metrics file: \(reason)"
  }

  package init(path: String, action: String, code: Int32) {
    self.init(
      path: path, action: action,
      reason: SystemError.reason(code) + (code == ENOSPC ? "; free some space" : ""))
  }
}
