import Testing

@testable import Corpora

@Suite struct ChunkScannerTests {
  private func chunks(_ text: [UInt8], _ rules: TextRules = .newest) -> [[UInt8]] {
    text.withUnsafeBytes { bytes in
      var scanner = ChunkScanner(bytes, rules: rules)
      var chunks: [[UInt8]] = []
      while let chunk = scanner.next() { chunks.append(Array(chunk)) }
      return chunks
    }
  }

  private func texts(_ text: String, _ rules: TextRules) -> [String] {
    chunks(Array(text.utf8), rules).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: TextRules.allCases)
  func chunksAreRunsWithTheirLeadingSpace(rules: TextRules) {
    let text = "Don't  stop at 42,\n\n  they said ...\tü "
    #expect(
      texts(text, rules) == [
        "Don", "'", "t", " ", " stop", " at", " 42", ",", "\n\n ", " they", " said", " ...", "\t",
        "ü", " ",
      ])
  }

  @Test func charactersOfUnicodeAreToldApart() {
    // Full-width and general punctuation is no letter, a full-width or Arabic digit is a number.
    #expect(
      texts("你好，世界。“是”！４２元 — ٣٤ año", .two) == [
        "你好", "，", "世界", "。“", "是", "”！", "４２", "元", " —", " ٣٤", " año",
      ])
    #expect(texts("你好，世界。", .one) == ["你好，世界。"])
    // Marks go with what they stand behind, whatever that is; a first one begins a word.
    #expect(texts("e\u{301}t\u{E9} 👍\u{FE0F}! \u{301}a", .two) == [
      "e\u{301}t\u{E9}", " 👍\u{FE0F}!", " \u{301}a",
    ])
    #expect(texts("क्\u{200D}ष, می\u{200C}خواهم", .two) == ["क्\u{200D}ष", ",", " می\u{200C}خواهم"])
    // Unicode's white space is white space, and only U+0020 goes with a word.
    #expect(texts("a\u{3000}b\u{A0}\u{2028} c", .two) == [
      "a", "\u{3000}", "b", "\u{A0}\u{2028}", " c",
    ])
    #expect(texts("\u{FEFF}a", .two) == ["\u{FEFF}", "a"])
  }

  @Test func longRunsAreCutFromTheirOwnBeginning() {
    let run = [UInt8](repeating: 0x61, count: 150)
    #expect(chunks(run, .one).map(\.count) == [64, 64, 22])
    #expect(chunks([0x20] + run, .one).map(\.count) == [64, 64, 23])
    #expect(chunks(run, .two).map(\.count) == [64, 64, 22])
    #expect(chunks([0x20] + run, .two).map(\.count) == [65, 64, 22])
    // 21 characters of 3 bytes fit into 64 bytes.
    let han = Array(String(repeating: "字", count: 50).utf8)
    #expect(chunks(han, .two).map(\.count) == [63, 63, 24])
    #expect(chunks(Array("ab, ".utf8) + han, .two).map(\.count) == [2, 1, 64, 63, 24])
    let spaces = [UInt8](repeating: 0x20, count: 200)
    #expect(chunks(spaces + [0x61], .two).map(\.count) == [64, 64, 64, 7, 2])
  }

  @Test func theTableOfClassesIsUnicodes() {
    let classes = CharacterClasses.unicode17
    let given: [(UInt32, CharacterClass)] = [
      (0x80, .sign), (0x85, .space), (0xA0, .space), (0xAA, .letter), (0xB2, .number),
      (0xD7, .sign), (0xE9, .letter), (0x300, .mark), (0x660, .number), (0x1680, .space),
      (0x200A, .space), (0x200B, .sign), (0x200C, .mark), (0x200D, .mark), (0x2010, .sign),
      (0x2028, .space), (0x2029, .space), (0x202F, .space), (0x205F, .space), (0x2160, .number),
      (0x20AC, .sign), (0x3000, .space), (0x3001, .sign), (0x3005, .letter), (0x4E00, .letter),
      (0x9FFF, .letter), (0xAC00, .letter), (0xE000, .sign), (0xFE0F, .mark), (0xFEFF, .sign),
      (0xFF01, .sign), (0xFF11, .number), (0xFF21, .letter), (0xFFFD, .sign), (0x1F600, .sign),
      (0x20000, .letter), (0xE0100, .mark), (0x10FFFD, .sign),
    ]
    for (scalar, kind) in given { #expect(classes[scalar] == kind, "\(scalar)") }
    // What the standard library knows by an earlier or later version of Unicode differs little.
    let different = (UInt32(0x80)...0x10_FFFF).count { value in
      guard let scalar = Unicode.Scalar(value) else { return false }
      let category = scalar.properties.generalCategory
      let isLetter = [
        .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      ].contains(category)
      return category != .unassigned && isLetter != (classes[value] == .letter)
    }
    #expect(different < 20)
  }

  @Test(arguments: TextRules.allCases)
  func chunksConcatenateToTheInput(rules: TextRules) {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      let length = Int.random(in: 0...200, using: &generator)
      let text = (0..<length).map { _ in
        Bool.random(using: &generator)
          ? UInt8.random(in: 0...255, using: &generator)
          : [0x20, 0x20, 0x61, 0x0A, 0x39, 0x2E, 0xE4, 0xBD, 0xC2].randomElement(using: &generator)!
      }
      let chunks = chunks(text, rules)
      #expect(chunks.flatMap { $0 } == text)
      #expect(chunks.allSatisfy { (1...rules.longestChunk).contains($0.count) })
    }
  }
}
