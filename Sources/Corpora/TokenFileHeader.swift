import NumericContract
import Records

/// The head of a token file: a text as `gru-dist prepare` leaves it, ready to be mapped.
///
/// All numbers are little-endian. A page of 4,096 bytes holds the fields below and zeros; after it
/// come the tokens of 1, 2 or 4 bytes each, padded to 8 bytes; then, where the vocabulary does not
/// give them, the lengths in bytes of all tokens, padded to 8 bytes, each as 7 bits a byte from the
/// lowest on, the highest bit saying that more follow; then the index, an 8-byte offset into the
/// text for every `stride` tokens, and one into the lengths where there are any; then the
/// tokenizer's description in JSON, to the end.
///
/// Version 1, which is still read, has no lengths: its fields from 56 on stand 8 bytes before.
///
/// | offset | bytes | field |
/// |---:|---:|---|
/// | 0 | 8 | magic: 93 47 52 55 54 4F 4B 00 |
/// | 8 | 4 | version, 2 |
/// | 12 | 4 | bytes of a token |
/// | 16 | 8 | tokens |
/// | 24 | 8 | bytes of the text |
/// | 32 | 8 | tokens between two entries of the index |
/// | 40 | 8 | entries of the index |
/// | 48 | 8 | bytes of the description |
/// | 56 | 8 | bytes of all lengths |
/// | 64 | 16 | `ContentHash128` of all that follows the page |
/// | 80 | 16 | `ContentHash128` of the 80 bytes before |
struct TokenFileHeader: Equatable {
  static let magic: [UInt8] = [0x93, 0x47, 0x52, 0x55, 0x54, 0x4F, 0x4B, 0x00]
  static let pageBytes = 4096

  var tokenBytes: Int
  var tokenCount: Int
  var textBytes: Int
  var indexStride: Int
  var indexCount: Int
  var descriptionBytes: Int
  /// 0 where the vocabulary gives the lengths.
  var lengthBytes = 0
  var contentHigh: UInt64 = 0
  var contentLow: UInt64 = 0

  var lengthStart: Int { Self.pageBytes + (tokenBytes * tokenCount + 7) / 8 * 8 }
  var indexStart: Int { lengthStart + (lengthBytes + 7) / 8 * 8 }
  /// Bytes of an entry of the index.
  var entryBytes: Int { lengthBytes > 0 ? 16 : 8 }
  var descriptionStart: Int { indexStart + entryBytes * indexCount }
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
    let version = half(8)
    guard version == 1 || version == 2 else {
      throw damaged("version \(version), this program reads versions 1 and 2")
    }
    let hashed = version == 1 ? 72 : 80
    let hash = unsafe ContentHash128(of: UnsafeRawBufferPointer(rebasing: file[..<hashed]))
    guard hash.high == word(hashed), hash.low == word(hashed + 8) else {
      throw damaged("its head is not what its checksum says")
    }
    // Larger numbers are no file's, and sums of these cannot overflow.
    let numbers = [16, 24, 32, 40, 48].map { word($0) } + [version == 1 ? 0 : word(56)]
    guard numbers.allSatisfy({ $0 < 1 << 56 }), [1, 2, 4].contains(half(12)), word(32) > 0 else {
      throw damaged("its head has impossible sizes")
    }
    self.init(
      tokenBytes: Int(half(12)), tokenCount: Int(numbers[0]), textBytes: Int(numbers[1]),
      indexStride: Int(numbers[2]), indexCount: Int(numbers[3]), descriptionBytes: Int(numbers[4]))
    lengthBytes = Int(numbers[5])
    contentHigh = word(hashed - 16)
    contentLow = word(hashed - 8)
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
    append(UInt32(2))
    append(UInt32(tokenBytes))
    let numbers = [tokenCount, textBytes, indexStride, indexCount, descriptionBytes, lengthBytes]
    for number in numbers { append(UInt64(number)) }
    append(contentHigh)
    append(contentLow)
    let hash = unsafe page.withUnsafeBytes { unsafe ContentHash128(of: $0) }
    append(hash.high)
    append(hash.low)
    return page + [UInt8](repeating: 0, count: Self.pageBytes - page.count)
  }
}

extension CorpusPreparation {
  /// Whether a file begins as a token file does.
  package static func isTokenFile(head: [UInt8]) -> Bool {
    unsafe head.withUnsafeBytes { unsafe TokenFileHeader.begins($0) }
  }
}
