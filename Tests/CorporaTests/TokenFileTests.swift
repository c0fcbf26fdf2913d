import Foundation
import NumericContract
import Testing

@testable import Corpora

@Suite struct TokenFileTests {
  private func words(_ seed: UInt64, count: Int) -> String {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let word = "w\(Int.random(in: 0..<300, using: &generator))"
      return index % 11 == 10 ? word + "\n" : word + " "
    }.joined()
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  @discardableResult
  private func prepare(
    _ texts: [String], to output: String, _ kind: Tokenizer.Kind, limit: Int = 0
  ) throws -> CorpusPreparation.Summary {
    let preparation = CorpusPreparation(texts: texts, output: output)
    let tokenizer = try preparation.learn(Tokenizer.Learning(kind, vocabularyLimit: limit))
    return try preparation.write(with: tokenizer)
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func tokenFileEqualsItsText(kind: Tokenizer.Kind) throws {
    try withTemporaryDirectory { directory in
      let (text, file) = (directory + "/text", directory + "/tokens")
      try write(words(1, count: 9000) + "naïve", to: text)
      let summary = try prepare([text], to: file, kind)
      let direct = try TokenCorpus(path: text, learning: kind)
      let mapped = try TokenCorpus(path: file, learning: kind)
      #expect(mapped.tokenizer == direct.tokenizer)
      #expect(mapped.count == direct.count)
      #expect(summary.tokens == direct.count)
      #expect((0..<direct.count).allSatisfy { mapped[$0] == direct[$0] })
      let all = 0..<direct.count
      #expect(mapped.byteCount(of: all) == direct.byteCount(of: all))
      #expect(mapped.byteCount(of: 1024..<2048) == direct.byteCount(of: 1024..<2048))
      for start in [1, 1023, 1025, 1500, 2047, direct.count - 1] {
        let exact = direct.byteCount(of: start..<direct.count)
        #expect(mapped.byteCount(of: start..<direct.count) == exact, "\(kind) from \(start)")
      }
      // A plan reads the same from both.
      let plan = StreamPlan(tokenRange: 5..<direct.count, sequences: 3, window: 10, contract: .two)
      var (a, b) = ([Int32](repeating: 0, count: 30), [Int32](repeating: 1, count: 30))
      var (c, d) = (a, b)
      plan.fill(inputs: &a, targets: &b, corpus: direct, sequences: 0..<3, windowIndex: 7)
      plan.fill(inputs: &c, targets: &d, corpus: mapped, sequences: 0..<3, windowIndex: 7)
      #expect(a == c)
      #expect(b == d)
    }
  }

  @Test func preparationIsDeterministicAndTakesSeveralTexts() throws {
    try withTemporaryDirectory { directory in
      let texts = ["a", "b"].map { directory + "/" + $0 }
      try write(words(1, count: 500) + "end", to: texts[0])
      try write(words(2, count: 500), to: texts[1])
      for kind in Tokenizer.Kind.allCases {
        let outputs = ["1", "2"].map { directory + "/\(kind.rawValue)-" + $0 }
        for output in outputs { try prepare(texts, to: output, kind) }
        let contents = try outputs.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        #expect(contents[0] == contents[1])
        let joined = try TokenCorpus(path: outputs[0], learning: kind)
        let parts = try texts.map { try TokenCorpus(path: $0, tokenizer: joined.tokenizer) }
        let tokens = parts.map { part in (0..<part.count).map { part[$0] } }
        // The first text ends without a newline.
        let newline = kind == .word ? [] : joined.tokenizer.encode("\n")
        #expect((0..<joined.count).map { joined[$0] } == tokens[0] + newline + tokens[1])
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 10)
    }
  }

  @Test func everyWidthOfTokens() throws {
    try withTemporaryDirectory { directory in
      let (text, file) = (directory + "/text", directory + "/tokens")
      for (kinds, width) in [(200, 1), (300, 2), (66_000, 4)] {
        try write((0..<kinds).map { "w\($0)" }.joined(separator: " ") + "\n", to: text)
        try prepare([text], to: file, .word)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        #expect(Int(bytes[12]) == width)
        let (mapped, direct) = (
          try TokenCorpus(path: file, learning: .word), try TokenCorpus(path: text, learning: .word)
        )
        #expect((0..<direct.count).allSatisfy { mapped[$0] == direct[$0] })
      }
    }
  }

  @Test func theIndexStaysSmall() throws {
    try withTemporaryDirectory { directory in
      let file = directory + "/tokens"
      let writer = try TokenFileWriter(path: file, tokenizer: .byte)
      // More than 65,536 entries of 1,024 tokens.
      let count = (1 << 26) + 5000
      for index in 0..<count { writer.append(Int32(index & 0xFF), at: index) }
      try writer.finish(textBytes: count)
      let mapped = try MappedFile(path: file)
      let tokens = try TokenFile(mapped.bytes, path: file)
      #expect(tokens.header.indexStride == 2048)
      #expect(tokens.header.indexCount < 1 << 16)
      for index in [0, 2048, 5 << 20, count - 1, count] {
        #expect(tokens.textOffset(of: index, in: mapped.bytes) == index)
      }
    }
  }

  @Test func errorNamesAnotherTokenizer() throws {
    try withTemporaryDirectory { directory in
      let texts = ["a", "b"].map { directory + "/" + $0 }
      try write("one two\n", to: texts[0])
      try write("two three\n", to: texts[1])
      for text in texts { try prepare([text], to: text + ".tokens", .word) }
      let train = try TokenCorpus(path: texts[0] + ".tokens", learning: .word)
      #expect {
        try TokenCorpus(path: texts[0] + ".tokens", learning: .byte)
      } throws: { "\($0)".contains("set data.tokenizer to \"word\"") }
      #expect {
        try TokenCorpus(path: texts[1] + ".tokens", tokenizer: train.tokenizer)
      } throws: { "\($0)".contains("--tokenizer-from") }
      // A text is read by the tokenizer of the training text.
      let valid = try TokenCorpus(path: texts[1], tokenizer: train.tokenizer)
      #expect((0..<valid.count).map { valid[$0] } == [3, 0, 1])
      #expect(throws: CorpusError.preparedAlready(path: texts[0] + ".tokens")) {
        try prepare([texts[0] + ".tokens"], to: directory + "/c", .word)
      }
    }
  }

  @Test func rejectsEveryDamagedByte() throws {
    try withTemporaryDirectory { directory in
      let (text, file) = (directory + "/text", directory + "/tokens")
      try write(words(3, count: 60), to: text)
      try prepare([text], to: file, .word)
      let sound = try Data(contentsOf: URL(fileURLWithPath: file))
      func isRefused(_ bytes: Data) throws -> Bool {
        try bytes.write(to: URL(fileURLWithPath: file))
        do {
          _ = try TokenCorpus(path: file, learning: .word)
          return false
        } catch CorpusError.damagedTokenFile {
          return true
        } catch CorpusError.invalidUTF8 {
          // Without its magic it counts as a text.
          return true
        }
      }
      #expect(try !isRefused(sound))
      for place in Array(0..<96) + stride(from: 4096, to: sound.count, by: 7) {
        var bytes = sound
        bytes[place] ^= 0x10
        #expect(try isRefused(bytes), "byte \(place)")
      }
      for count in [sound.count - 1, sound.count + 1, 4096, 4095, 100, 9] {
        let bytes = count > sound.count ? sound + Data([0]) : sound.prefix(count)
        #expect(try isRefused(Data(bytes)), "\(count) bytes")
      }
    }
  }

  @Test func rejectsTokensBeyondTheVocabulary() throws {
    try withTemporaryDirectory { directory in
      let file = directory + "/tokens"
      let tokenizer = try withTemporaryFile("a b c\n".utf8) {
        try TokenCorpus(path: $0, learning: .word).tokenizer
      }
      for (token, isSound) in [(4, true), (5, false)] {
        let writer = try TokenFileWriter(path: file, tokenizer: tokenizer)
        for index in 0..<10 { writer.append(Int32(index == 7 ? token : 0), at: index) }
        try writer.finish(textBytes: 10)
        #expect(((try? TokenCorpus(path: file, learning: .word)) != nil) == isSound)
      }
    }
  }

  @Test func unwritableFileIsAnError() throws {
    try withTemporaryFile("a b".utf8) { text in
      let error = #expect(throws: CorpusError.self) {
        try prepare([text], to: "/nowhere/tokens", .byte)
      }
      guard case .unwritable = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func chunkedHashEqualsTheWhole() {
    var generator = SeededGenerator(seed: 9)
    let bytes = (0..<500).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let whole = bytes.withUnsafeBytes { ContentHash128(of: $0) }
    for _ in 0..<100 {
      var hasher = ContentHash128.Hasher()
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = Array(rest.prefix(Int.random(in: 0...70, using: &generator)))
        piece.withUnsafeBytes { hasher.update($0) }
        rest = rest.dropFirst(piece.count)
      }
      #expect(hasher.finish() == whole)
    }
  }
}
