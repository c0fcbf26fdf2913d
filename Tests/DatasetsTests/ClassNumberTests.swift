import Datasets
import Tasks
import Testing

/// Classes are numbered alike whatever the order of a file and of a set in memory.
@Suite struct ClassNumberTests {
  @Test(arguments: [
    (["10", "2", "1"], ["1", "2", "10"]), (["10+", "10", "2"], ["10", "10+", "2"]),
    (["2.5", "10", "-1e1"], ["-1e1", "2.5", "10"]), (["b", "a", "B"], ["B", "a", "b"]),
    (["01", "1", "0"], ["0", "01", "1"]), (["nan", "2", "10"], ["10", "2", "nan"]),
    (["9007199254740993", "9007199254740992"], ["9007199254740992", "9007199254740993"]),
  ])
  func orderIsByValueWhereAllAreNumbersAndElseByText(
    labels: [String], expected: [String]
  ) throws {
    for rotation in labels.indices {
      let turned = labels[rotation...] + labels[..<rotation]
      let lines = turned.map { "{\"values\": [1, 2], \"label\": \"\($0)\"}" }
      let file = try DataFolder("a.jsonl", lines.joined(separator: "\n"))
      let data = try SequenceData(file.request(.classification))
      #expect(data.frame?.classes == expected)
    }
  }

  @Test func otherFilesAreSeenByTheNumbersThatWereLearnt() throws {
    let learnt = try DataFolder(
      "a.jsonl", "{\"values\": [1], \"label\": 2}\n{\"values\": [1], \"label\": 10}")
    let frame = try #require(try SequenceData(learnt.request(.classification)).frame)
    let part = try DataFolder("b.jsonl", "{\"values\": [1], \"label\": 10}")
    #expect(try SequenceData(part.request(.classification), frame: frame).outputs == 2)
    let strange = try DataFolder(
      "c.jsonl",
      "{\"values\": [1], \"label\": \"x\"}\n{\"values\": [1], \"label\": 7}")
    let error = #expect(throws: DataFileError.self) {
      try SequenceData(strange.request(.classification), frame: frame)
    }
    let words = "\(try #require(error))"
    #expect(words.contains("2 in all, \"7\", \"x\""), "\(words)")
    #expect(words.contains("its classes are \"2\", \"10\""), "\(words)")
  }
}
