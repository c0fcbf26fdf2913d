import Corpora
import Foundation
import Testing

/// Which tokens of one vocabulary are tokens of another.
@Suite struct TokenMatchTests {
  private func tokenizer(_ kind: Tokenizer.Kind, _ text: String) throws -> Tokenizer {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try TokenCorpus(path: file.path, learning: .init(kind)).tokenizer
  }

  @Test func wordsAreFoundByTheirSpelling() throws {
    let old = try tokenizer(.word, "b b b a a c\n")
    let new = try tokenizer(.word, "a a d d d c\n")
    // <unk>, <eos>, d, a, c of <unk>, <eos>, b, a, c.
    #expect(new.counterparts(in: old) == [0, 1, -1, 3, 4])
    #expect(old.counterparts(in: old) == [0, 1, 2, 3, 4])
  }

  @Test func charactersAndTheUnknownOneAreFound() throws {
    let old = try tokenizer(.character, "acé")
    let new = try tokenizer(.character, "abé")
    #expect(new.counterparts(in: old) == [0, -1, 2, 3])
  }

  @Test func kindsMeetInTheirBytes() throws {
    let words = try tokenizer(.word, "a bc\n")
    let bytes = Tokenizer.byte.counterparts(in: words)
    #expect(bytes[Int(UInt8(ascii: "a"))] == 2)
    #expect(bytes[10] == 1)
    #expect(bytes.count { $0 >= 0 } == 2)
    let characters = try tokenizer(.character, "añ")
    #expect(characters.counterparts(in: .byte) == [97, -1, -1])
  }
}
