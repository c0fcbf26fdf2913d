import Batches
import Corpora
import Datasets
import Foundation
import Records
import Tasks
import Testing
import TextSequences

/// Documents of a language model: lines, files and records, each with its beginning and its end.
@Suite struct DocumentTests {
  private func request(
    _ path: String, _ unit: DocumentUnit, _ kind: Tokenizer.Kind = .character, window: Int = 8
  ) -> SequenceRequest {
    var request = SequenceRequest(
      task: TaskName.language.description.ofDocuments, rows: 1, window: window, seed: 1)
    request.train = path
    request.text = TextRequest(learning: Tokenizer.Learning(kind))
    request.text?.documents = unit
    return request
  }

  /// Of all batches with one row, inputs and targets of every sequence, as text.
  private func sequences(_ data: SequenceData, window: Int) throws -> [[String]] {
    let tokenizer = try #require(data.tokenizer)
    let slots = data.slots
    var inputs = [Int32](repeating: -7, count: window)
    var targets = inputs
    var starts = [Int32](repeating: 0, count: slots)
    var ends = starts
    var found: [[String]] = []
    for batch in 0..<data.training.batchCount {
      inputs.withUnsafeMutableBufferPointer { inputs in
        targets.withUnsafeMutableBufferPointer { targets in
          starts.withUnsafeMutableBufferPointer { starts in
            ends.withUnsafeMutableBufferPointer { ends in
              let buffers = BatchBuffers(
                sequences: 0..<1, window: window, inputs: inputs.baseAddress!, inputValues: nil,
                inputStride: 0, targets: targets.baseAddress!, targetValues: nil, targetStride: 0,
                slotCount: slots, slotStarts: starts.baseAddress!, slotEnds: ends.baseAddress!,
                isEveryStepRead: true)
              data.training.fill(buffers, batch: batch)
            }
          }
        }
      }
      for slot in 0..<slots where ends[slot] > 0 {
        let steps = Int(starts[slot])..<Int(ends[slot])
        found.append(
          [inputs, targets].map { tokenizer.decodeText($0[steps]) })
      }
      // What no document fills counts nothing.
      let last = Int(ends.max() ?? 0)
      #expect(targets[last...].allSatisfy { $0 == -1 })
    }
    return found.sorted { $0[0] < $1[0] }
  }

  @Test func linesAreDocuments() throws {
    let folder = try DataFolder("a.txt", "one\n\n  \ntwo\r\nc")
    let data = try SequenceData(opening: request(folder.path, .line))
    #expect(
      try sequences(data, window: 8)
        == [["\nc", "c\n"], ["\none", "one\n"], ["\ntwo", "two\n"]])
    #expect(data.outputs == data.tokenizer?.vocabularySize)
    #expect(data.frame == nil)
    #expect(data.features == nil)
    #expect(data.line("remark") == "blank lines are left out: 2")
    #expect(data.words.contains("3 training documents, 10 tokens in 2 rows"), "\(data.words)")
    #expect(data.training.targetCount(beforeBatch: data.training.batchCount) == 10)
  }

  @Test func filesAreDocuments() throws {
    let folder = try DataFolder("x", in: ["d/a": "one\ntwo\n", "d/b/c": "x", "d/e": "\n"])
    let data = try SequenceData(opening: request(folder.url.path + "/d", .file))
    #expect(try sequences(data, window: 8) == [["\none\ntwo", "one\ntwo\n"], ["\nx", "x\n"]])
    #expect(data.line("remark") == "texts without anything in them are left out: 1")
    let said = SequenceData.complaint(request(folder.url.path + "/d/a", .file))
    #expect(said.contains("is one file"), "\(said)")
    let lines = try SequenceData(opening: request(folder.url.path + "/d", .line))
    #expect(try sequences(lines, window: 8).map { $0[0] } == ["\none", "\ntwo", "\nx"])
  }

  @Test(arguments: [
    ("a.jsonl", "{\"text\": \"one\", \"n\": 1}\n{\"text\": \" \"}\n{\"text\": \"a\\nb\"}\n"),
    ("a.csv", "n,text\n1,one\n2,\" \"\n3,\"a\nb\"\n"),
  ])
  func recordsAreDocuments(name: String, content: String) throws {
    let folder = try DataFolder(name, content)
    let data = try SequenceData(opening: request(folder.path, .record))
    #expect(try sequences(data, window: 8) == [["\na\nb", "a\nb\n"], ["\none", "one\n"]])
    #expect(data.line("remark").contains("texts without anything in them are left out: 1"))
  }

  /// Every token of a long document is predicted once.
  @Test func longDocumentsAreReadInParts() throws {
    let folder = try DataFolder("a.txt", "abcdefghij\nxy\n")
    let data = try SequenceData(opening: request(folder.path, .line, window: 4))
    #expect(
      try sequences(data, window: 4)
        == [["\nabc", "abcd"], ["\nxy", "xy\n"], ["defg", "efgh"], ["hij", "ij\n"]].sorted {
          $0[0] < $1[0]
        })
    #expect(data.line("remark").contains("1 document of more than 4 tokens"))
  }

  /// Bytes and characters are those of the documents and of their ends, and the naive model counts
  /// the targets that train.
  @Test func whatIsHeldOutIsCounted() throws {
    let folder = try DataFolder("a.txt", "ab\nba\n")
    let valid = try DataFolder("b.txt", "aé\n")
    var request = request(folder.path, .line)
    request.valid = valid.path
    let data = try SequenceData(opening: request)
    guard case .sequences(let rows)? = data.validation else {
      Issue.record("nothing is held out")
      return
    }
    let counts = try #require(rows.documents)
    #expect((counts.bytes, counts.characters, counts.unknown) == (4, 3, 1))
    // Of a, b and line ends there are 2 each, of 4 kinds one more each: 3, 1 and 3 of 10.
    let expected = -(log(0.3) + log(0.1) + log(0.3)) / 3
    #expect(abs((counts.unigramLoss ?? 0) - expected) < 1e-12)
    #expect(data.line("tokens").contains("33.3 % of the latter"), "\(data.line("tokens"))")
    request.valid = folder.path
    guard case .sequences(let same)? = try SequenceData(opening: request).validation else { return }
    #expect(same.documents?.unigramLoss == nil)
  }

  @Test(arguments: Tokenizer.Kind.allCases)
  func everyTokenizerEndsDocuments(kind: Tokenizer.Kind) throws {
    let folder = try DataFolder("a.txt", "the cat\nthe dog\nthe cow\n")
    let data = try SequenceData(opening: request(folder.path, .line, kind, window: 16))
    let tokenizer = try #require(data.tokenizer)
    #expect(tokenizer.lineEnd != tokenizer.unknown)
    let found = try sequences(data, window: 16)
    #expect(found.count == 3)
    #expect(found.allSatisfy { $0[0].hasPrefix("\n") && $0[1].hasSuffix("\n") }, "\(found)")
  }
}
