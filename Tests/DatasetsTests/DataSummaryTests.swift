import Datasets
import Records
import Tasks
import Testing

/// What is read of data, as what, and what is left out is said.
@Suite struct DataSummaryTests {
  private func text(_ label: String, _ summary: DataSummary) -> String {
    summary.lines.filter { $0.label == label }.map(\.text).joined(separator: " | ")
  }

  @Test func classesAreSaidWithTheirCounts() throws {
    let rows = ["a,up", "a,up", "b,down", "c,up", "d,up"].enumerated()
      .map { "\($1.split(separator: ",")[0]),\($0),x,\($1.split(separator: ",")[1])" }
    let head = "sequence,value,note,label\n"
    let folder = try DataFolder("a.csv", head + rows.joined(separator: "\n"))
    let valid = try DataFolder("b.csv", head + "a,1,x,down\nb,2,x,down\nb,2,x,down")
    var request = folder.request(.classification)
    request.window = 4
    request.validFraction = 0
    request.valid = valid.path
    let summary = try SequenceData(request).summary
    #expect(
      text("classes", summary)
        == "2, with sequences to train + validate on: \"down\" 1 + 2, \"up\" 3 + 0"
        + "; without any to validate on: \"up\"")
    let columns = text("columns", summary)
    #expect(columns.contains("1 read as numbers"), "\(columns)")
    #expect(columns.contains("sequences by \"sequence\"; classes by \"label\""), "\(columns)")
    #expect(columns.hasSuffix("1 column left out: \"note\""), "\(columns)")
    let files = text("data", summary)
    #expect(files.contains("for training: 4 sequences, 5 steps"), "\(files)")
    #expect(files.contains("for validation: 2 sequences, 3 steps"), "\(files)")
    #expect(text("validation", summary) == "2 sequences")
    #expect(summary.json["left_out_columns"] == .array(["note"]))
    #expect(
      summary.json["classes"]
        == .array([
          ["name": "down", "training": 1, "validation": 2],
          ["name": "up", "training": 3, "validation": 0],
        ]))
  }

  @Test func shortSeriesAreCounted() throws {
    let lengths = [("a", 9), ("b", 3), ("c", 12), ("d", 5)]
    let rows = lengths.flatMap { name, length in (0..<length).map { "\(name),\($0 * $0)" } }
    let folder = try DataFolder("a.csv", "series,x\n" + rows.joined(separator: "\n"))
    var request = folder.request(.forecasting)
    request.sequenceColumn = "series"
    request.validFraction = 0
    (request.window, request.horizon) = (4, 2)
    let data = try SequenceData(request)
    #expect(
      text("short", data.summary)
        == "2 series of 4 left out of training: fewer than the 6 steps of a window and its "
        + "forecast, the shortest 3")
    #expect(data.summary.json["training_series_left_out"] == 2)
    #expect(text("validation", data.summary) == "none")
    request.window = 1
    #expect(try text("short", SequenceData(request).summary).isEmpty)
  }

  /// Lists of any length leave a line and a record of bounded length.
  @Test func longListsAreCut() throws {
    let width = 2000
    let names = (0..<width).map { "c\($0)" }.joined(separator: ",")
    let row = [String](repeating: "1", count: width).joined(separator: ",")
    let rows = (0..<40).map { "s\($0),\(row),l\($0)" }.joined(separator: "\n")
    let folder = try DataFolder("a.csv", "sequence,\(names),label\n" + rows)
    let summary = try SequenceData(folder.request(.classification)).summary
    #expect(summary.lines.allSatisfy { $0.text.utf8.count < 400 })
    #expect(summary.json["column_count"] == .integer(width))
    guard case .array(let listed) = summary.json["columns"] else {
      Issue.record("no list of columns")
      return
    }
    #expect(listed.count == 1000)
  }
}
