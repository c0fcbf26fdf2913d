import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// Tables as people have them: how they are written, what is read of them, and what is said.
@Suite struct TableDialectTests {
  private func read(
    _ content: String, _ change: (inout SequenceRequest) -> Void = { _ in }
  ) throws -> SequenceTable {
    let file = try DataFolder("a.csv", content)
    var request = file.request(.forecasting)
    change(&request)
    return try DataFile(path: file.path).sequences(request)
  }

  private func complaint(
    _ content: String, _ change: (inout SequenceRequest) -> Void = { _ in }
  ) -> String {
    do {
      return "nothing: \(try read(content, change).values)"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    "x,y\n1.5,2\n3,4\n", "x;y\n1,5;2\n3;4\n", "x\ty\r\n1,5\t2\r\n3\t4\r\n", "x|y\r1.5|2\r3|4",
    "\u{FEFF}x,y\n1.5,2\n3,4\n", "sep=;\nx;y\n1,5;2\n3;4\n", "SEP=,\r\nx,y\r\n1.5,2\r\n3,4\r\n",
    "\u{FEFF}sep=|\nx|y\n1.5|2\n3|4\n", "# buoy 12\n#\n# x,y,z\nx,y\n1.5,2\n3,4\n",
    "\n\nBuoy 12\n\nx,y\n\n1.5,2\n\n\n3,4\n\n", "Buoy 12\nOslo\nx,y\n1.5,2\n3,4\n",
    "sep=,\nBuoy 12,\n# Oslo\n,\nx,y\n1.5,2\n3,4\n", "x,y\n1.5,2\n# out of order\n3,4\n",
    "x,y\n1.5,2,\n3,4,,,\n", "x,y,\n1.5,2,\n3,4\n",
    "x,y,,,\n1.5,2,,,\n,,,,\n3,4,,,\n,,,,\n", " x , y\n 1.5, 2\n3 ,\t4 \n",
    "\"x\",\"y\"\n\"1.5\",\"2\"\n3,\"4\"\n", "x,y\n1.5,2\n3,4,\"\"\n".replacing(",\"\"", with: ""),
    "x;\"y\"\n\"1,5\";2\n3;4\n", "x, y\n1.50,+2\n3e0,4.\n",
  ])
  func everyDialectIsTheSameTable(content: String) throws {
    let table = try read(content)
    #expect(table.columns == ["x", "y"], "\(content)")
    #expect(table.values == [1.5, 2, 3, 4], "\(content)")
  }

