import Corpora
import Foundation
import NumericContract
import Records
import Testing

@Suite struct TokenCorpusTests {
  @Test func byteCorpusIsTheFile() throws {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    try withTemporaryFile(bytes) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      #expect(corpus.count == bytes.count)
      #expect((0..<corpus.count).map { corpus[$0] } == bytes.map { Int32($0) })
      #expect(corpus.byteCount(of: 10..<20) == 10)
    }
  }

  @Test func characterCorpusHasATokenForEveryScalar() throws {
    let text = "Grüße, 世界 🌍!\n"
    try withTemporaryFile(text.utf8) { path in
      let corpus = try TokenCorpus(path: path, learning: .character)
      let tokens = (0..<corpus.count).map { corpus[$0] }
      #expect(tokens == corpus.tokenizer.encode(text))
      #expect(corpus.tokenizer.decodeText(tokens) == text)
      for lower in 0..<corpus.count {
        for upper in lower...corpus.count {
          let part = corpus.tokenizer.decode(tokens[lower..<upper])
          #expect(corpus.byteCount(of: lower..<upper) == part.count)
        }
      }
    }
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func charactersAreCountedByScalars(kind: Tokenizer.Kind) throws {
    let text = String(repeating: "Grüße, 世界 🌍!\nund mehr\n", count: 20)
    try withTemporaryFile(text.utf8) { path in
      let corpus = try TokenCorpus(path: path, learning: kind)
      let all = 0..<corpus.count
      #expect(corpus.characterCount(of: all) == text.unicodeScalars.count)
      #expect(corpus.characterCount(of: all.prefix(0)) == 0)
      // Parts add up, wherever they are cut.
      for middle in stride(from: 0, to: corpus.count, by: 7) {
        let parts = [0..<middle, middle..<corpus.count].map { corpus.characterCount(of: $0) ?? -1 }
        #expect(parts[0] + parts[1] == text.unicodeScalars.count, "\(kind) at \(middle)")
      }
    }
  }

  @Test func unigramsKnowHowFrequentTokensAre() throws {
    try withTemporaryFile("aabab".utf8) { path in
      let corpus = try TokenCorpus(path: path, learning: .byte)
      let part = CorpusSplit.Part(corpus: corpus, range: 0..<5)
      // The targets are a, b, a, b; 256 kinds are known once more than they occur.
      let expected = -(2 * log(4.0 / 261) + 2 * log(3.0 / 261)) / 4
      #expect(abs(part.unigramLoss(knowing: part) - expected) < 1e-12)
    }
  }

  @Test(arguments: [
    (Tokenizer.Kind.byte, 1, 1), (.character, 3, 2), (.word, 3, 2), (.bytePair, 3, 2),
  ])
  func readingIsTold(kind: Tokenizer.Kind, learning: Int, tokenizing: Int) throws {
    let text = Array(String(repeating: "a few words of text\n", count: 120_000).utf8)
    try withTemporaryFile(text) { path in
      let progress = ReadingProgress()
      let corpus = try TokenCorpus(
        path: path, learning: Tokenizer.Learning(kind), progress: progress)
      let passes = learning * text.count
      #expect(progress.amount == ReadingProgress.Amount(read: passes, total: passes))
      let again = ReadingProgress()
      let other = try TokenCorpus(path: path, tokenizer: corpus.tokenizer, progress: again)
      let all = tokenizing * text.count
      #expect(again.amount == ReadingProgress.Amount(read: all, total: all))
      #expect(other.fingerprint == corpus.fingerprint)
    }
  }

  @Test func vocabulariesAbove65536UseWideTokens() throws {
    var text = ""
    for value in UInt32(0x20)..<0x1_2000 {
      if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
    }
    try withTemporaryFile(text.utf8) { path in
      let corpus = try TokenCorpus(path: path, learning: .character)
      #expect(corpus.tokenizer.vocabularySize > 1 << 16)
      #expect((0..<corpus.count).allSatisfy { corpus[$0] == Int32($0) })
    }
  }

  @Test func validationTextUsesTheTrainingVocabulary() throws {
    try withTemporaryDirectory { directory in
      try Data("abcab".utf8).write(to: URL(fileURLWithPath: directory + "/train"))
      try Data("cxb".utf8).write(to: URL(fileURLWithPath: directory + "/valid"))
      let train = try TokenCorpus(path: directory + "/train", learning: .character)
      let valid = try TokenCorpus(path: directory + "/valid", tokenizer: train.tokenizer)
      #expect((0..<3).map { valid[$0] } == [2, 3, 1])
    }
  }

  @Test func fingerprintDependsOnTheContentAlone() throws {
    let text = Array("The quick brown fox jumps over the lazy dog.".utf8)
    let bytes = try withTemporaryFile(text) { try TokenCorpus(path: $0, learning: .byte) }
    let characters = try withTemporaryFile(text) {
      try TokenCorpus(path: $0, learning: .character)
    }
    #expect(bytes.fingerprint == characters.fingerprint)
    #expect(bytes.fingerprint.utf8.count == 32)
  }

  @Test func contentHashNoticesEveryBitAndTheLength() {
    func hash(_ bytes: [UInt8]) -> String {
      bytes.withUnsafeBytes { ContentHash128(of: $0).description }
    }
    var seen: Set<String> = []
    var expected = 0
    for count in [1, 7, 8, 9, 31, 32, 33, 64, 100] {
      var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 91 &+ 7) }
      seen.insert(hash(bytes))
      for bit in 0..<8 * count {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        seen.insert(hash(bytes))
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      expected += 1 + 8 * count
    }
    for count in 0..<100 { seen.insert(hash([UInt8](repeating: 0, count: count))) }
    #expect(seen.count == expected + 100)
  }

  @Test func contentHashIsStable() {
    // Written down when the hash was made: a change would turn every resume into another corpus.
    let bytes = (0..<77).map { UInt8($0) }
    let hash = bytes.withUnsafeBytes { ContentHash128(of: $0).description }
    #expect(hash == "5251138c768e05f4998a9143844fe473")
  }

  @Test func errorNamesMissingFile() {
    #expect(throws: CorpusError.missing(path: "/nowhere/text")) {
      try TokenCorpus(path: "/nowhere/text", learning: .byte)
    }
  }

  @Test func rejectsDirectoriesPipesAndDevices() throws {
    try withTemporaryDirectory { directory in
      #expect(throws: CorpusError.notRegularFile(path: directory, kind: "a directory")) {
        try TokenCorpus(path: directory, learning: .byte)
      }
      let pipe = directory + "/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      #expect(throws: CorpusError.notRegularFile(path: pipe, kind: "a pipe")) {
        try TokenCorpus(path: pipe, learning: .byte)
      }
    }
    #expect(throws: CorpusError.notRegularFile(path: "/dev/null", kind: "a device")) {
      try TokenCorpus(path: "/dev/null", learning: .byte)
    }
  }

  @Test func rejectsEmptyFiles() throws {
    try withTemporaryFile([]) { path in
      for kind in Tokenizer.Kind.allCases {
        #expect(throws: CorpusError.empty(path: path)) {
          try TokenCorpus(path: path, learning: kind)
        }
      }
    }
  }

  @Test func unreadableFileNamesTheReason() throws {
    try withTemporaryDirectory { directory in
      let loop = directory + "/loop"
      #expect(symlink(loop, loop) == 0)
      let reason = String(cString: strerror(ELOOP))
      #expect(throws: CorpusError.unreadable(path: loop, message: reason)) {
        try TokenCorpus(path: loop, learning: .byte)
      }
    }
  }

  @Test func invalidUTF8NamesTheOffset() throws {
    try withTemporaryFile(Array("abcé".utf8) + [0xED, 0xA0, 0x80, 0x41]) { path in
      let error = CorpusError.invalidUTF8(path: path, offset: 5)
      #expect(throws: error) { try TokenCorpus(path: path, learning: .character) }
      #expect(throws: Never.self) { try TokenCorpus(path: path, learning: .byte) }
      #expect(error.description.contains("offset 5"))
      #expect(error.description.contains("data.tokenizer"))
    }
  }
}
