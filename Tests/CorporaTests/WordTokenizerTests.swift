import Foundation
import Records
import Testing

@testable import Corpora

@Suite struct WordTokenizerTests {
  @Test func otherTextsMustBeUTF8Too() throws {
    let known = try withTemporaryFile("a b c\n".utf8) {
      try TokenCorpus(path: $0, learning: .word).tokenizer
    }
    _ = try withTemporaryFile(Array("a b ".utf8) + [0xFF, 0x41] + Array(" c".utf8)) { path in
      #expect(throws: CorpusError.invalidUTF8(path: path, offset: 4)) {
        _ = try TokenCorpus(path: path, tokenizer: known)
      }
    }
    let tokens = try withTemporaryFile("a é b".utf8) {
      try TokenCorpus(path: $0, tokenizer: known).count
    }
    #expect(tokens == 4)
  }

  private func corpus(
    _ text: String, minimumCount: Int = 1, limit: Int = 0, rules: TextRules = .newest
  ) throws -> TokenCorpus {
    var learning = Tokenizer.Learning(.word, minimumCount: minimumCount, vocabularyLimit: limit)
    learning.rules = rules
    return try withTemporaryFile(text.utf8) { try TokenCorpus(path: $0, learning: learning) }
  }

  private func tokens(_ corpus: TokenCorpus) -> [Int32] { (0..<corpus.count).map { corpus[$0] } }

  @Test func wordsAreNumberedByCountAndThenByBytes() throws {
    let corpus = try corpus("b a c b\na b d d\n")
    // <unk> 0, <eos> 1, b 2, a 3, d 4, c 5.
    #expect(tokens(corpus) == [2, 3, 5, 2, 1, 3, 2, 4, 4, 1])
    #expect(corpus.tokenizer.vocabularySize == 6)
    #expect(corpus.tokenizer.decodeText([2, 3, 1, 0]) == "b a \n<unk> ")
  }

  @Test(arguments: [
    ("a\n", 2), ("a", 2), ("\n", 1), ("\n\n", 2), (" ", 1), ("a\n b", 4), (" a \n \n", 3),
    ("a\r\nb\tc\u{B}d\u{C}", 6),
  ])
  func everyLineEndsWithOneEndToken(text: String, count: Int) throws {
    #expect(try corpus(text).count == count)
  }

  @Test func rareWordsAndThoseBeyondTheLimitAreUnknown() throws {
    let text = "a a a b b c c d\n"
    #expect(tokens(try corpus(text, minimumCount: 2)) == [2, 2, 2, 3, 3, 4, 4, 0, 1])
    let limited = try corpus(text, limit: 4)
    #expect(limited.tokenizer.vocabularySize == 4)
    #expect(tokens(limited) == [2, 2, 2, 3, 3, 0, 0, 0, 1])
  }

  @Test func textMaySpellSpecialTokens() throws {
    let corpus = try corpus("<unk> a <eos> <unk>\n")
    #expect(tokens(corpus) == [0, 2, 1, 0, 1])
    #expect(corpus.tokenizer.vocabularySize == 3)
  }

  @Test func bytesOfTokensAddUpToTheText() throws {
    let corpus = try corpus("  one  two\n\nthree ü  ")
    #expect(corpus.count == 7)
    var sum = 0
    for index in 0..<corpus.count { sum += corpus.byteCount(of: index..<index + 1) }
    #expect(sum == "  one  two\n\nthree ü  ".utf8.count)
    #expect(corpus.byteCount(of: 0..<corpus.count) == sum)
    #expect(corpus.byteCount(of: 1..<3) == "  two\n".utf8.count)
    #expect(corpus.byteCount(of: 2..<2) == 0)
  }

  @Test func aPromptDoesNotEndItsLine() throws {
    let tokenizer = try corpus("the cat sat\n").tokenizer
    #expect(tokenizer.encode("the cat") == [4, 2])
    #expect(tokenizer.encode("the\n") == [4, 1])
    #expect(tokenizer.encode("") == [])
    #expect(tokenizer.separator(after: "the") == [0x20])
    #expect(tokenizer.separator(after: "the\n") == [])
    #expect(tokenizer.separator(after: "") == [])
    #expect(tokenizer.unknownParts(of: "the dog  sat on") == ["dog", "on"])
  }

  @Test func combiningCharactersDistinguishWords() throws {
    // The same text to String's comparison, but not the same bytes.
    let corpus = try corpus("e\u{301} \u{E9}\n")
    #expect(corpus.tokenizer.vocabularySize == 4)
    #expect(corpus[0] != corpus[1])
  }

  @Test func descriptionRebuildsTheTokenizer() throws {
    for text in ["the cat \"sat\" \\ / e\u{301} \u{E9} 世界 \u{0} \u{7F} \u{FEFF}\n", " \n"] {
      let tokenizer = try corpus(text).tokenizer
      let json = try OrderedJSON(parsing: try tokenizer.json.sortedLine())
      let again = try Tokenizer(json: try JSONFields(json))
      #expect(again == tokenizer)
      #expect(again.encode(text) == tokenizer.encode(text))
    }
  }

  @Test(arguments: ["a  b", " a", "a ", "a\nb", "a a", "<unk>", "a <eos>"])
  func rejectsDamagedDescriptions(words: String) throws {
    let json: OrderedJSON = ["kind": "word", "words": .string(words)]
    #expect(throws: JSONFieldError.self) { try Tokenizer(json: try JSONFields(json)) }
  }

  @Test func rejectsTextThatIsNotUTF8() throws {
    _ = try withTemporaryFile(Array("ab c".utf8) + [0xFF, 0x0A]) { path in
      #expect(throws: CorpusError.invalidUTF8(path: path, offset: 4)) {
        try TokenCorpus(path: path, learning: .word)
      }
    }
  }

  @Test func looksUpManyWords() throws {
    let words = (0..<70_000).map { "w\($0 * 7919 % 70_001)" }
    let corpus = try corpus(words.joined(separator: " ") + "\n")
    #expect(corpus.tokenizer.vocabularySize == Set(words).count + 2)
    #expect(
      corpus.tokenizer.decodeText(tokens(corpus)) == words.joined(separator: " ") + " \n")
  }

  @Test func boundedCountsForgetTheRarestWords() {
    var counts = ByteStringCounts(room: 100)
    for round in 0..<2000 {
      // Ten words that are frequent, and ever new ones.
      for word in ["f\(round % 10)", "r\(round)"] {
        _ = Array(word.utf8).withUnsafeBytes { counts.add($0) }
      }
      #expect(counts.table.count < 100)
    }
    let frequent = counts.order.prefix(10).map { String(decoding: counts.table[$0], as: UTF8.self) }
    #expect(frequent.sorted() == (0..<10).map { "f\($0)" })
    #expect(counts.forgotten > 0)
  }
}
