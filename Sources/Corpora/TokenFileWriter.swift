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
  /// Offsets of every `stride`-th token in the text and among the lengths; where they grow too
  /// many, every other is dropped.
  private var index: [(offset: Int, length: Int)] = []
  private var stride = 1024
  /// The lengths of tokens that the vocabulary does not give; nil where it gives all.
  private var lengths: LengthSpool?
  /// Whether there are such tokens.
  private var needsLengths: Bool
  private let tokenizer: Tokenizer
  private let unknown: Int32
  /// Where the token before starts.
  private var lastOffset = 0
  /// The first error of the system, which `finish` throws.
  private var failure: CorpusError?

  private static let bufferBytes = 1 << 20
  private static let mostEntries = 1 << 16

  /// - Parameters:
  ///   - tokenizer: of the tokens, whose vocabulary decides how wide they are.
  ///   - replaces: whether a regular file that is there goes.
  init(path: String, tokenizer: Tokenizer, replaces: Bool = true) throws(CorpusError) {
    self.path = path
    self.tokenizer = tokenizer
    unknown = tokenizer.unknown ?? -1
    needsLengths = tokenizer.kind == .word
    if needsLengths || tokenizer.kind == .character { lengths = LengthSpool(beside: path) }
    let vocabularySize = tokenizer.vocabularySize
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
    if lengths != nil {
      if tokenCount > 0 { addLength(before: offset) }
      if token == unknown { needsLengths = true }
    }
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
  func finish(textBytes: Int) throws(CorpusError) {
    pad(tokenBytes * tokenCount)
    var lengthBytes = 0
    if needsLengths, lengths != nil {
      addLength(before: textBytes)
      lengthBytes = try writeLengths()
    }
    for (offset, length) in index {
      append(offset)
      if lengthBytes > 0 { append(length) }
    }
    // A tokenizer has nothing that JSON lacks.
    let description = (try? tokenizer.json.sortedLine()).map { Array($0.utf8) } ?? []
    buffer += description
    flush()
    var header = TokenFileHeader(
      tokenBytes: tokenBytes, tokenCount: tokenCount, textBytes: textBytes, indexStride: stride,
      indexCount: index.count, descriptionBytes: description.count)
    header.lengthBytes = lengthBytes
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
    index.append((offset, lengths?.count ?? 0))
  }

  private func addLength(before offset: Int) {
    do { try lengths?.append(offset - lastOffset) } catch { failure = failure ?? error }
    lastOffset = offset
  }

  /// Returns how many bytes they take.
  private func writeLengths() throws(CorpusError) -> Int {
    guard let spool = lengths else { return 0 }
    try spool.read {
      buffer += $0
      flush()
    }
    pad(spool.count)
    return spool.count
  }

  private func pad(_ count: Int) { buffer += [UInt8](repeating: 0, count: (8 - count % 8) % 8) }

  private func append(_ number: Int) {
    unsafe withUnsafeBytes(of: UInt64(number).littleEndian) { unsafe buffer += $0 }
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
