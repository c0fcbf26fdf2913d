import Testing

@testable import Datasets

/// Rows, fields, and the lines they stand in, of files as people have them.
@Suite struct DelimitedTextTests {
  private static func rows(_ text: String, _ separator: Character = ",") throws -> [[String]] {
    var rows: [[String]] = []
    var reader = DelimitedText(Array(text.utf8), separator: separator.asciiValue ?? 0)
    while try reader.next() { rows.append((0..<reader.count).map { reader[$0] }) }
    return rows
  }

  @Test(arguments: [
    ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
    ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
    ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
    ("\u{FEFF}a,b\n1,2", [["a", "b"], ["1", "2"]]),
    ("\n\na,b\n\n1,2\r\n\r\n", [["a", "b"], ["1", "2"]]),
    ("a,,\n,\n", [["a", "", ""], ["", ""]]),
    ("a,", [["a", ""]]),
    ("\"a,b\",\"c\nd\",\"e\"\"f\"\"\"\n", [["a,b", "c\nd", "e\"f\""]]),
    ("\"\",\"a\" ,b\"c\n", [["", "a", "b\"c"]]),
    (" a , b\n", [[" a ", " b"]]),
    ("", []),
  ])
  func rowsAreAsTheStandardSays(text: String, expected: [[String]]) throws {
    #expect(try Self.rows(text) == expected)
  }

  @Test func aRowKnowsItsLine() throws {
    var reader = DelimitedText(Array("a\n\n\"b\nc\"\r\nd".utf8), separator: 0x2C)
    var lines: [Int] = []
    while try reader.next() { lines.append(reader.line) }
    #expect(lines == [1, 3, 5])
  }

  @Test(arguments: [
    ("a,b\n1,\"x\n2,y\n", 2, "never closed"),
    ("a\n\"x\n\" y,z\n", 2, "text follows where it is closed in line 3"),
    ("\"", 1, "never closed"),
  ])
  func aQuoteLeftOpenIsNamed(text: String, line: Int, problem: String) throws {
    let failure = try #require(throws: DelimitedText.Failure.self) { try Self.rows(text) }
    #expect(failure.line == line)
    #expect(failure.problem.contains(problem))
  }

  @Test(arguments: [
    ("a;b;c\n1,5;2,5;3\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2", "|"), ("a,b\n1;2,3;4", ","),
    ("a\n1\n", ","), ("", ","), ("\"a;b\",c\n1,2\n", ","),
  ])
  func theSeparatorIsTheOneThatAllRowsAgreeOn(text: String, separator: Character) {
    #expect(DelimitedText.separator(of: Array(text.utf8)) == separator.asciiValue)
  }
}
