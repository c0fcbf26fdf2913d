import Foundation
import Testing

@testable import Corpora

@Suite struct JoinedTextsTests {
  /// Prepares texts as one token file.
  private func prepared(
    _ texts: [String], _ kind: Tokenizer.Kind, _ rules: TextRules = .newest
  ) throws -> (corpus: TokenCorpus, summary: CorpusPreparation.Summary) {
    try withTemporaryDirectory { directory in
      let paths = texts.indices.map { "\(directory)/\($0)" }
      for (path, text) in zip(paths, texts) {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      }
      let preparation = CorpusPreparation(texts: paths, output: directory + "/tokens")
      var learning = Tokenizer.Learning(kind)
      learning.rules = rules
      let summary = try preparation.write(with: try preparation.learn(learning))
      return (try TokenCorpus(path: directory + "/tokens", learning: kind), summary)
    }
  }

  private func text(_ corpus: TokenCorpus) -> String {
    corpus.tokenizer.decodeText((0..<corpus.count).map { corpus[$0] })
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func aNewlineComesBehindATextThatEndsWithoutOne(kind: Tokenizer.Kind) throws {
    let (corpus, summary) = try prepared(["one", "two\n", "three", "four"], kind)
    let spaced = kind == .word ? "one \ntwo \nthree \nfour \n" : "one\ntwo\nthree\nfour"
    #expect(text(corpus) == spaced)
    #expect(summary.newlines == 2)
    #expect(summary.textBytes == "one\ntwo\nthree\nfour".utf8.count)
    #expect(corpus.byteCount(of: 0..<corpus.count) == summary.textBytes)
    #expect(corpus.tokenizer.encode("\n") != corpus.tokenizer.unknown.map { [$0] })
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func everyLineEndIsOne(kind: Tokenizer.Kind) throws {
    for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
      #expect(try prepared(["one" + end, "two"], kind).summary.newlines == 0)
    }
    #expect(try prepared(["one\n ", "two"], kind).summary.newlines == 1)
    #expect(try prepared(["one"], kind).summary.newlines == 0)
  }

  @Test func marksOfSeveralTextsAreNoPart() throws {
    let texts = ["\u{FEFF}one\n", "\u{FEFF}two\n"]
    #expect(text(try prepared(texts, .word).corpus) == "one \ntwo \n")
    #expect(text(try prepared(texts, .character).corpus) == "one\ntwo\n")
    #expect(text(try prepared(texts, .bytePair).corpus) == "one\ntwo\n")
    #expect(try prepared(texts, .byte).summary.textBytes == 14)
    #expect(try prepared(texts, .word).summary.textBytes == 8)
  }

  @Test func version1GluedCharacters() throws {
    let joined = try prepared(["one", "two"], .character, .one)
    #expect(text(joined.corpus) == "onetwo")
    #expect(joined.summary.newlines == 0)
    #expect(text(try prepared(["one", "two"], .word, .one).corpus) == "one \ntwo \n")
  }

  @Test func spelledTokensAreCounted() throws {
    let summary = try prepared(["a <unk> b <unk>\n<eos> <unk>s c\n"], .word).summary
    #expect(summary.spelled == SpelledTokens(unknown: 2, lineEnds: 1))
    #expect(
      summary.spelled.words
        == "the text spells <unk> 2 times and <eos> 1 time, which are read as the tokens of these "
        + "names")
    #expect(try prepared(["<unk> <eos>\n"], .bytePair).summary.spelled.words == nil)
  }

  @Test func lengthsOfWordsAreExact() throws {
    let words = ["a", "bcd", String(repeating: "long", count: 60), "ünï", "世界"]
    let spaces = [" ", "\t  ", String(repeating: " ", count: 300), "\u{3000}"]
    var generator = SeededGenerator(seed: 21)
    let text = (0..<5000).map { index in
      words.randomElement(using: &generator)! + spaces.randomElement(using: &generator)!
        + (index % 7 == 6 ? "\n" : "")
    }.joined() + "end"
    let mapped = try prepared([text], .word).corpus
    let direct = try withTemporaryFile(text.utf8) {
      try TokenCorpus(path: $0, tokenizer: mapped.tokenizer)
    }
    #expect(mapped.count == direct.count)
    for _ in 0..<60 {
      let start = Int.random(in: 0..<direct.count, using: &generator)
      let end = Int.random(in: start...direct.count, using: &generator)
      #expect(mapped.byteCount(of: start..<end) == direct.byteCount(of: start..<end))
    }
  }

  @Test func lengthsOfUnknownCharactersAreExact() throws {
    let tokenizer = try prepared(["abc\n"], .character).corpus.tokenizer
    try withTemporaryDirectory { directory in
      let (text, file) = (directory + "/text", directory + "/tokens")
      for (content, hasLengths) in [("añb世界c🌍a\n", true), ("abcabc\n", false)] {
        try Data(content.utf8).write(to: URL(fileURLWithPath: text))
        _ = try CorpusPreparation(texts: [text], output: file).write(with: tokenizer)
        let bytes = try MappedFile(path: file)
        let header = try TokenFile(bytes.bytes, path: file).header
        #expect((header.lengthBytes > 0) == hasLengths)
        let mapped = try TokenCorpus(path: file, learning: .character)
        let direct = try TokenCorpus(path: text, tokenizer: tokenizer)
        for index in 0...direct.count {
          #expect(mapped.byteCount(of: 0..<index) == direct.byteCount(of: 0..<index))
        }
      }
    }
  }
}
