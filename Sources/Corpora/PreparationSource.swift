import Foundation
import Records

extension Preparation {
  /// A text of a preparation: a file, or the copy of what comes only once.
  struct Source {
    /// Where it can be read.
    let path: String
    /// What errors call it.
    let name: String
    /// Goes with this value.
    private let copy: FileDraft?

    init(path: String) {
      self.path = path
      name = path
      copy = nil
    }

    /// Copies a pipe, or standard input, beside a file: a vocabulary is learned before tokens are
    /// written, so that the text is read twice.
    ///
    /// - Parameter pipe: nil for standard input.
    init(copying pipe: String?, beside output: String) throws(CorpusError) {
      name = pipe ?? "standard input"
      let spool = "\(output).input"
      let draft: FileDraft
      do { draft = try FileDraft(path: spool, replaces: true) } catch {
        throw .unwritable(path: spool, message: SystemError.reason(error.code))
      }
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      let input = try pipe.map { path throws(CorpusError) in
        do { return try InputFile(path, allowingPipe: true) } catch {
          throw .unreadable(path: path, message: "\(error)")
        }
      }
      while true {
        let count = try Self.read(input, &buffer)
        if count == 0 { break }
        do { try draft.file.write(Array(buffer[..<count])) } catch {
          throw .unwritable(path: spool, message: error.reason)
        }
      }
      copy = draft
      path = draft.readingPath
    }

    private static func read(
      _ input: InputFile?, _ buffer: inout [UInt8]
    ) throws(CorpusError) -> Int {
      guard let input else { return try readStandardInput(&buffer) }
      let result = unsafe buffer.withUnsafeMutableBytes { bytes in
        Result { () throws(InputError) in try unsafe input.read(into: bytes) }
      }
      do { return try result.get() } catch {
        throw .unreadable(path: "the pipe", message: "\(error)")
      }
    }

    private static func readStandardInput(_ buffer: inout [UInt8]) throws(CorpusError) -> Int {
      while true {
        let count = unsafe Foundation.read(STDIN_FILENO, &buffer, buffer.count)
        if count >= 0 { return count }
        switch errno {
        case EINTR: continue
        case EAGAIN, EWOULDBLOCK:
          var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
          _ = unsafe poll(&request, 1, -1)
        default: throw .unreadable(path: "-", message: SystemError.reason(errno))
        }
      }
    }
  }
}
