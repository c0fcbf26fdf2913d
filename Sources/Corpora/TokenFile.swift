import NumericContract
import Records

/// The head of a token file: a text as `gru-dist prepare` leaves it, ready to be mapped.
///
/// All numbers are little-endian. A page of 4,096 bytes holds the fields below and zeros; after it
/// come the tokens of 1, 2 or 4 bytes each, padded to 8 bytes; then the index, an 8-byte offset
/// into the text for every `stride` tokens; then the tokenizer's description in JSON, to the end.
///
/// | offset | bytes | field |
/// |---:|---:|---|
/// | 0 | 8 | magic: 93 47 52 55 54 4F 4B 00 |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | bytes of a token |
/// | 16 | 8 | tokens |
/// | 24 | 8 | bytes of the text |
/// | 32 | 8 | tokens between two entries of the index |
/// | 40 | 8 | entries of the index |
/// | 48 | 8 | bytes of the description |
/// | 56 | 16 | `ContentHash128` of all that follows the page |
/// | 72 | 16 | `ContentHash128` of the 72 bytes before |
struct TokenFileHeader: Equatable {
  static let magic: [UInt8] = [0x93, 0x47, 0x52, 0x55, 0x54, 0x4F, 0x4B, 0x00]
  static let version: UInt32 = 1
  static let pageBytes = 4096
  private static let fieldBytes = 88

  var tokenBytes: Int
  var tokenCount: Int
  var textBytes: Int
  var indexStride: Int
  var indexCount: Int
  var descriptionBytes: Int
  var contentHigh: UInt64 = 0
  var contentLow: UInt64 = 0

  var indexStart: Int { Self.pageBytes + (tokenBytes * tokenCount + 7) / 8 * 8 }
  var descriptionStart: Int { indexStart + 8 * indexCount }
  var fileBytes: Int { descriptionStart + descriptionBytes }

  /// Whether a file begins as a token file does.
  static func begins(_ file: UnsafeRawBufferPointer) -> Bool {
    unsafe file.count >= magic.count && file.prefix(magic.count).elementsEqual(magic)
  }

  init(
    tokenBytes: Int, tokenCount: Int, textBytes: Int, indexStride: Int, indexCount: Int,
    descriptionBytes: Int
  ) {
    self.tokenBytes = tokenBytes
    self.tokenCount = tokenCount
    self.textBytes = textBytes
    self.indexStride = indexStride
    self.indexCount = indexCount
    self.descriptionBytes = descriptionBytes
  }

  /// Reads the head of a file that begins as one, and checks that the file is as long as it says.
  init(of file: UnsafeRawBufferPointer, path: String) throws(CorpusError) {
    func damaged(_ reason: String) -> CorpusError {
      .damagedTokenFile(path: path, reason: reason)
    }
    guard file.count >= Self.pageBytes else {
      throw damaged("\(file.count) bytes, expected at least \(Self.pageBytes)")
    }
    func word(_ offset: Int) -> UInt64 {
      unsafe UInt64(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    func half(_ offset: Int) -> UInt32 {
      unsafe UInt32(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    guard half(8) == Self.version else {
      throw damaged("version \(half(8)), this program reads version \(Self.version)")
    }
    let hash = unsafe ContentHash128(of: UnsafeRawBufferPointer(rebasing: file[..<72]))
    guard hash.high == word(72), hash.low == word(80) else {
      throw damaged("its head is not what its checksum says")
    }
    // Larger numbers are no file's, and sums of these cannot overflow.
    let numbers = [16, 24, 32, 40, 48].map { word($0) }
    guard numbers.allSatisfy({ $0 < 1 << 56 }), [1, 2, 4].contains(half(12)), word(32) > 0 else {
      throw damaged("its head has impossible sizes")
    }
    self.init(
      tokenBytes: Int(half(12)), tokenCount: Int(numbers[0]), textBytes: Int(numbers[1]),
      indexStride: Int(numbers[2]), indexCount: Int(numbers[3]), descriptionBytes: Int(numbers[4]))
    contentHigh = word(56)
    contentLow = word(64)
    guard fileBytes == file.count else {
      throw damaged("\(file.count) bytes, expected \(fileBytes)")
    }
    guard tokenCount > 0, indexCount == (tokenCount - 1) / indexStride + 1 else {
      throw damaged("its head has impossible sizes")
    }
  }

  /// The first page of a file.
  var page: [UInt8] {
    var page = Self.magic
    func append(_ value: some FixedWidthInteger) {
      unsafe withUnsafeBytes(of: value.littleEndian) { unsafe page += $0 }
    }
    append(Self.version)
    append(UInt32(tokenBytes))
    for number in [tokenCount, textBytes, indexStride, indexCount, descriptionBytes] {
      append(UInt64(number))
    }
    append(contentHigh)
    append(contentLow)
    let hash = unsafe page.withUnsafeBytes { unsafe ContentHash128(of: $0) }
    append(hash.high)
    append(hash.low)
    return page + [UInt8](repeating: 0, count: Self.pageBytes - page.count)
  }
}

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
      let bytes = unsafe file[TokenFileHeader.pageBytes..<header.indexStart]
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

  /// Where in the text a token starts: exact for every `indexStride`-th, and between these wherever
  /// the tokens back or on to one of them have a known length; else in proportion.
  ///
  /// - Complexity: O(`indexStride`).
  func textOffset(of index: Int, in file: UnsafeRawBufferPointer) -> Int {
    if index >= header.tokenCount { return header.textBytes }
    func entry(_ index: Int) -> Int {
      if index >= header.indexCount { return header.textBytes }
      let raw = unsafe file.loadUnaligned(
        fromByteOffset: header.indexStart + 8 * index, as: UInt64.self)
      return Int(clamping: UInt64(littleEndian: raw))
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
    let block = index / header.indexStride
    let first = block * header.indexStride
    let last = first + min(header.indexStride, header.tokenCount - first)
    let (start, end) = (entry(block), entry(block + 1))
    if let before = length(first..<index) { return min(end, start + before) }
    if let after = length(index..<last) { return max(start, end - after) }
    let share = Double(end - start) * Double(index - first) / Double(last - first)
    return start + Int(share.rounded())
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
