import Corpora
import Foundation
import Testing

/// Files that are no text are known before anything is learned from them.
@Suite struct FileSignatureTests {
  @Test(arguments: [
    (FileSignature.gzip, [0x1F, 0x8B, 8, 0]), (.zip, [0x50, 0x4B, 3, 4, 20]),
    (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0]),
    (.bzip2, [0x42, 0x5A, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]),
    (.zstd, [0x28, 0xB5, 0x2F, 0xFD]), (.pdf, Array("%PDF-1.7".utf8)),
    (.elf, [0x7F, 0x45, 0x4C, 0x46, 2]), (.utf16, [0xFF, 0xFE, 0x61, 0]),
    (.utf16, [0xFE, 0xFF, 0, 0x61]), (.utf32, [0xFF, 0xFE, 0, 0]), (.utf32, [0, 0, 0xFE, 0xFF]),
    (.utf16, Array("sixteen letters!".utf8).flatMap { [$0, 0] }),
    (.utf16, Array("sixteen letters!".utf8).flatMap { [0, $0] }),
    (.parquet, Array("PAR1".utf8) + [0x15]), (.arrow, Array("ARROW1".utf8) + [0, 0]),
    (.hdf5, [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]),
    (.numpy, [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]),
  ] as [(FileSignature, [UInt8])])
  func formatsAreKnownByTheirFirstBytes(format: FileSignature, bytes: [UInt8]) throws {
    #expect(FileSignature(bytes) == format)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "signature-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: path) }
    try Data(bytes + [UInt8](repeating: 7, count: 99)).write(to: path)
    guard FileSignature(bytes + [7]) == format else { return }
    for kind in Tokenizer.Kind.allCases {
      let error = #expect(throws: CorpusError.self) {
        try TokenCorpus(path: path.path, learning: kind)
      }
      #expect(error?.description.contains(format.name) == true)
      #expect(error?.description.contains(format.remedy(path: path.path)) == true)
    }
  }

  @Test(arguments: [
    "", "B", "BZh", "BZhao is a name, and no archive", "PK is short", "\u{FEFF}a", "P\0A\0",
    "ordinary text that is longer than thirty-two bytes",
  ])
  func textIsText(text: String) {
    #expect(FileSignature(Array(text.utf8)) == nil)
  }

  @Test func namesOfFilesAreQuotedForTheShell() {
    #expect(
      FileSignature.gzip.remedy(path: "it's.gz")
        == "unpack it: gzip -dc 'it'\\''s.gz' > 'it'\\''s'")
    // A name that is read as what the file was.
    #expect(
      FileSignature.utf16.remedy(path: "a.CSV").hasSuffix("'a.CSV' > 'a.utf8.CSV'"))
    #expect(FileSignature.utf16.remedy(path: "notes").hasSuffix("> 'notes.txt'"))
    #expect(FileSignature.xz.remedy(path: "a.jsonl.xz").hasSuffix("> 'a.jsonl'"))
  }
}
