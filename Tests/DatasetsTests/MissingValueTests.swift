import Batches
import NumericContract
import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// Missing numbers are errors that say how to go on, or are filled in as a config says.
@Suite struct MissingValueTests {
  private func request(_ file: DataFolder, _ policy: MissingPolicy) -> SequenceRequest {
    var request = file.request(.forecasting)
    request.missing = policy
    return request
  }

  /// What a model reads without being normalized.
  private func filled(
    _ content: String, _ policy: MissingPolicy, name: String = "a.csv", training: Range<Int>? = nil,
    change: (inout SequenceRequest) -> Void = { _ in }
  ) throws -> [Float] {
    let file = try DataFolder(name, content)
    var request = request(file, policy)
    change(&request)
    var table = try DataFile(path: file.path).sequences(request)
    let frame = try TaskFrame(
      of: table, training: [training ?? 0..<table.starts[table.count]], request, path: file.path)
    return try table.taken(by: frame, missing: policy, path: file.path).values.array
  }

  @Test(arguments: ["", "NA", "n/a", "NaN", "null", "?", "-", " ", "#N/A", "\"\""])
  func everyWordForMissingIsFilledIn(word: String) throws {
    let content = "x,y\n1,\(word)\n2,4\n\(word),8\n6,\(word)\n"
    #expect(try filled(content, .forward) == [1, 6, 2, 4, 2, 8, 6, 8])
    #expect(try filled(content, .mean) == [1, 6, 2, 4, 3, 8, 6, 6])
    let file = try DataFolder("a.csv", content)
    let error = #expect(throws: DataFileError.self) {
      try DataFile(path: file.path).sequences(request(file, .error))
    }
    let words = "\(try #require(error))"
    #expect(words.contains("data.missing"), "\(words)")
  }

  @Test func aSequenceTakesNothingFromTheOneBefore() throws {
    let content = "s,x\na,1\na,\nb,\nb,5\nb,NA\n"
    let values = try filled(content, .forward) { $0.sequenceColumn = "s" }
    #expect(values == [1, 1, 3, 5, 5])
  }

  @Test func onlyTheTrainingDataSayTheMean() throws {
    let content = "x\n1\n3\n-\n100\n"
    #expect(try filled(content, .mean, training: 0..<3) == [1, 3, 2, 100])
    let file = try DataFolder("a.csv", "x,y\n1,-\n2,-\n3,7\n")
    var request = request(file, .mean)
    let table = try DataFile(path: file.path).sequences(request)
    #expect(throws: DataFileError.self) {
      try TaskFrame(of: table, training: [0..<2], request, path: file.path)
    }
    request.columns = ["x"]
    #expect(throws: Never.self) { try DataFile(path: file.path).sequences(request) }
  }

  @Test func theConfigNamesItsOwnWords() throws {
    let content = "x\n1\n-999\n3\n"
    let words = try filled(content, .mean) { $0.missingWords = ["-999"] }
    #expect(words == [1, 2, 3])
    #expect(throws: DataFileError.self) {
      try filled(content, .error) { $0.missingWords = ["-999"] }
    }
    let lines = "{\"values\": [1, -999.0, 3]}"
    #expect(try filled(lines, .mean, name: "a.jsonl") { $0.missingWords = ["-999"] } == [1, 2, 3])
    #expect(throws: DataFileError.self) {
      try filled("x\n" + String(repeating: "1\n", count: 20) + "NA\n", .mean) {
        $0.missingWords = ["-999"]
      }
    }
  }

  @Test func otherFormatsHaveMissingNumbersToo() throws {
    let lines = "{\"values\": [1, null, 4]}\n{\"values\": [null, 7, \"NA\"]}"
    #expect(try filled(lines, .forward, name: "a.jsonl") == [1, 1, 4, 4, 7, 7])
    #expect(try filled("@data\n1,?,4\n?,NaN,7\n", .forward, name: "a.ts") == [1, 1, 4, 4, 4, 7])
    #expect(throws: DataFileError.self) { try filled(lines, .error, name: "a.jsonl") }
  }

  /// What is filled in counts neither for mean nor for deviation.
  @Test func statisticsAreThoseOfWhatIsThere() throws {
    let file = try DataFolder("a.csv", "x\n1\n\"\"\n3\nNA\n")
    var request = request(file, .mean)
    request.normalizes = true
    var table = try DataFile(path: file.path).sequences(request)
    let frame = try TaskFrame(of: table, training: [0..<4], request, path: file.path)
    #expect(frame.means == [2])
    #expect(frame.deviations == [1])
    #expect(frame.fills == nil)
    let set = try table.taken(by: frame, missing: .mean, path: file.path)
    #expect(set.values.array == [-1, 0, 1, 0])
    #expect(table.remarks.contains { $0.contains("of 4 steps numbers are missing") })
    let bare = TaskFrame.json(
      columns: ["x"], classes: nil, targets: ["x"], means: nil, deviations: nil, fills: [2.5])
    #expect("\(bare)".contains("fills"))
  }

  @Test func columnsWithGapsAreLeftOutWithTheWayToReadThem() throws {
    let rows = (0..<20).map { "\($0 % 3),\($0 % 2 == 0 ? "NA" : "1"),\($0 % 2 == 0 ? "a" : "1")" }
    let file = try DataFolder("a.csv", "x,y,z\n" + rows.joined(separator: "\n"))
    let table = try DataFile(path: file.path).sequences(request(file, .error))
    #expect(table.columns == ["x"])
    #expect(
      table.remarks.contains { $0.contains("\"y\" is left out") && $0.contains("data.missing") })
    #expect(
      table.remarks.contains { $0.contains("\"z\" is left out") && !$0.contains("data.missing") })
    let all = try DataFile(path: file.path).sequences(request(file, .forward))
    #expect(all.columns == ["x", "y"])
  }
}