  @Test func theConfigDecidesWhereItSaysSo() throws {
    let points = try read("x;y\n1;2\n1,250;2\n") { $0.decimal = "," }
    #expect(points.values == [1, 2, 1.25, 2])
    #expect(try read("// a\nx\n1\n//2\n3\n") { $0.remark = "//" }.values == [1, 3])
    #expect(try read("#x\n1\n2\n").columns == ["#x"])
    #expect(try read("#x,y\n1,2\n3,4\n").columns == ["#x", "y"])
    let bare = try read("1,2\n3,4\n") { $0.hasHeader = false }
    #expect(bare.columns == ["column 1", "column 2"])
    #expect(bare.values == [1, 2, 3, 4])
    // With commas between columns, a comma within quotes is not taken for a decimal one.
    #expect(complaint("x,y\n\"1,5\",2\n\"2,5\",3\n").contains("set data.decimal to \",\""))
    #expect(
      try read("x,y\n\"1,5\",2\n\"2,5\",3\n") { $0.decimal = "," }.values == [1.5, 2, 2.5, 3])
  }

  @Test(arguments: [
    ("x,y\n1,2\n3,4,5\n", ["line 3", "has 3 fields, the header has 2"]),
    ("x,y\n1,2,3\n3,4,5\n", ["line 2", "is there a column without a name in the header?"]),
    ("x,y\n1,2\n3", ["line 3", "has 1 field", "is it cut off?"]),
    ("x,y,z\n1,2,3\n3,4\n5,6,7\n", ["line 3", "has 2 fields"]),
    ("1.5,2\n3,4\n", ["line 1", "holds numbers", "set data.header to false"]),
    ("2020-01-01,3\n2020-01-02,4\n", ["line 1", "set data.header to false"]),
    ("x,y,x\n1,2,3\n", ["\"x\" appears twice", "as columns 1 and 3"]),
    ("x,y\n1,2\n2,\"3\n3,4\n", ["line 3", "a quote is opened here and never closed"]),
    ("x,y\n1,12%\n2,13 %\n", ["line 2, column \"y\"", "a percent sign"]),
    ("x,y\n1,$5\n2,$7.5\n", ["column \"y\"", "a currency sign"]),
    ("x;y\n1;1.234,5\n2;2.345,5\n", ["column \"y\"", "thousands separators"]),
    ("x,y\n1,\"1,234,567\"\n2,\"2,345,678\"\n", ["column \"y\"", "thousands separators"]),
    ("x,y\n1,5 kg\n2,6 kg\n", ["column \"y\"", "a unit"]),
    ("x,y\n1,5°C\n2,6.5°C\n", ["column \"y\"", "a unit"]),
    ("x,y\n1,1e300\n2,3\n", ["line 2, column \"y\"", "within single precision"]),
    ("x,y\n1,nan\n2,3\n", ["line 2, column \"y\"", "expected a finite number"]),
    ("x,y\n", ["there is no row after the header"]),
    ("# only a remark\n", ["no row"]),
  ])
  func whatCannotBeReadIsNamed(content: String, expected: [String]) {
    let words = complaint(content)
    for part in expected { #expect(words.contains(part), "\(content): \(words)") }
  }

  @Test func latinLettersAreNamedWithTheirLine() throws {
    let text = Array("x,note\n1,caf".utf8) + [0xE9] + Array("\n2,tea\n".utf8)
    let file = try DataFolder("a.csv", text)
    let error = #expect(throws: DataFileError.self) {
      try DataFile(path: file.path).sequences(file.request(.forecasting))
    }
    let words = "\(try #require(error))"
    #expect(words.contains("line 2, byte 6: 0xE9 is no text in UTF-8"), "\(words)")
    #expect(words.contains("iconv -f WINDOWS-1252"), "\(words)")
  }

  /// Text, dates, codes and what else is no number of any kind is left out, with a reason.
  @Test func allRowsDecideWhichColumnsAreRead() throws {
    let rows = (0..<40).map {
      "\($0),2020-01-\(10 + $0 % 20),\($0 < 30 ? "\($0)" : "n\($0)"),A\($0)B,\($0 % 7)"
    }
    let table = try read("t,day,late,code,y\n" + rows.joined(separator: "\n"))
    #expect(table.columns == ["t", "y"])
    #expect(table.leftOut == ["day", "late", "code"])
    #expect(table.values.count == 80)
    let words = table.remarks.joined(separator: "\n")
    #expect(table.form == "separated by commas")
    #expect(words.contains("\"late\" is left out, as 10 of 40 rows"))
    #expect(words.contains("line 32 has \"n30\""))
    #expect(words.contains("column \"t\" rises in every row"))
    #expect(!words.contains("\"y\" rises"))
  }

  @Test func whatStandsAboveAndBetweenIsSaid() throws {
    let words = try read("Buoy 12\n# Oslo\nx,y\n1,2\n# gap\n3,4\n,\n").remarks.joined(
      separator: "\n")
    #expect(words.contains("line 1 is no part of the table: \"Buoy 12\""), "\(words)")
    #expect(words.contains("line 2 is no part of the table: \"# Oslo\""), "\(words)")
    #expect(words.contains("lines that begin with # are left out: 1"), "\(words)")
    #expect(words.contains("lines without anything in them are left out: 1"), "\(words)")
  }

  /// What a model has learnt decides what is read, and not what else a file has.
  @Test func otherFilesAreReadAsTheModelHasLearnt() throws {
    let learnt = try DataFolder(
      "a.csv", "x,y\n" + (0..<30).map { "\($0 % 4),\($0 % 3)\n" }.joined())
    let frame = try #require(try SequenceData(learnt.request(.forecasting)).frame)
    let other = try DataFolder(
      "b.csv", "z,y,x\n" + (0..<30).map { "\($0 == 7 ? "-" : "1"),\($0 % 3),\($0 % 4)\n" }.joined())
    #expect(try SequenceData(other.request(.forecasting), frame: frame).features == 2)
  }

  @Test(arguments: [
    ("a,b\n1,2\n", ","), ("a;b;c\n1,5;2,5;3\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2", "|"),
    ("a,b\n1;2,3;4", ","), ("a\n1\n", ","), ("", ","), ("\"a;b\",c\n1,2\n", ","),
    ("day;co;temp;n\n10/03;2,1;13,2;1360\n10/03;2,2;13,4;1361\n", ";"),
    ("a;b\n1;2\n3;4;5\n6;7\n", ";"), ("x\n1,5\n", ","),
  ])
  func theSeparatorIsTheOneThatRowsAgreeOn(text: String, separator: Character) {
    let request = SequenceRequest(
      task: TaskName.forecasting.description, rows: 1, window: 1, seed: 1)
    let dialect = TableDialect(head: Array(text.utf8), isWhole: true, request)
    #expect(dialect.separator == separator.asciiValue)
  }

  @Test(arguments: [";", "\t", "|"])
  func emptyLastColumnIsCounted(separator: String) throws {
    // Decimal commas would make two columns of every row as well, and none of the header.
    let numbers = (0..<30).map { (900 + $0, 10 + $0 % 9) }
    let rows: [String] = numbers.map { number, day in "\(number),50;2026-01-\(day);" }
    let dated: [String] = numbers.map { number, day in "2026-01-\(day);\(number),50;" }
    let files: [(String, [String])] = [
      ("Umsatz;Datum;Notiz", rows), ("Datum;Umsatz;Notiz", dated),
    ]
    for (header, rows) in files {
      let text = ([header] + rows).joined(separator: "\n").replacing(";", with: separator)
      for names in [nil, ["Umsatz"]] {
        let table = try read(text) { $0.columns = names }
        #expect(table.columns == ["Umsatz"])
        #expect(table.values == numbers.map { number, _ in Double(number) + 0.5 })
        #expect(table.remarks.allSatisfy { !$0.contains("is no part of the table") })
      }
    }
  }

  @Test func namedColumnsDecideTheSeparator() throws {
    // By commas as well as by semicolons all rows have two fields.
    let text = "load,kW;temp\n" + (0..<20).map { "\($0);3,5" }.joined(separator: "\n")
    let table = try read(text) { $0.columns = ["load,kW"] }
    #expect(table.columns == ["load,kW"])
    #expect(table.values == (0..<20).map { Double($0) })
  }

  /// A head that ends within a row tells nothing of that row.
  @Test func largeTablesAreReadThroughASmallWindow() throws {
    let rows = (0..<60_000).map { "\($0 % 977).25,\"q\($0)\",\(-$0)" }
    let table = try read("x,note,y\n" + rows.joined(separator: "\n"))
    #expect(table.values.count == 120_000)
    #expect(table.values[119_998] == Double(59_999 % 977) + 0.25)
    #expect(table.values[119_999] == -59_999)
  }
}
