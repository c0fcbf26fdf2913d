import Corpora
import Foundation
import Records
import Testing

/// Files packed by gzip are what is packed in them, however their bytes come.
@Suite struct ByteSourceTests {
  /// A member of a gzip file whose content is stored as it is.
  private static func stored(_ text: String) -> [UInt8] {
    let content = Array(text.utf8)
    var check = ~UInt32(0)
    for byte in content {
      check ^= UInt32(byte)
      for _ in 0..<8 { check = check >> 1 ^ (check & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    func little(_ number: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + little(content.count, 2)
      + little(~content.count, 2) + content + little(Int(~check), 4) + little(content.count, 4)
  }

  private func read(_ bytes: [UInt8], step: Int, room: Int = 7) throws -> [UInt8] {
    var place = 0
    let source = try ByteSource { buffer in
      let part = bytes[place..<min(bytes.count, place + min(step, buffer.count))]
      buffer.copyBytes(from: part)
      place += part.count
      return part.count
    }
    var found: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: room)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
      if count == 0 { return found }
      found += buffer[..<count]
    }
  }

  @Test func packedBytesAreUnpacked() throws {
    let parts = [
      ("plain text", Array("plain text".utf8)), ("", []), ("\u{1F}", [0x1F]),
      ("one", Self.stored("one")), ("one two", Self.stored("one ") + Self.stored("two")),
      ("one", Self.stored("one") + [0, 0, 0]), ("", Self.stored("")),
    ]
    for (text, bytes) in parts {
      for step in [1, 3, .max] {
        #expect(String(decoding: try read(bytes, step: step), as: UTF8.self) == text)
      }
    }
    let table = "x,y\n" + (0..<400).map { "\($0 % 7),\($0 % 5)\n" }.joined()
    let packed = try #require(Data(base64Encoded: Self.packedTable))
    for step in [1, 10, .max] {
      #expect(try read(Array(packed), step: step, room: 1000) == Array(table.utf8))
    }
  }

  @Test func damagedBytesAreErrors() throws {
    let sound = Self.stored("one ") + Self.stored("two")
    let whole = Self.stored("one ").count
    for end in 2..<sound.count where end != whole {
      #expect(throws: GzipError.self) { try read(Array(sound[..<end]), step: 5) }
    }
    var damaged = sound
    damaged[17] ^= 1
    let error = #expect(throws: GzipError.self) { try read(damaged, step: .max) }
    #expect(error?.description.contains("damaged") == true)
    #expect(throws: GzipError.self) { try read(sound + Array("more".utf8), step: .max) }
  }

  @Test func preparationReadsPackedTexts() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("packed-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(Self.stored("abc") + Self.stored("def")).write(
      to: folder.appendingPathComponent("a.gz"))
    try Data("ghi".utf8).write(to: folder.appendingPathComponent("b.txt"))
    let output = folder.path + ".tokens"
    defer { try? FileManager.default.removeItem(atPath: output) }
    var preparation = Preparation(
      inputs: [folder.path], output: output, learning: .init(.byte)
    ) { _ in throw CorpusError.missing(path: "") }
    preparation.overwrite = true
    try preparation.run(console: Console(isJSON: false, isCoordinator: false))
    let corpus = try TokenCorpus(path: output, learning: .init(.byte))
    // A newline comes between the two, which end without one.
    #expect(corpus.count == 10)
  }

  private static let packedTable =
    "H4sIAAAAAAACA+3OuRHAAAgEsZxaCDi+2uzuvW14hlSRHn8tPEwuS08rL2tvG2yxwIQlVlhjgy0WmLDECmtssMUC"
    + "E5ZYYY0NtlhgwhIrrLHBFrvLXe5yl7v85/IBldGE6UQGAAA="
}
