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

    /// Copies a pipe, standard input, or what is packed in a file beside another file: a vocabulary
    /// is learned before tokens are written, so that the text is read twice.
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
      func unreadable(_ error: any Error) -> CorpusError {
        error as? CorpusError ?? .unreadable(path: pipe ?? "standard input", message: "\(error)")
      }
      let source: ByteSource
      do {
        source = try unsafe ByteSource { try unsafe Self.read(input, $0) }
      } catch { throw unreadable(error) }
      while true {
        let count: Int
        do {
          count = try unsafe buffer.withUnsafeMutableBytes { try unsafe source.read(into: $0) }
        } catch { throw unreadable(error) }
        if count == 0 { break }
        do { try draft.file.write(Array(buffer[..<count])) } catch {
          throw .unwritable(path: spool, message: error.reason)
        }
      }
      copy = draft
      path = draft.readingPath
    }

    /// Whether a file is packed by gzip.
    static func isPacked(_ path: String) -> Bool {
      (try? InputFile.bytes(of: path, atMost: 2)) == [0x1F, 0x8B]
    }

    private static func read(
      _ input: InputFile?, _ buffer: UnsafeMutableRawBufferPointer
    ) throws -> Int {
      guard let input else { return try unsafe readStandardInput(buffer) }
      return try unsafe input.read(into: buffer)
    }

    private static func readStandardInput(
      _ buffer: UnsafeMutableRawBufferPointer
    ) throws(CorpusError) -> Int {
      while true {
        let count = unsafe Foundation.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
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
