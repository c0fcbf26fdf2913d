import Foundation
import Records
import Testing

@testable import Corpora

@Suite struct TokenizerTests {
  private func characters(_ text: String) throws -> Tokenizer {
    try withTemporaryFile(text.utf8) { try TokenCorpus(path: $0, learning: .character).tokenizer }
  }

  @Test func bytesRoundTrip() {
    let text = "Grüße, 世界\u{0}\n"
    #expect(Tokenizer.byte.vocabularySize == 256)
    #expect(Tokenizer.byte.encode(text) == text.utf8.map { Int32($0) })
    #expect(Tokenizer.byte.decode(0..<256) == [UInt8](0...255))
    #expect(Tokenizer.byte.decodeText(Tokenizer.byte.encode(text)) == text)
  }

  @Test func scalarsAreNumberedByCodePoint() throws {
    let tokenizer = try characters("zebra é 🦓 e\u{301}")
    // The precomposed U+00E9 and the combining U+0301 are scalars of their own.
    #expect(tokenizer.encode(" aberz\u{E9}\u{301}🦓") == [0, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(tokenizer.vocabularySize == 10)
  }

  @Test func unseenScalarsShareTheLastToken() throws {
    let tokenizer = try characters("abc")
    #expect(tokenizer.encode("axé🦓c") == [0, 3, 3, 3, 2])
    #expect(tokenizer.decodeText([0, 3, 2]) == "a\u{FFFD}c")
  }

  @Test func combiningScalarsAreTokensOfTheirOwn() throws {
    let text = "e\u{301}\u{E9}\r\n"
    let tokenizer = try characters(text)
    let decoded = tokenizer.decode(tokenizer.encode(text))
    #expect(decoded == Array(text.utf8))
  }

  @Test(arguments: ["abc", "a\u{0}\t\n~\u{7F}\u{FEFF}\u{D7FF}\u{E000}\u{FFFF}\u{10FFFF}e\u{301}"])
  func descriptionRebuildsTheTokenizer(text: String) throws {
    for tokenizer in [Tokenizer.byte, try characters(text)] {
      let json = try OrderedJSON(parsing: try tokenizer.json.sortedLine())
      #expect(try Tokenizer(json: try JSONFields(json)) == tokenizer)
    }
  }

  @Test func descriptionIsReadable() throws {
    #expect(
      try characters("\nbcda xyz").json.sortedLine()
        == #"{"kind":"character","rules":2,"scalars":"A 20 61-64 78-7A"}"#)
  }

  @Test(arguments: [
    "", "G", "41-", "-41", "42-41", "41 41", "41  42", "42 41", "D800", "D7FF-E000", "110000",
    "41-42-43", "+41", "0000041", "41\u{301}", "４１",
  ])
  func rejectsDamagedDescriptions(runs: String) throws {
    let json: OrderedJSON = ["kind": "character", "scalars": .string(runs)]
    #expect(throws: JSONFieldError.self) { try Tokenizer(json: try JSONFields(json)) }
  }

  @Test func rejectsUnknownKinds() {
    let json: OrderedJSON = ["kind": "syllable"]
    #expect(throws: JSONFieldError.self) { try Tokenizer(json: try JSONFields(json)) }
  }

  @Test func scannerAgreesWithTheStandardLibraryOnArbitraryBytes() {
    var generator = SeededGenerator(seed: 7)
    // Bytes near the borders of the well-formed sequences occur often.
    let interesting: [UInt8] = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
      0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    var valid = 0
    for _ in 0..<40_000 {
      let length = Int.random(in: 1...5, using: &generator)
      let bytes = (0..<length).map { _ in interesting.randomElement(using: &generator)! }
      let scalars: [UInt32]? = bytes.withUnsafeBytes { buffer in
        var scanner = UTF8Scanner(buffer)
        var scalars: [UInt32] = []
        while let scalar = scanner.next() { scalars.append(scalar) }
        return scanner.failed ? nil : scalars
      }
      let expected = String(validating: bytes, as: UTF8.self)?.unicodeScalars.map(\.value)
      #expect(scalars == expected, "\(bytes)")
      if scalars != nil { valid += 1 }
    }
    #expect(valid > 1000)
  }
}

/// A small seeded generator, so that every run tests the same cases.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
