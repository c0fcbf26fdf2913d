import Datasets
import Foundation
import Tasks
import Testing

/// JSON lines whose steps name the columns that are 1.
@Suite struct ActiveColumnTests {
  private func table(_ content: String, width: Int? = 4) throws -> SequenceTable {
    let folder = try DataFolder("rolls.jsonl", content)
    var request = folder.request(.multilabel)
    request.width = width
    return try DataFile(path: folder.path).sequences(request)
  }

  @Test func stepsNameTheColumnsThatAreOne() throws {
    let table = try table(
      """
      {"active": [[0, 3], [], [2]]}
      {"values": [[0, 1, 0, 0]]}
      {"active": [[1]]}
      """)
    #expect(table.starts == [0, 3, 4, 5])
    #expect(table.columns == ["value 1", "value 2", "value 3", "value 4"])
    #expect(
      table.values == [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0])
  }

  @Test func labelsStandBesideThem() throws {
    let folder = try DataFolder(
      "rolls.jsonl",
      (0..<4).map { #"{"active": [[\#($0 % 2)], []], "label": "\#($0 % 2)"}"# }
        .joined(separator: "\n"))
    var request = folder.request(.classification)
    request.width = 2
    let data = try SequenceData(request)
    #expect(data.features == 2)
    #expect(data.frame?.classes == ["0", "1"])
  }

  @Test(arguments: [
    (#"{"active": [[0], [4]]}"#, "line 1: step 2: expected columns from 0 to 3 (data.width), "),
    (#"{"active": [[0], [4]]}"#, "found 4"),
    (#"{"active": [[-1]]}"#, "found -1"), (#"{"active": [[1.5]]}"#, "found a number"),
    (#"{"active": [[1, 1]]}"#, "names column 1 twice"),
    (#"{"active": [3]}"#, "step 1: expected a list of columns"),
    (#"{"active": []}"#, "that is not empty"), (#"{"active": 3}"#, "expected a list \"active\""),
    (#"{"active": [[1]], "values": [[1]]}"#, "has both"),
    ("{\"values\": [[1, 0]]}\n{\"active\": [[1]]}", "line 2: data.width is 4"),
    ("{\"active\": [[1]]}\n{\"values\": [[1, 0]]}", "line 2: step 1 has 2 values, expected 4"),
  ])
  func errorsNameLineAndStep(content: String, expected: String) {
    do {
      _ = try table(content)
      Issue.record("read: \(content)")
    } catch {
      #expect("\(error)".contains(expected), "\(error)")
    }
  }

  @Test func widthIsAskedFor() throws {
    #expect(throws: DataFileError.self) { try table(#"{"active": [[1]]}"#, width: nil) }
    let folder = try DataFolder("rolls.csv", "sequence,x\n1,0\n1,1\n1,0\n")
    var request = folder.request(.multilabel)
    request.width = 1
    #expect(throws: DataFileError.self) { try SequenceData(request) }
  }

  @Test func weightsAreBalancedOrNamed() throws {
    let folder = try DataFolder(
      "a.jsonl",
      (0..<8).map { #"{"values": [\#($0), 1], "label": "\#($0 < 6 ? "ham" : "spam")"}"# }
        .joined(separator: "\n"))
    var request = folder.request(.classification)
    #expect(try SequenceData(request).classWeights.isEmpty)
    request.classWeights = .balanced
    let balanced = try SequenceData(request)
    #expect(balanced.classWeights == [8.0 / 12, 2])
    #expect(balanced.summary.lines.contains { $0.label == "weights" })
    request.classWeights = .named([ClassWeights.Named("spam", 3)])
    #expect(try SequenceData(request).classWeights == [1, 3])
    request.classWeights = .named([ClassWeights.Named("egg", 3)])
    #expect(throws: DataFileError.self) { try SequenceData(request) }
    // A class that nothing trains has no weight to be balanced.
    #expect(ClassWeights.balanced.weights(of: ["a", "b", "c"], counts: [4, 0, 2]) == [0.75, 1, 1.5])
  }
}
