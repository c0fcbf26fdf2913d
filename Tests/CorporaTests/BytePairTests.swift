import Foundation
import Records
import Testing

@testable import Corpora

@Suite struct BytePairTests {
  private func corpus(
    _ text: [UInt8], limit: Int = 0, minimumCount: Int = 1, rules: TextRules = .newest
  ) throws -> TokenCorpus {
    var learning = Tokenizer.Learning(
      .bytePair, minimumCount: minimumCount, vocabularyLimit: limit)
    learning.rules = rules
    return try withTemporaryFile(text) { try TokenCorpus(path: $0, learning: learning) }
  }

  private func chunks(_ text: [UInt8], _ rules: TextRules = .newest) -> [[UInt8]] {
    text.withUnsafeBytes { bytes in
      var scanner = ChunkScanner(bytes, rules: rules)
      var chunks: [[UInt8]] = []
      while let chunk = scanner.next() { chunks.append(Array(chunk)) }
      return chunks
    }
  }

  /// Replaces every occurrence of a pair, from left to right.
  private static func merge(_ pair: TokenPair, into id: Int32, _ tokens: inout [Int32]) {
    var merged: [Int32] = []
    for token in tokens {
      if merged.last == pair.left, token == pair.right {
        merged[merged.count - 1] = id
      } else {
        merged.append(token)
      }
    }
    tokens = merged
  }

