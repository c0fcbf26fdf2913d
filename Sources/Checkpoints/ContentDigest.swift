import Crypto

/// A SHA-256 in 64 hexadecimal digits.
struct ContentDigest: Sendable, Equatable {
  let hexadecimal: String

  init(_ digest: SHA256.Digest) {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in digest { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    hexadecimal = String(decoding: text, as: UTF8.self)
  }

  /// The digest of bytes in memory.
  init(of bytes: some Sequence<UInt8>) {
    var digest = SHA256()
    digest.update(data: Array(bytes))
    self.init(digest.finalize())
  }

  /// The digest of a file's first `byteCount` bytes, which it must have.
  init(of file: borrowing OpenFile, byteCount: Int) throws(CheckpointError) {
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    var digest = SHA256()
    var offset = 0
    while offset < byteCount {
      let wanted = UnsafeMutableRawBufferPointer(rebasing: piece.prefix(byteCount - offset))
      try file.readAll(at: offset, into: wanted)
      digest.update(bufferPointer: UnsafeRawBufferPointer(wanted))
      offset += wanted.count
    }
    self.init(digest.finalize())
  }
}
