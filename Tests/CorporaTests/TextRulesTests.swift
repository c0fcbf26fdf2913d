import Foundation
import NumericContract
import Records
import Testing

@testable import Corpora

@Suite struct TextRulesTests {
  private func corpus(
    _ text: some Sequence<UInt8>, _ kind: Tokenizer.Kind, _ rules: TextRules
  ) throws -> TokenCorpus {
    var learning = Tokenizer.Learning(kind)
    learning.rules = rules
    return try withTemporaryFile(text) { try TokenCorpus(path: $0, learning: learning) }
  }

  /// Words, and "/" for line ends.
  private func items(_ text: String, _ rules: TextRules) -> [String] {
    Array(text.utf8).withUnsafeBytes { bytes in
      var scanner = WordScanner(bytes, rules: rules)
      var items: [String] = []
      while let item = scanner.next() {
        if case .word(let word) = item {
          items.append(String(decoding: word, as: UTF8.self))
        } else {
          items.append("/")
        }
      }
      return items
    }
  }

  @Test func contractsHaveTheirRules() {
    #expect(TextRules(.one) == .one)
    #expect(TextRules(.two) == .two)
    #expect(TextRules(.newest) == .newest)
  }

  @Test(arguments: [
    "\t", "\u{B}", "\u{C}", " ", "\u{A0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}",
    "\u{2003}", "\u{2004}", "\u{2005}", "\u{2006}", "\u{2007}", "\u{2008}", "\u{2009}",
    "\u{200A}", "\u{202F}", "\u{205F}", "\u{3000}",
  ])
  func whiteSpaceSeparatesWords(space: String) {
    #expect(items("a\(space)b", .two) == ["a", "b", "/"])
    #expect(items("\(space)ä\(space)\(space)字\(space)", .two) == ["ä", "字", "/"])
    let isASCII = space.utf8.count == 1
    #expect(items("a\(space)b", .one) == (isASCII ? ["a", "b", "/"] : ["a\(space)b", "/"]))
  }

  @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"])
  func lineEndsEndLines(end: String) {
    #expect(items("a b\(end)c\(end)", .two) == ["a", "b", "/", "c", "/"])
    #expect(items("a\(end)\(end)b", .two) == ["a", "/", "/", "b", "/"])
    #expect(items("\(end)", .two) == ["/"])
  }

  @Test func lineEndsOfVersion1AreNewlines() {
    #expect(items("a\r\nb\rc\u{85}d\u{2028}e\n", .one) == ["a", "/", "b", "c\u{85}d\u{2028}e", "/"])
  }

  @Test(arguments: [
    "\u{200B}", "\u{2060}", "\u{180E}", "\u{FEFF}", "\u{86}", "\u{200C}", "\u{2027}", "\u{1681}",
    "\u{3001}", "\u{1F}", "\u{0}",
  ])
  func othersAreNoWhiteSpace(scalar: String) {
    #expect(items("a\(scalar)b \(scalar)", .two) == ["a\(scalar)b", scalar, "/"])
  }

  @Test func cutSequencesAreNoWhiteSpace() {
    for bytes in [[0x61, 0xC2], [0x61, 0xE2, 0x80], [0x61, 0xE3], [0xE2, 0x80, 0x61]] as [[UInt8]] {
      #expect(TextRules.two.words(of: bytes) == [bytes])
    }
  }

  @Test func aByteOrderMarkIsNoPartOfAText() throws {
    let text = Array("\u{FEFF}the cat\u{FEFF}\n".utf8)
    let words = try corpus(text, .word, .two)
    let read = words.tokenizer.decodeText((0..<words.count).map { words[$0] })
    #expect(read == "the cat\u{FEFF} \n")
    #expect(words.byteCount(of: 0..<words.count) == text.count - 3)
    let characters = try corpus(text, .character, .two)
    #expect(characters.count == 9)
    #expect(characters.tokenizer.decodeText([characters[0]]) == "t")
    let pairs = try corpus(text, .bytePair, .two)
    #expect(pairs.tokenizer.decode((0..<pairs.count).map { pairs[$0] }) == Array(text.dropFirst(3)))
    #expect(pairs.byteCount(of: 0..<pairs.count) == text.count - 3)
    let bytes = try corpus(text, .byte, .two)
    #expect(bytes.count == text.count)
    // Version 1 kept it.
    #expect(try corpus(text, .character, .one).count == 10)
    #expect(try corpus(text, .word, .one).tokenizer.encode("the") == [0])
    _ = try withTemporaryFile([0xEF, 0xBB, 0xBF]) { path in
      #expect(throws: CorpusError.empty(path: path)) {
        try TokenCorpus(path: path, learning: .word)
      }
    }
  }

  @Test func offsetsOfErrorsAreThoseOfTheFile() throws {
    for kind in [Tokenizer.Kind.word, .character] {
      _ = try withTemporaryFile(Array("\u{FEFF}ab c".utf8) + [0xFF]) { path in
        #expect(throws: CorpusError.invalidUTF8(path: path, offset: 7)) {
          _ = try TokenCorpus(path: path, learning: kind)
        }
      }
    }
  }

  @Test(arguments: [Tokenizer.Kind.character, .word, .bytePair])
  func rulesAreKept(kind: Tokenizer.Kind) throws {
    let text = Array("a text of a few words, of a few".utf8)
    let one = try corpus(text, kind, .one).tokenizer
    let two = try corpus(text, kind, .two).tokenizer
    #expect(one != two)
    #expect(one.json["rules"] == nil)
    #expect(two.json["rules"] == 2)
    for tokenizer in [one, two] {
      let json = try OrderedJSON(parsing: try tokenizer.json.sortedLine())
      #expect(try Tokenizer(json: try JSONFields(json)) == tokenizer)
    }
    let difference = try #require(one.difference(own: "the run", from: two, of: "the text"))
    #expect(difference.contains("version 1 of the rules, the text by version 2"))
    let line = two.json.line.replacing("\"rules\":2", with: "\"rules\":3")
    let json = try OrderedJSON(parsing: Array(line.utf8))
    let isKnown = (try? Tokenizer(json: try JSONFields(json))) != nil
    #expect(!isKnown)
    // A token file keeps them too, and its own hold for whoever reads it.
    try withTemporaryDirectory { directory in
      try Data(text).write(to: URL(fileURLWithPath: directory + "/text"))
      for tokenizer in [one, two] {
        let file = directory + "/\(tokenizer.rules?.rawValue ?? 0)"
        _ = try CorpusPreparation(texts: [directory + "/text"], output: file).write(with: tokenizer)
        #expect(try TokenCorpus(path: file, learning: kind).tokenizer == tokenizer)
      }
    }
  }

  @Test func promptsAreCutByTheRulesToo() throws {
    let tokenizer = try corpus("the cat\n".utf8, .word, .two).tokenizer
    #expect(tokenizer.encode("the\u{3000}cat\r") == [3, 2, 1])
    #expect(tokenizer.encode(" \u{A0} ") == [])
    #expect(tokenizer.separator(after: "the\u{3000}") == [])
    #expect(tokenizer.separator(after: "the") == [0x20])
    #expect(tokenizer.unknownParts(of: "a\u{2003}cat b") == ["a", "b"])
  }
}