  /// Whether the bytes of a token are whole characters.
  private func isWhole(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// The algorithm in its plainest form: counts everything again for every merge, and by version 2
  /// of the rules leaves pairs out that are neither whole characters nor a part of one.
  private func merges(_ text: [UInt8], count: Int, _ rules: TextRules) -> [TokenPair] {
    var spellings = (0...255).map { [UInt8($0)] }
    var chunks = chunks(text, rules).map { $0.map { Int32($0) } }
    var merges: [TokenPair] = []
    while merges.count < count {
      var counts: [TokenPair: Int] = [:]
      for chunk in chunks {
        for (left, right) in zip(chunk, chunk.dropFirst()) {
          let (first, second) = (spellings[Int(left)], spellings[Int(right)])
          let isPart = !isWhole(first) && !isWhole(second) && second[0] & 0xC0 == 0x80
          guard rules == .one || (isWhole(first) && isWhole(second)) || isPart else { continue }
          counts[.init(left: left, right: right), default: 0] += 1
        }
      }
      let best = counts.min { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
      guard let best, best.value >= 2 else { break }
      for index in chunks.indices {
        Self.merge(best.key, into: Int32(256 + merges.count), &chunks[index])
      }
      spellings.append(spellings[Int(best.key.left)] + spellings[Int(best.key.right)])
      merges.append(best.key)
    }
    return merges
  }

  @Test func bytesOfNoCharacterStandAlone() throws {
    let text: [UInt8] = [0x61, 0xE9, 0x20, 0xFF, 0xFE, 0x62, 0xE4, 0xBD, 0x63, 0xC3, 0xA9, 0xE4]
    #expect(
      chunks(text, .two) == [
        [0x61], [0xE9], [0x20], [0xFF], [0xFE], [0x62], [0xE4], [0xBD], [0x63, 0xC3, 0xA9], [0xE4],
      ])
    let tokenizer = try corpus(Array(repeatElement(text, count: 100).joined())).tokenizer
    let encoded = try withTemporaryFile(text) { try TokenCorpus(path: $0, tokenizer: tokenizer) }
    for byte in [0xE9, 0xFF, 0xFE, 0xE4, 0xBD] as [Int32] {
      #expect((0..<encoded.count).contains { encoded[$0] == byte })
    }
  }

  @Test func tokensOfChineseAreCharacters() throws {
    let text = "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。寒来暑往，秋收冬藏。"
    let corpus = try corpus(Array(String(repeating: text, count: 20).utf8), limit: 400)
    guard case .bytePair(let vocabulary) = corpus.tokenizer else { return }
    // Every character occurs 20 times: each token of more than a byte is a part of one or whole.
    for token in 256..<Int32(vocabulary.size) {
      let bytes = Array(vocabulary.bytes(of: token))
      #expect(isWhole(bytes) || bytes.count < 3, "\(bytes)")
    }
    #expect(corpus.tokenizer.encode("天地玄黄").count == 1)
    // The same words have the same tokens, whatever stands before them.
    let tokens = corpus.tokenizer.encode("日月盈昃")
    #expect(corpus.tokenizer.encode("宇宙洪荒。日月盈昃，").dropFirst(2).prefix(tokens.count) == tokens[...])
  }

  @Test(arguments: [1, 2, 3, 4], TextRules.allCases)
  func mergesEqualThePlainAlgorithm(seed: UInt64, rules: TextRules) throws {
    var generator = SeededGenerator(seed: seed)
    let words = (0..<40).map { _ in
      (0..<Int.random(in: 1...7, using: &generator)).map { _ in
        "aaabcdé字宇".randomElement(using: &generator).map(String.init)!
      }.joined()
    }
    let text = Array(
      (0..<600).map { _ in words.randomElement(using: &generator)! }
        .joined(separator: " ").utf8)
    let corpus = try corpus(text, limit: 256 + 70, rules: rules)
    guard case .bytePair(let vocabulary) = corpus.tokenizer else { return }
    #expect(vocabulary.merges == merges(text, count: 70, rules))
    #expect(vocabulary.merges.count > 40)
  }

  @Test(arguments: TextRules.allCases)
  func decodingInvertsEncoding(rules: TextRules) throws {
    var generator = SeededGenerator(seed: 5)
    let training = Array(String(repeating: "the cat sat on the mat. ", count: 50).utf8)
    let tokenizer = try corpus(training, rules: rules).tokenizer
    #expect(tokenizer.vocabularySize > 256)
    for _ in 0..<50 {
      let text = (0..<120).map { _ in UInt8.random(in: 0...255, using: &generator) } + training
      let other = try withTemporaryFile(text) { try TokenCorpus(path: $0, tokenizer: tokenizer) }
      let tokens = (0..<other.count).map { other[$0] }
      #expect(tokenizer.decode(tokens) == text)
      #expect(tokens.count < text.count / 2)
      #expect(Set(tokens).count > 40)
      let middle = tokens.count / 2
      #expect(other.byteCount(of: 1..<middle) == tokenizer.decode(tokens[1..<middle]).count)
    }
    #expect(tokenizer.decodeText(tokenizer.encode("a mat, naïvely 世界")) == "a mat, naïvely 世界")
    #expect(tokenizer.encode("the cat").count == 2)
  }

  @Test func encodingTheTrainingTextRepeatsItsMerges() throws {
    let text = Array("low low low lower lower newest newest widest widest wider".utf8)
    let corpus = try corpus(text, limit: 300)
    guard case .bytePair(let vocabulary) = corpus.tokenizer else { return }
    var chunks = chunks(text).map { $0.map { Int32($0) } }
    for (index, pair) in vocabulary.merges.enumerated() {
      for place in chunks.indices {
        Self.merge(pair, into: Int32(256 + index), &chunks[place])
      }
    }
    #expect((0..<corpus.count).map { corpus[$0] } == chunks.flatMap { $0 })
  }

  @Test func limitsAndRarePairsEndTheMerges() throws {
    let text = Array("aaaa bbbb abab cdcd".utf8)
    #expect(try corpus(text, limit: 257).tokenizer.vocabularySize == 257)
    #expect(try corpus(text, minimumCount: 1000).tokenizer.vocabularySize == 256)
  }

  @Test func descriptionRebuildsTheTokenizer() throws {
    let tokenizer = try corpus(Array("the cat sat on the mat, the cat sat".utf8)).tokenizer
    let json = try OrderedJSON(parsing: try tokenizer.json.sortedLine())
    #expect(json["kind"] == "bpe")
    #expect(try Tokenizer(json: try JSONFields(json)) == tokenizer)
  }

  @Test(arguments: ["1", "1 2 3", "256 1", "-1 2", "1 2 1 2", "1 x", "4294967296 1", "1 2 257 3"])
  func rejectsDamagedDescriptions(merges: String) throws {
    let json: OrderedJSON = ["kind": "bpe", "merges": .string(merges)]
    #expect(throws: JSONFieldError.self) { try Tokenizer(json: try JSONFields(json)) }
  }

  @Test func rejectsMergesAcrossChunks() throws {
    // Each merge doubles the last: the seventh would stand for 128 bytes.
    let merges = (0..<7).map { $0 == 0 ? "97 97" : "\(255 + $0) \(255 + $0)" }
    for (count, isSound) in [(6, true), (7, false)] {
      let text = merges.prefix(count).joined(separator: " ")
      let json: OrderedJSON = ["kind": "bpe", "merges": .string(text)]
      let tokenizer = try? Tokenizer(json: JSONFields(json))
      #expect((tokenizer != nil) == isSound)
    }
    // By version 2 a chunk has up to 65 bytes.
    let text = merges.prefix(6).joined(separator: " ")
    for (merges, isSound) in [(text, true), (text + " 261 97", true), (text + " 261 261", false)] {
      let json: OrderedJSON = ["kind": "bpe", "rules": 2, "merges": .string(merges)]
      let tokenizer = try? Tokenizer(json: JSONFields(json))
      #expect((tokenizer != nil) == isSound, "\(merges)")
    }
  }
}
