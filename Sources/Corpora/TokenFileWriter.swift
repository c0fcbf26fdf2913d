import NumericContract
import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Writes a token file front to back, in memory that does not grow with it.
///
/// The file gets its name when it is whole and on the disk.
final class TokenFileWriter {
  private let path: String
  private let draft: FileDraft
  private let tokenBytes: Int
  private var buffer: [UInt8] = []
  private var hasher = ContentHash128.Hasher()
  private(set) var tokenCount = 0
  /// Text offsets of every `stride`-th token; where they grow too many, every other is dropped.
  private var index: [UInt64] = []
  private var stride = 1024
  /// The first error of the system, which `finish` throws.
  private var failure: CorpusError?

  private static let bufferBytes = 1 << 20
  private static let mostEntries = 1 << 16

  /// - Parameters:
  ///   - vocabularySize: decides how wide tokens are.
  ///   - replaces: whether a regular file that is there goes.
  init(path: String, vocabularySize: Int, replaces: Bool = true) throws(CorpusError) {
    self.path = path
    tokenBytes = vocabularySize <= 1 << 8 ? 1 : vocabularySize <= 1 << 16 ? 2 : 4
    do { draft = try FileDraft(path: path, replaces: replaces) } catch {
      throw .unwritable(path: path, message: SystemError.reason(error.code))
    }
    buffer.reserveCapacity(Self.bufferBytes + 8)
    write([UInt8](repeating: 0, count: TokenFileHeader.pageBytes))
  }

  /// Appends a token whose bytes start at `offset` of the text.
  @inline(__always)
  func append(_ token: Int32, at offset: Int) {
    if tokenCount.isMultiple(of: stride) { addEntry(offset) }
    tokenCount += 1
    buffer.append(UInt8(truncatingIfNeeded: token))
    if tokenBytes > 1 { buffer.append(UInt8(truncatingIfNeeded: token >> 8)) }
    if tokenBytes > 2 {
      buffer.append(UInt8(truncatingIfNeeded: token >> 16))
      buffer.append(UInt8(truncatingIfNeeded: token >> 24))
    }
    if buffer.count >= Self.bufferBytes { flush() }
  }

  /// Writes what comes behind the tokens, and the head, and names the file.
  func finish(tokenizer: Tokenizer, textBytes: Int) throws(CorpusError) {
    buffer += [UInt8](repeating: 0, count: (8 - tokenBytes * tokenCount % 8) % 8)
    for entry in index { unsafe withUnsafeBytes(of: entry.littleEndian) { unsafe buffer += $0 } }
    // A tokenizer has nothing that JSON lacks.
    let description = (try? tokenizer.json.sortedLine()).map { Array($0.utf8) } ?? []
    buffer += description
    flush()
    var header = TokenFileHeader(
      tokenBytes: tokenBytes, tokenCount: tokenCount, textBytes: textBytes, indexStride: stride,
      indexCount: index.count, descriptionBytes: description.count)
    let content = hasher.finish()
    header.contentHigh = content.high
    header.contentLow = content.low
    if failure == nil, lseek(draft.file.descriptor, 0, SEEK_SET) != 0 { note(errno) }
    write(header.page)
    if let failure { throw failure }
    do { try draft.finish() } catch {
      throw .unwritable(path: path, message: SystemError.reason(error.code))
    }
  }

  /// Throws where writing has failed; what is appended after that is lost.
  func requireSound() throws(CorpusError) { if let failure { throw failure } }

  private func addEntry(_ offset: Int) {
    if index.count == Self.mostEntries {
      index = index.indices.filter { $0.isMultiple(of: 2) }.map { index[$0] }
      stride *= 2
      guard tokenCount.isMultiple(of: stride) else { return }
    }
    index.append(UInt64(offset))
  }

  private func flush() {
    unsafe buffer.withUnsafeBytes { unsafe hasher.update($0) }
    write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private func write(_ bytes: [UInt8]) {
    guard failure == nil else { return }
    do { try draft.file.write(bytes) } catch { note(error.code) }
  }

  private func note(_ code: Int32) {
    failure = .unwritable(path: path, message: SystemError.reason(code))
  }
}
