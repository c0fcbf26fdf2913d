import Corpora
import Foundation
import Tables
import Testing
import WarmStarts

/// Files of vectors of words.
@Suite struct VectorFileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("vectors-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func write(_ bytes: [UInt8]) throws -> String {
    let file = folder.appendingPathComponent("file")
    try Data(bytes).write(to: file)
    return file.path
  }

  private func words(_ text: String) throws -> Tokenizer {
    try TokenCorpus(path: try write(Array(text.utf8)), learning: .init(.word)).tokenizer
  }

  private func read(
    _ text: String, _ tokenizer: Tokenizer, size: Int
  ) throws -> VectorFile.Vectors {
    var file = try VectorFile(path: try write(Array(text.utf8)), size: size)
    return try file.vectors(of: tokenizer)
  }

  @Test func rowsStandAtTheirTokens() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("a a a b b ü\n")
    // <unk>, <eos>, a, b, ü.
    let vectors = try read(
      "ü 1 2\n</s> 3 4\nz 5 6\nx y 7 8\na 9 1e1 \r\na 0 0\n<unk>\t-1 -2", tokenizer, size: 2)
    #expect(vectors.isFound == [true, true, true, false, true])
    #expect(vectors.values == [-1, -2, 3, 4, 9, 10, 0, 0, 1, 2])
    #expect(vectors.count == 7)
    #expect(vectors.repeated == 1)
  }

  /// As GloVe's largest file has words of several parts, and "nan" among them.
  @Test func wordsMayBeAnything() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("nan inf . name@domain.com 1.5 0x1p3\n")
    let vectors = try read(
      "nan 1 2\r\n. . . 3 4\r\nto nan 5 6\r\n. 7 8\r\ninf 9 10\r\n0x1p3 11 12\r\n"
        + "at name@domain.com 13 14\r\n1.5 15 16\r\n1 / 2 17 18\r\n", tokenizer, size: 2)
    #expect(vectors.count == 9)
    #expect(vectors.foundTokens(tokenizer) == ["nan", ".", "inf", "0x1p3", "1.5"])
    #expect(vectors.values.filter { $0 != 0 }.sorted() == [1, 2, 7, 8, 9, 10, 11, 12, 15, 16])
    #expect(vectors.repeated == 0)
  }

  @Test func byteOrderMarkIsSkipped() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("a a b\n")
    for head in ["", "2 2\n"] {
      let vectors = try read("\u{FEFF}\(head)a 1 2\nb 3 4\n", tokenizer, size: 2)
      #expect(vectors.count == 2)
      #expect(vectors.foundTokens(tokenizer) == ["a", "b"])
    }
  }

  @Test func binaryVectorsAreRecognised() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("a b\n")
    let numbers = [UInt8](repeating: 0, count: 4) + [0, 0, 0x80, 0x3F]
    let path = try write(Array("2 2\na ".utf8) + numbers + Array("b ".utf8) + numbers)
    let error = #expect(throws: DataFileError.self) {
      var file = try VectorFile(path: path, size: 2)
      _ = try file.vectors(of: tokenizer)
    }
    #expect(error?.description.contains("line 2: has a byte that no text has") == true)
    #expect(error?.description.contains("binary=True") == true)
  }

  /// A vector has decimal, finite numbers, whatever else some libraries read.
  @Test(arguments: ["0x1p3", "0X10", "nan", "inf", "1e999", "1_0"])
  func otherNumbersAreRefused(number: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("a b\n")
    let error = #expect(throws: DataFileError.self) {
      try read("b 1 2\na 3 \(number)\n", tokenizer, size: 2)
    }
    #expect(error?.description.contains("line 2") == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("number 2 is \"\(number)\"") == true)
  }

  /// Windows end anywhere.
  @Test func longFilesAreReadInWindows() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("word7 word99999 other\n")
    let lines = (0..<100_000).map { "word\($0) \($0) 0.5 -\($0)\n" }.joined()
    let vectors = try read("100000 3\n" + lines, tokenizer, size: 3)
    #expect(vectors.count == 100_000)
    #expect(vectors.isFound.count { $0 } == 2)
    #expect(vectors.values.contains(99_999))
  }

  /// Whatever the bytes are, they are read or refused with a place.
  @Test func damagedFilesAreReadOrRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let tokenizer = try words("a b c\n")
    let whole = Array("4 3\na 1 2 3\nb -1 .5 1e-3\nd 1 1 1\nc 7 8 9\n".utf8)
    var generator = SystemRandomNumberGenerator()
    var refused = 0
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<max(1, bytes.count), using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1 where !bytes.isEmpty: bytes.remove(at: place)
        case 2: bytes.insert([32, 10, 13, 9, 48, 45].randomElement(using: &generator)!, at: place)
        default: bytes.removeLast(bytes.count - place)
        }
      }
      do {
        var file = try VectorFile(path: try write(bytes), size: 3)
        let vectors = try file.vectors(of: tokenizer)
        let isFinite = vectors.values.allSatisfy { $0.isFinite }
        #expect(isFinite)
      } catch let error as DataFileError {
        refused += 1
        #expect(error.path.hasSuffix("file"))
      }
    }
    #expect(refused > 300)
  }

  @Test func damagedVocabulariesAreReadOrRefused() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for kind in [Tokenizer.Kind.word, .character] {
      for _ in 0..<1500 {
        let length = Int.random(in: 0...24)
        let bytes = (0..<length).map { _ in
          Bool.random()
            ? [10, 97, 98, 92, 110, 120, 52, 49, 195, 188].randomElement()!
            : UInt8.random(in: 0...255)
        }
        do {
          let file = try VocabularyFile(path: try write(bytes), kind: kind, rules: .newest)
          #expect(file.rows.count == file.tokenizer.vocabularySize)
          let last = file.rows.max() ?? 0
          #expect(last < file.lineCount)
          // What was read is written, and read again, as the same.
          let again = try VocabularyFile(
            path: try write(VocabularyFile.lines(of: file.tokenizer)), kind: kind, rules: .newest)
          #expect(again.tokenizer == file.tokenizer)
        } catch is CorpusError {}
      }
    }
  }
}

extension VectorFile.Vectors {
  /// The words of a vocabulary that have a vector.
  fileprivate func foundTokens(_ tokenizer: Tokenizer) -> Set<String> {
    Set(
      isFound.indices.filter { isFound[$0] }.compactMap { token in
        tokenizer.bytes(of: Int32(token)).map {
          String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespaces)
        }
      })
  }
}
