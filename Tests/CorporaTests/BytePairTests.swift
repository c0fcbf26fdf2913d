import Foundation
import Records
import Testing

@testable import Corpora

@Suite struct BytePairTests {
  private func corpus(_ text: [UInt8], limit: Int = 0, minimumCount: Int = 1) throws -> TokenCorpus
  {
    try withTemporaryFile(text) {
      try TokenCorpus(
        path: $0,
        learning: Tokenizer.Learning(
          .bytePair, minimumCount: minimumCount, vocabularyLimit: limit))
    }
  }

  private func chunks(_ text: [UInt8]) -> [[UInt8]] {
    text.withUnsafeBytes { bytes in
      var scanner = ChunkScanner(bytes)
      var chunks: [[UInt8]] = []
      while let chunk = scanner.next() { chunks.append(Array(chunk)) }
      return chunks
    }
  }

  /// The algorithm in its plainest form: counts everything again for every merge.
  private func merges(_ text: [UInt8], count: Int) -> [BytePairVocabulary.Pair] {
    var chunks = chunks(text).map { $0.map { Int32($0) } }
    var merges: [BytePairVocabulary.Pair] = []
    while merges.count < count {
      var counts: [BytePairVocabulary.Pair: Int] = [:]
      for chunk in chunks {
        for (left, right) in zip(chunk, chunk.dropFirst()) {
          counts[.init(left: left, right: right), default: 0] += 1
        }
      }
      let best = counts.min { $0.value == $1.value ? $0.key < $1.key : $0.value > $1.value }
      guard let best, best.value >= 2 else { break }
      for index in chunks.indices {
        BytePairVocabulary.merge(best.key, into: Int32(256 + merges.count), &chunks[index])
      }
      merges.append(best.key)
    }
    return merges
  }

  @Test func chunksAreRunsWithTheirLeadingSpace() {
    let text = "Don't  stop at 42,\n\n  they said ...\tü "
    #expect(
      chunks(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) } == [
        "Don", "'", "t", " ", " stop", " at", " 42", ",", "\n\n ", " they", " said", " ...", "\t",
        "ü", " ",
      ])
    #expect(chunks([UInt8](repeating: 0x61, count: 150)).map(\.count) == [64, 64, 22])
  }

  @Test func chunksConcatenateToTheInput() {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      let length = Int.random(in: 0...200, using: &generator)
      let text = (0..<length).map { _ in
        Bool.random(using: &generator)
          ? UInt8.random(in: 0...255, using: &generator)
          : [0x20, 0x20, 0x61, 0x0A, 0x39, 0x2E].randomElement(using: &generator)!
      }
      let chunks = chunks(text)
      #expect(chunks.flatMap { $0 } == text)
      #expect(chunks.allSatisfy { (1...ChunkScanner.longest).contains($0.count) })
    }
  }

  @Test(arguments: [1, 2, 3, 4])
  func mergesEqualThePlainAlgorithm(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let words = (0..<40).map { _ in
      (0..<Int.random(in: 1...7, using: &generator)).map { _ in
        "abcdeab".randomElement(using: &generator).map(String.init)!
      }.joined()
    }
    let text = Array(
      (0..<600).map { _ in words.randomElement(using: &generator)! }
        .joined(separator: " ").utf8)
    let corpus = try corpus(text, limit: 256 + 70)
    guard case .bytePair(let vocabulary) = corpus.tokenizer else { return }
    #expect(vocabulary.merges == merges(text, count: 70))
    #expect(vocabulary.merges.count > 40)
  }

  @Test func decodingInvertsEncoding() throws {
    var generator = SeededGenerator(seed: 5)
    let training = Array(String(repeating: "the cat sat on the mat. ", count: 50).utf8)
    let tokenizer = try corpus(training).tokenizer
    #expect(tokenizer.vocabularySize > 256)
    for _ in 0..<50 {
      let text = (0..<120).map { _ in UInt8.random(in: 0...255, using: &generator) } + training
      let other = try withTemporaryFile(text) { try TokenCorpus(path: $0, tokenizer: tokenizer) }
      let tokens = (0..<other.count).map { other[$0] }
      #expect(tokenizer.decode(tokens) == text)
      #expect(tokens.count < text.count / 2)
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
        BytePairVocabulary.merge(pair, into: Int32(256 + index), &chunks[place])
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
  }
}
