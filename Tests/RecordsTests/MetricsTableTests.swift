import Records
import Testing

@Suite struct MetricsTableTests {
  @Test(arguments: [0, 1, 1000, 2500])
  func partsOfTheTextMakeTheWhole(rows: Int) {
    var table = MetricsTable()
    for step in 0..<rows { table.append(["kind": "train", "step": .integer(step), "note": "a,b"]) }
    let parts = (0..<table.csvPartCount).map { table.csv(part: $0) }
    #expect(parts.count == [0: 1, 1: 1, 1000: 1, 2500: 3][rows])
    let names = rows == 0 ? "" : "step,note"
    let lines = [names] + (0..<rows).map { "\($0),\"a,b\"" }
    #expect(parts.joined() == lines.map { $0 + "\r\n" }.joined())
    #expect(table.csv == parts.joined())
  }
}
