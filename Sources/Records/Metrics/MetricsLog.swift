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

  /// The step of the newest checkpoint that the records of a run tell of; nil for none.
  package static func newestCheckpoint(path: String) throws(MetricsError) -> Int? {
    guard FileStatus(path) != nil else { return nil }
    var newest: Int?
    do {
      try InputFile.forEachLine(of: path) { line in
        // Most lines are of training, and need not be parsed.
        guard line.contains(word: "\"checkpoint\""),
          let record = try? OrderedJSON(parsing: String(decoding: line, as: UTF8.self)),
          record["kind"] == "checkpoint" || record["kind"] == "resume",
          let step = record["step"]?.integerValue
        else { return }
        newest = max(newest ?? step, step)
      }
    } catch {
      throw MetricsError(path: path, action: "read", reason: "\(error)")
    }
    return newest
  }
}

extension ArraySlice<UInt8> {
  /// Whether the bytes of a word, which has at least one, stand somewhere.
  fileprivate func contains(word: StaticString) -> Bool {
    unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      let count = word.utf8CodeUnitCount
      var offset = 0
      while offset + count <= bytes.count,
        let found = unsafe memchr(start + offset, Int32(word.utf8Start[0]), bytes.count - offset)
      {
        offset = unsafe UnsafeRawPointer(found) - start
        if offset + count <= bytes.count, unsafe memcmp(found, word.utf8Start, count) == 0 {
          return true
        }
        offset += 1
      }
      return false
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
