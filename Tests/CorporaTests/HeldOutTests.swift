import Foundation
import Testing

@testable import Corpora

@Suite struct HeldOutTests {
  private func corpus(
    _ text: String, _ kind: Tokenizer.Kind, _ fraction: Double
  ) throws -> TokenCorpus {
    try withTemporaryFile(text.utf8) {
      try TokenCorpus(
        path: $0, learning: Tokenizer.Learning(kind), heldOut: try HeldOut(fraction))
    }
  }

  private func text(_ corpus: TokenCorpus, _ range: Range<Int>) -> String {
    corpus.tokenizer.decodeText(range.map { corpus[$0] })
  }

  @Test func wordsOfTheHeldOutPartAreNotLearnt() throws {
    // 40 bytes; the last 10 begin within "seven", which is the last word that trains.
    let corpus = try corpus("one two three four five six seven eight\n", .word, 0.25)
    #expect(corpus.trainingCount == 7)
    #expect(corpus.count == 9)
    // <unk>, <eos> and seven words; "eight" is unknown.
    #expect(corpus.tokenizer.vocabularySize == 9)
    #expect(text(corpus, 0..<7) == "one two three four five six seven ")
    #expect(text(corpus, 7..<9) == "<unk> \n")
    let split = try CorpusSplit(
      train: corpus, valid: nil, validFraction: 0.25, sequences: 2, window: 1)
    #expect(split.training.range == 0..<7)
    #expect(split.validation?.range == 7..<9)
    #expect(split.validation?.unknownTargets == 0)
  }

  @Test func aTestPartIsTheEndOfTheText() throws {
    let text = (0..<60).map { "w\($0)" }.joined(separator: " ")
    for kind in [Tokenizer.Kind.byte, .character, .word, .bytePair] {
      let corpus = try withTemporaryFile(text.utf8) {
        try TokenCorpus(
          path: $0, learning: Tokenizer.Learning(kind), heldOut: try HeldOut(0.2, test: 0.3))
      }
      let split = try CorpusSplit(
        train: corpus, valid: nil, validFraction: 0.2, testFraction: 0.3, sequences: 1, window: 1)
      let (validation, test) = (try #require(split.validation), try #require(split.test))
      #expect(split.training.range.upperBound == validation.range.lowerBound)
      #expect(validation.range.upperBound == test.range.lowerBound)
      #expect(test.range.upperBound == corpus.count)
      if kind == .byte {
        let held = (Double(text.utf8.count) * 0.3).rounded(.up)
        #expect(test.range.count == Int(held))
      }
      if kind == .word {
        // Half of 230 bytes: the words of the others are not learnt.
        #expect(self.text(corpus, split.training.range).hasSuffix("w31 "))
        #expect(split.validation?.unknownTargets == validation.range.count - 1)
      }
    }
    // Of tokens that were prepared, whose text is not there to be counted.
    let whole = try corpus("0123456789", .byte, 0)
    let split = try CorpusSplit(
      train: try withTemporaryFile("0123456789".utf8) {
        try TokenCorpus(path: $0, learning: .character)
      }, valid: nil, validFraction: 0.3, testFraction: 0.2, sequences: 1, window: 1)
    #expect(split.training.range == 0..<5)
    #expect(split.validation?.range == 5..<8)
    #expect(split.test?.range == 8..<10)
    #expect(throws: CorpusError.self) {
      try CorpusSplit(
        train: whole, valid: nil, validFraction: 0.1, testFraction: 0.2, sequences: 1, window: 4)
    }
  }

  @Test func theBoundaryIsCountedInBytes() throws {
    // 3 of 10 bytes are held out.
    let bytes = try corpus("0123456789", .byte, 0.25)
    #expect(bytes.trainingCount == 7)
    #expect(try corpus("0123456789", .character, 0.25).trainingCount == 7)
    #expect(try corpus("0123456789", .byte, 0.3).trainingCount == 7)
    #expect(try corpus("0123456789", .byte, 0).trainingCount == 10)
    // 12 bytes: byte 9 is the beginning of the fourth character, byte 8 within the third.
    #expect(try corpus("天地玄黄", .character, 0.25).trainingCount == 3)
    let characters = try corpus("天地玄黄", .character, 0.3)
    #expect(characters.trainingCount == 3)
    #expect(characters.tokenizer.vocabularySize == 4)
    #expect(characters[3] == characters.tokenizer.unknown)
  }

  @Test func chunksTrainWhole() throws {
    // The boundary, 11 bytes before the end of 30, lies within the last "abcdef".
    let corpus = try corpus("abcdef abcdef abcdef uvwx uvwx", .bytePair, 0.36)
    let trained = try #require(corpus.trainingCount)
    #expect(text(corpus, 0..<trained) == "abcdef abcdef abcdef")
    #expect(text(corpus, trained..<corpus.count) == " uvwx uvwx")
    // Nothing of "uvwx" was merged, though it occurs twice.
    #expect(corpus.tokenizer.encode("uvwx").count == 4)
    #expect(corpus.tokenizer.encode("abcdef").count == 1)
  }

  @Test func theBoundaryIsTheSameWithAnyVocabulary() throws {
    let text = String(repeating: "a few words, and a few more of 天地玄黄.\n", count: 50)
    for kind in Tokenizer.Kind.allCases {
      let learnt = try corpus(text, kind, 0.17)
      let all = try withTemporaryFile(text.utf8) { path in
        try TokenCorpus(
          path: path, tokenizer: TokenCorpus(path: path, learning: kind).tokenizer,
          heldOut: try HeldOut(0.17))
      }
      let ends = try [learnt, all].map { try #require($0.trainingCount) }
      #expect(learnt.byteCount(of: 0..<ends[0]) == all.byteCount(of: 0..<ends[1]), "\(kind)")
      let again = try withTemporaryFile(text.utf8) {
        try TokenCorpus(path: $0, tokenizer: learnt.tokenizer, heldOut: try HeldOut(0.17))
      }
      #expect(again.trainingCount == ends[0])
      #expect((0..<again.count).allSatisfy { again[$0] == learnt[$0] })
    }
  }

  @Test func everyByteIsChecked() throws {
    for kind in [Tokenizer.Kind.word, .character] {
      _ = try withTemporaryFile(Array("words and words and ".utf8) + [0xFF, 0x61]) { path in
        #expect(throws: CorpusError.invalidUTF8(path: path, offset: 20)) {
          _ = try TokenCorpus(
            path: path, learning: Tokenizer.Learning(kind), heldOut: try HeldOut(0.5))
        }
      }
    }
  }

  @Test func tokenFilesAreSplitByTokens() throws {
    try withTemporaryDirectory { directory in
      let (text, file) = (directory + "/text", directory + "/tokens")
      try Data("one two three four five six seven eight\n".utf8)
        .write(to: URL(fileURLWithPath: text))
      let preparation = CorpusPreparation(texts: [text], output: file)
      _ = try preparation.write(with: try preparation.learn(Tokenizer.Learning(.word)))
      let corpus = try TokenCorpus(
        path: file, learning: Tokenizer.Learning(.word), heldOut: try HeldOut(0.25))
      #expect(corpus.trainingCount == nil)
      let split = try CorpusSplit(
        train: corpus, valid: nil, validFraction: 0.25, sequences: 2, window: 1)
      #expect(split.validation?.range == 6..<9)
    }
  }

  @Test(arguments: [-0.1, 1, .nan])
  func otherFractionsAreRefused(fraction: Double) {
    #expect(throws: CorpusError.self) { _ = try HeldOut(fraction) }
  }
}
