import NumericContract
import Records

/// A token file in memory, found to be whole.
struct TokenFile: Sendable {
  let header: TokenFileHeader
  let tokenizer: Tokenizer
  /// Of everything behind the head.
  let content: ContentHash128

  /// - Complexity: one pass over the file.
  init(_ file: UnsafeRawBufferPointer, path: String) throws(CorpusError) {
    let header = try unsafe TokenFileHeader(of: file, path: path)
    self.header = header
    content = unsafe ContentHash128(
      of: UnsafeRawBufferPointer(rebasing: file[TokenFileHeader.pageBytes...]))
    guard content.high == header.contentHigh, content.low == header.contentLow else {
      throw .damagedTokenFile(path: path, reason: "its content is not what its checksum says")
    }
    do {
      let json = try unsafe OrderedJSON(parsing: Array(file[header.descriptionStart...]))
      tokenizer = try Tokenizer(json: try JSONFields(json))
    } catch {
      throw .damagedTokenFile(path: path, reason: "its description of the tokenizer is damaged")
    }
    // A checksum is no proof: a token beyond the vocabulary would be read beyond the table.
    let largest = unsafe Self.largestToken(file, header)
    guard largest < tokenizer.vocabularySize else {
      throw .damagedTokenFile(
        path: path,
        reason: "token \(largest), expected less than \(tokenizer.vocabularySize)")
    }
  }

  private static func largestToken(
    _ file: UnsafeRawBufferPointer, _ header: TokenFileHeader
  ) -> UInt32 {
    func largest<Token: FixedWidthInteger & UnsignedInteger>(_ type: Token.Type) -> UInt32 {
      let bytes = unsafe file[TokenFileHeader.pageBytes..<header.lengthStart]
      let tokens = unsafe UnsafeRawBufferPointer(rebasing: bytes).assumingMemoryBound(
        to: Token.self)
      var largest: Token = 0
      for index in 0..<header.tokenCount { largest = unsafe max(largest, tokens[index]) }
      return UInt32(largest)
    }
    return switch header.tokenBytes {
    case 1: largest(UInt8.self)
    case 2: largest(UInt16.self)
    default: largest(UInt32.self)
    }
  }

  /// Where in the text a token starts: exact for every `indexStride`-th, and between these where
  /// the file has lengths, or the vocabulary gives those of the tokens back or on to one of them;
  /// else, in files of version 1, in proportion.
  ///
  /// - Complexity: O(`indexStride`).
  func textOffset(of index: Int, in file: UnsafeRawBufferPointer) -> Int {
    if index >= header.tokenCount { return header.textBytes }
    let block = index / header.indexStride
    let first = block * header.indexStride
    let last = first + min(header.indexStride, header.tokenCount - first)
    let (start, end) = unsafe (entry(block, in: file), entry(block + 1, in: file))
    if header.lengthBytes > 0 {
      return unsafe min(end, start + lengths(of: index - first, block: block, in: file))
    }
    func length(_ tokens: Range<Int>) -> Int? {
      var sum = 0
      for place in tokens {
        guard let bytes = unsafe tokenizer.byteLength(of: token(at: place, in: file)) else {
          return nil
        }
        sum += bytes
      }
      return sum
    }
    if let before = length(first..<index) { return min(end, start + before) }
    if let after = length(index..<last) { return max(start, end - after) }
    let share = Double(end - start) * Double(index - first) / Double(last - first)
    return start + Int(share.rounded())
  }

  /// Where in the text the first token of a block starts.
  private func entry(_ block: Int, in file: UnsafeRawBufferPointer) -> Int {
    if block >= header.indexCount { return header.textBytes }
    return unsafe number(at: header.indexStart + header.entryBytes * block, in: file)
  }

  /// The lengths of the first tokens of a block, added up. The file may say anything: what is added
  /// stays below the bytes of the text.
  private func lengths(of count: Int, block: Int, in file: UnsafeRawBufferPointer) -> Int {
    let entry = header.indexStart + header.entryBytes * block
    var place = unsafe min(header.lengthBytes, number(at: entry + 8, in: file))
    var sum = 0
    for _ in 0..<count {
      var length = 0
      var shift = 0
      while place < header.lengthBytes {
        let byte = unsafe file[header.lengthStart + place]
        place += 1
        if shift < 56 { length |= Int(byte & 0x7F) << shift }
        shift += 7
        if byte < 0x80 { break }
      }
      sum = min(header.textBytes, sum + length)
    }
    return sum
  }

  private func number(at place: Int, in file: UnsafeRawBufferPointer) -> Int {
    let raw = unsafe file.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    return Int(clamping: UInt64(littleEndian: raw))
  }

  private func token(at index: Int, in file: UnsafeRawBufferPointer) -> Int32 {
    let place = TokenFileHeader.pageBytes + header.tokenBytes * index
    return switch header.tokenBytes {
    case 1: unsafe Int32(file[place])
    case 2: unsafe Int32(file.loadUnaligned(fromByteOffset: place, as: UInt16.self))
    default: unsafe file.loadUnaligned(fromByteOffset: place, as: Int32.self)
    }
  }
}
