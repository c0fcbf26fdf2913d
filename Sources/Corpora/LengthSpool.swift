import Records

/// The lengths of the tokens of a token file, which come behind all tokens: a few in memory, more
/// in a file beside it that nobody sees.
final class LengthSpool {
  private let path: String
  private var draft: FileDraft?
  /// Bytes that the file has not.
  private var buffer: [UInt8] = []
  /// Bytes in all.
  private(set) var count = 0

  private static let bufferBytes = 1 << 20

  /// - Parameter output: what it is for.
  init(beside output: String) { path = "\(output).lengths" }

  /// Appends a length: 7 bits a byte from the lowest on, the highest bit saying that more follow.
  @inline(__always)
  func append(_ length: Int) throws(CorpusError) {
    var rest = length
    while rest >= 0x80 {
      buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      count += 1
      rest >>= 7
    }
    buffer.append(UInt8(truncatingIfNeeded: rest))
    count += 1
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  /// Calls `body` with all bytes in order, part by part.
  func read(_ body: ([UInt8]) -> Void) throws(CorpusError) {
    if let draft {
      let input: InputFile
      do { input = try InputFile(draft.readingPath) } catch {
        throw .unreadable(path: path, message: "\(error)")
      }
      var part = [UInt8](repeating: 0, count: Self.bufferBytes)
      while true {
        let result = unsafe part.withUnsafeMutableBytes { bytes in
          Result { () throws(InputError) in try unsafe input.read(into: bytes) }
        }
        let count: Int
        do { count = try result.get() } catch {
          throw .unreadable(path: path, message: "\(error)")
        }
        if count == 0 { break }
        body(Array(part[..<count]))
      }
    }
    body(buffer)
  }

  private func flush() throws(CorpusError) {
    if draft == nil {
      do { draft = try FileDraft(path: path, replaces: true) } catch {
        throw .unwritable(path: path, message: SystemError.reason(error.code))
      }
    }
    do { try draft?.file.write(buffer) } catch {
      throw .unwritable(path: path, message: error.reason)
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
