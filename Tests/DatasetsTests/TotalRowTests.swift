import Datasets
import Tables
import Tasks
import Testing

/// Rows of totals among the rows of a table are said, and nothing else is taken for one.
@Suite struct TotalRowTests {
  private static let months = (1...12).map { "2020-\($0 < 10 ? "0" : "")\($0)-01" }

  /// A table with a first column of these cells, and a column of numbers.
  private func remarks(
    _ cells: [String], columns: [String]? = nil, separator: String = ","
  ) throws -> [String] {
    let rows = cells.enumerated().map { "\($1)\(separator)\($0 * 7 % 11)\(separator)\($0 % 3)" }
    let folder = try DataFolder(
      "a.csv", (["month\(separator)x\(separator)y"] + rows).joined(separator: "\n") + "\n")
    var request = folder.request(.forecasting)
    request.columns = columns
    let table = try DataFile(path: folder.path).sequences(request)
    #expect(table.numbers.rows == cells.count)
    return table.remarks.filter { $0.contains("a row of totals?") }
  }

  @Test(arguments: ["Summe", "TOTAL:", " Gesamt ", "\"Grand Total\"", "average", "\u{2211}"])
  func wordsTellThem(word: String) throws {
    let text = word.filter { $0 != "\"" }
    for columns in [nil, ["x", "y"]] {
      #expect(
        try remarks(Self.months + [word], columns: columns) == [
          "line 14, column \"month\" says \"\(text)\": a row of totals? It is read as data like "
            + "the others; take it out of the file if so"
        ])
    }
    let twice = try remarks(Self.months[..<6] + [word] + Self.months[6...] + [word])
    #expect(
      twice == [
        "line 8, column \"month\" says \"\(text)\": a row of totals? There are 2 such rows, which "
          + "are read as data like the others; take them out of the file if so"
      ])
  }

  @Test func namesOfGroupsHaveThemToo() throws {
    let names = ["north", "south", "east", "west", "Zwischensumme"]
    #expect(try remarks(names).first?.hasPrefix("line 6, column \"month\" says") == true)
  }

  @Test(arguments: [
    (months + ["2020"], [String]()),
    (months + ["all of 2020"], ["line 14, column \"month\" has \"all of 2020\" where other rows"]),
    (
      ["all of 2020"] + months + months,
      ["line 2, column \"month\" has \"all of 2020\" where other rows have dates"]
    ),
    (months + [""], ["line 14, column \"month\" is empty in the last row alone"]),
    (["a", "b", "c", "d", ""], ["line 6, column \"month\" is empty in the last row alone"]),
  ])
  func cellsOfAnotherKindTellThem(cells: [String], expected: [String]) throws {
    let found = try remarks(cells)
    #expect(found.count == expected.count, "\(found)")
    for (one, words) in zip(found, expected) { #expect(one.hasPrefix(words), "\(one)") }
  }

  @Test(arguments: [
    // A category like others, words with more to them, gaps, and texts.
    ["total", "part", "total", "part", "total", "part"],
    ["totally", "summer", "meant", "average man", "Sumatra"],
    ["2020-01-01", "NA", "2020-03-01", "", "2020-05-01", "n/a"],
    ["a1", "7b", "c", "d", "5", "e", "f"],
  ])
  func othersAreNone(cells: [String]) throws {
    #expect(try remarks(cells, columns: ["x", "y"]) == [])
  }

  /// Numbers that are not read tell a row by what stands among them in the last one.
  @Test func numbersOfRowsTellThem() throws {
    let numbers = (1...20).map { "\($0)" }
    #expect(
      try remarks(numbers + ["all"], columns: ["x", "y"]).first?.hasPrefix(
        "line 22, column \"month\" has \"all\" where other rows have numbers") == true)
    #expect(try remarks(numbers + ["NA"], columns: ["x", "y"]) == [])
    #expect(try remarks(["all"] + numbers, columns: ["x", "y"]) == [])
  }

  /// A sequence or a category of that name is none.
  @Test func sequencesAndCategoriesAreLookedAt() throws {
    let rows = (0..<9).map { "s\($0 / 3),\($0 % 2 == 0 ? "u" : "v"),\($0)" }
    let folder = try DataFolder(
      "a.csv", (["sequence,kind,x"] + rows + ["Total,w,36"]).joined(separator: "\n") + "\n")
    var request = folder.request(.forecasting)
    request.sequenceColumn = "sequence"
    request.categoryColumns = ["kind"]
    let table = try DataFile(path: folder.path).sequences(request)
    #expect(table.remarks.contains { $0.hasPrefix("line 11, column \"sequence\" says \"Total\"") })
  }
}
