import NumericContract
import Testing

@Suite struct HashTests {
  /// Vectors of RFC 3720, appendix B.4.
  @Test func crc32cKnownAnswers() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
    #expect(CRC32C.masked([]) == 0xA282_EAD8)
  }

  /// What files on disks and in checkpoints state; a change of these would orphan them.
  @Test func contentHashIsStable() {
    func hash(_ count: Int) -> String {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
      return bytes.withUnsafeBytes { ContentHash128(of: $0).description }
    }
    #expect(hash(0) == "b87dd334b65ed739ecd317b22ce1aa88")
    #expect(hash(5) == "21d1bf5f3c13038422a3dd380bda751c")
    #expect(hash(32) == "0180b6b372d444f6330dfad5186d36dd")
    #expect(hash(100) == "fef129907bcbc3af3d531615504b3b90")
  }

  @Test func chunkedContentHashEqualsTheWhole() {
    let bytes = (0..<100).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) }
    let whole = bytes.withUnsafeBytes { ContentHash128(of: $0) }
    for cut in 0...100 {
      var hasher = ContentHash128.Hasher()
      bytes[..<cut].withUnsafeBytes { hasher.update($0) }
      bytes[cut...].withUnsafeBytes { hasher.update($0) }
      #expect(hasher.finish() == whole, "cut at \(cut)")
    }
  }

  @Test func fingerprintIsStable() {
    let hashes: [UInt64] = [1, 2, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF]
    let hash = Fingerprint.combine(hashes, blockCount: 2, elementCount: 5000)
    #expect(Fingerprint.digits(of: hash) == "668006704cf568de4022fbba4b6b7f95")
  }
}
