import Datasets
import Tables
import Tasks
import Testing

/// What is said before training of what a config asks for in vain, and of what is left out.
@Suite struct RemarkTests {
  private func series(_ header: String, columns: Int) throws -> DataFolder {
    let rows = (0..<40).map { row in
      (0..<columns).map { "\((row * 7 + $0 * 3) % 11)" }.joined(separator: ",")
    }
    return try DataFolder("a.csv", ([header] + rows).joined(separator: "\n"))
  }

  @Test func windowsThatAreTooShortAreRemarkedOn() throws {
    var request = try series("x,y", columns: 2).request(.forecasting)
    let folder = try series("x,y", columns: 2)
    request.train = folder.path
    request.season = 24
    request.horizon = 10
    request.knownColumns = ["y"]
    let remarks = try SequenceData(request).line("remark")
    #expect(remarks.contains("data.season is 24 steps, more than batch.window, which is 8"))
    #expect(remarks.contains("data.horizon is 10 steps, more than batch.window, which is 8"))
    request.season = 8
    request.horizon = 8
    let others = try SequenceData(request).line("remark")
    #expect(!others.contains("batch.window"), "\(others)")
  }

  @Test func columnsThatNoSeriesReadsAreLeftOut() throws {
    let folder = try series("x,y,z,w", columns: 4)
    var request = folder.request(.forecasting)
    request.seriesForm = .columns
    request.targetColumns = ["x", "y"]
    request.staticColumns = []
    request.knownColumns = ["w"]
    let data = try SequenceData(request)
    #expect(data.frame?.columns == ["x", "y", "w"])
    #expect(data.line("columns").contains("1 column left out: \"z\""))
  }

  @Test func aSingleClassIsRemarkedOn() throws {
    let folder = try DataFolder(
      "a.jsonl", (0..<4).map { #"{"values": [\#($0)], "label": "u"}"# }.joined(separator: "\n"))
    let data = try SequenceData(folder.request(.classification))
    #expect(data.line("remark").contains("there is one class alone, \"u\""))
  }

  /// Rows agree on commas too, with which the header has none of the columns that are named.
  @Test func theSeparatorIsTheOneWithWhichTheHeaderHasTheColumns() throws {
    let rows = (0..<9).map { "\($0 / 3),\($0),5;2,\($0);3,0" }
    let folder = try DataFolder(
      "a.csv", "time, when, what;high;low\n" + rows.joined(separator: "\n"))
    var request = folder.request(.forecasting)
    request.columns = ["high", "low"]
    #expect(try DataFile(path: folder.path).sequences(request).columns == ["high", "low"])
  }
}
