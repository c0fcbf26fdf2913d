import Batches
import Corpora
import Datasets
import Foundation
import Records
import Tables
import Tasks
import Testing
import TextSequences

/// Sessions of items: events of tables and of lines of JSON, and lines of ids.
@Suite struct SessionDataTests {
  private func request(_ path: String, time: String? = nil, window: Int = 8) -> SequenceRequest {
    var request = SequenceRequest(
      task: TaskName.recommendation.description, rows: 1, window: window, seed: 1)
    request.train = path
    request.sequenceColumn = "session"
    request.text = TextRequest(learning: Tokenizer.Learning(.word))
    request.text?.time = time
    return request
  }

  /// Inputs and targets of every session of all batches; "-" where nothing counts.
  private func sessions(_ data: SequenceData, window: Int = 8) throws -> [String] {
    let tokenizer = try #require(data.tokenizer)
    let slots = data.slots
    var inputs = [Int32](repeating: 0, count: window)
    var targets = inputs
    var starts = [Int32](repeating: 0, count: slots)
    var ends = starts
    func name(_ token: Int32) -> String {
      token < 0 ? "-" : tokenizer.decodeText([token]).trimmingCharacters(in: .whitespaces)
    }
    var found: [String] = []
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
        let pairs = steps.map { "\(name(inputs[$0]))>\(name(targets[$0]))" }
        found.append(pairs.joined(separator: " "))
      }
    }
    return found.sorted()
  }

  @Test(arguments: [
    ("a.csv", "session,item,time\n1,a,3\n2,x,1\n1,b,1\n2,y,2\n1,c,20\n3,z,1\n"),
    (
      "a.tsv",
      "time\tsession\titem\n3\t1\ta\n1\t2\tx\n1\t1\tb\n2\t2\ty\n20\t1\tc\n1\t3\tz\n"
    ),
    (
      "a.jsonl",
      #"""
      {"session": 1, "item": "a", "time": 3}
      {"session": 2, "item": "x", "time": 1}
      {"session": 1, "item": "b", "time": 1}
      {"session": 2, "item": "y", "time": 2}
      {"session": 1, "item": "c", "time": 20}
      {"session": 3, "item": "z", "time": 1}
      """#
    ),
  ])
  func eventsAreOrderedByTimeWithinTheirSession(name: String, content: String) throws {
    let folder = try DataFolder(name, content)
    let byTime = try SequenceData(opening: request(folder.path, time: "time"))
    #expect(try sessions(byTime) == ["b>a a>c", "x>y"])
    let byFile = try SequenceData(opening: request(folder.path))
    #expect(try sessions(byFile) == ["a>b b>c", "x>y"])
    #expect(
      byFile.summary.lines.contains {
        $0.text == "sessions of a single item, after which nothing comes, are left out: 1"
      })
    #expect(byFile.targetCounts.reduce(0, +) == 3)
    #expect(byFile.outputs == 2 + 6)
  }

  @Test(arguments: [
    ("a.txt", "a b c\n\nx,y\nz\n"),
    (
      "a.jsonl",
      #"""
      {"items": ["a", "b", "c"]}
      {"items": ["x", "y"]}
      {"items": ["z"]}
      """#
    ),
  ])
  func aLineIsASession(name: String, content: String) throws {
    let folder = try DataFolder(name, content)
    #expect(try sessions(try SequenceData(opening: request(folder.path))) == ["a>b b>c", "x>y"])
  }

  /// Items that are too rare go in as the unknown one, and never count as targets.
  @Test func unknownItemsAreNoTargets() throws {
    let folder = try DataFolder("a.txt", "a b rare a\nb a\nodd rare\nodd b\n")
    var request = request(folder.path)
    request.text = TextRequest(learning: Tokenizer.Learning(.word, minimumCount: 3))
    let data = try SequenceData(opening: request)
    #expect(try sessions(data) == ["<unk>>b", "a>b b>- <unk>>a", "b>a"])
    #expect(
      data.line("items")
        == "2 items that training has seen; of the training targets 33.3 % are unknown items, "
        + "which do not count")
  }

  @Test func longSessionsAreReadInParts() throws {
    let folder = try DataFolder("a.txt", "a b c d e f g\n")
    let data = try SequenceData(opening: request(folder.path, window: 3))
    #expect(try sessions(data, window: 3) == ["a>b b>c c>d", "d>e e>f f>g"])
    #expect(data.line("remark").contains("1 session of more than 4 items"))
  }

  @Test(arguments: [
    ("a.csv", "user,item\n1,a\n", "there is no column \"session\", which data.sequence names"),
    ("a.csv", "session,thing\n1,a\n", "there is no column \"item\", which data.item names"),
    ("a.csv", "session,item\n,a\n", "has no session"),
    ("a.csv", "session,item\n1,a,b\n", "has 3 fields, the header has 2"),
    ("a.csv", "session,item\n1,a\n", "no session of two known items is left"),
    ("a.jsonl", "{\"item\": \"a\"}", "expected \"session\" and \"item\""),
    ("a.txt", "\n\n", "there is no session in it"),
  ])
  func whatIsNoSessionIsRefused(name: String, content: String, problem: String) throws {
    let folder = try DataFolder(name, content)
    let error = #expect(throws: DataFileError.self) {
      try SequenceData(opening: request(folder.path))
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(problem))
  }

  @Test func timesAreAllNumbersOrNone() throws {
    let folder = try DataFolder("a.csv", "session,item,time\n1,a,2020-01-02\n1,b,7\n")
    let error = #expect(throws: DataFileError.self) {
      try SequenceData(opening: request(folder.path, time: "time"))
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("times that are numbers and times that"))
  }
}
