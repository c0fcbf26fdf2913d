import Corpora
import Foundation
import Testing

/// Text never begins after a token that the training text lacks.
@Suite struct StartTokenTests {
  private func start(
    _ text: String, _ kind: Tokenizer.Kind, validFraction: Double = 0
  ) throws -> (token: Int32, tokenizer: Tokenizer) {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("start-\(UUID().uuidString)")
    try Data(text.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let corpus = try TokenCorpus(path: url.path, learning: kind)
    let split = try CorpusSplit(
      train: corpus, valid: nil, validFraction: validFraction, sequences: 1, window: 1)
    return (split.training.startToken, corpus.tokenizer)
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func lineEndIsTheStartWhereThereIsOne(kind: Tokenizer.Kind) throws {
    let (token, tokenizer) = try start("a b\n\na b b\nb\na c\n", kind)
    #expect(token == tokenizer.lineEnd)
    #expect(tokenizer.decode([token]) == [10])
  }

  @Test(arguments: [
    (Tokenizer.Kind.byte, "acgtttgttacc", "t"), (.character, "aéé" + "éa", "é"),
    (.character, "abab", "a"), (.bytePair, "acgtttgttacc", "t"),
  ])
  func mostFrequentTokenIsTheStartElse(
    kind: Tokenizer.Kind, text: String, expected: String
  ) throws {
    // Byte pairs of so short a text stay apart where each occurs too seldom.
    let (token, tokenizer) = try start(text, kind)
    if kind == .bytePair {
      #expect(text.contains(tokenizer.decodeText([token])))
    } else {
      #expect(tokenizer.decodeText([token]) == expected)
    }
  }

  /// The only line end is that of the file, which is held out.
  @Test func lineEndMustBeInTheTrainingPart() throws {
    let (token, tokenizer) = try start("to be or not to be to", .word, validFraction: 0.3)
    #expect(tokenizer.decodeText([token]) == "to ")
  }
}
