import Testing

@testable import Datasets
@testable import Tables

/// Rows, fields, and the lines they stand in, of files as people have them.
@Suite struct DelimitedTextTests {
  private static func rows(_ text: String, step: Int = .max) throws -> [[String]] {
    var rows: [[String]] = []
    let stream = ByteStream(Array(text.utf8), step: step, capacity: step == .max ? 4096 : 16)
    var reader = try DelimitedText(stream, separator: 0x2C)
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
    // However the bytes come.
    for step in [.max, 1, 2, 3, 7] { #expect(try Self.rows(text, step: step) == expected) }
  }

  @Test func aRowKnowsItsLine() throws {
    for step in 1...5 {
      let text = "a\n\n\"b\nc\"\r\nd\r\r\n\"e\r\nf\rg\"\nh"
      let stream = ByteStream(Array(text.utf8), step: step, capacity: 16)
      var reader = try DelimitedText(stream, separator: 0x2C)
      var lines: [Int] = []
      while try reader.next() { lines.append(reader.line) }
      #expect(lines == [1, 3, 5, 7, 10])
    }
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

  @Test func bytesThatAreNoTextAreFound() throws {
    let text = Array("a,b\n1,".utf8) + [0xE9] + Array("t\n".utf8)
    for step in [1, 4, .max] {
      var reader = try DelimitedText(ByteStream(text, step: step, capacity: 16), separator: 0x2C)
      let isThere = try reader.next()
      #expect(isThere)
      let error = #expect(throws: ByteStream.NotText.self) { try reader.next() }
      #expect(error?.line == 2)
      #expect(error?.column == 3)
      #expect(error?.byte == 0xE9)
    }
  }

  /// Where somebody is told of such rows they are left out, however the bytes come.
  @Test func rowsThatAreNoTextAreToldAndLeftOut() throws {
    let text =
      Array("a,b\n1,".utf8) + [0xE9] + Array("t\n2,é\n".utf8) + [0xFF, 0x0A]
      + Array("3,\"x\n".utf8) + [0xC3] + Array("\"\n4,d\n# ".utf8) + [0xF0, 0x0A]
      + Array("5,e\n6,".utf8) + [0xE2, 0x82]
    for step in [1, 4, 7, .max] {
      let stream = ByteStream(text, step: step, capacity: 16)
      var told: [String] = []
      stream.leavesOut = { told.append("\($0.line):\($0.column):\($0.byte)") }
      var reader = try DelimitedText(stream, separator: 0x2C, remark: [0x23])
      var rows: [[String]] = []
      while try reader.next() { rows.append((0..<reader.count).map { reader[$0] }) }
      #expect(rows == [["a", "b"], ["2", "é"], ["4", "d"], ["5", "e"]], "\(step)")
      #expect(told == ["2:3:233", "4:1:255", "6:1:195", "8:3:240", "10:3:226"], "\(step)")
    }
    // The first row says how the others are read.
    let stream = ByteStream([0xFF] + text)
    stream.leavesOut = { _ in }
    var reader = try DelimitedText(stream, separator: 0x2C)
    #expect(throws: ByteStream.NotText.self) { try reader.next() }
  }

  @Test func linesThatAreNoTextAreToldAndLeftOut() throws {
    let text =
      [0x80, 0x0A] + Array("one\r\n".utf8) + [0x61, 0xC3, 0x0D, 0x0A] + Array("zwei ü\n".utf8)
      + [0xED, 0xA0, 0x80]
    for step in [1, 3, .max] {
      let stream = ByteStream(text, step: step, capacity: 16)
      var told: [String] = []
      stream.leavesOut = { told.append("\($0.line):\($0.column)") }
      var lines = LineReader(stream)
      var found: [String] = []
      while try lines.next() { found.append("\(lines.number) \(lines.text)") }
      #expect(found == ["2 one", "4 zwei ü"], "\(step)")
      #expect(told == ["1:1", "3:2", "5:1"], "\(step)")
    }
    let stream = ByteStream(text)
    stream.leavesOut = { _ in }
    var all = LineReader(stream, needsAll: true)
    #expect(throws: ByteStream.NotText.self) { try all.next() }
  }

  @Test(
    arguments: [
      ("é€😀 a", nil), ("\u{10FFFF}\u{D7FF}\u{E000}", nil), ("", nil),
    ] as [(String, Int?)])
  func textIsText(text: String, invalid: Int?) {
    var check = UTF8Check()
    Array(text.utf8).withUnsafeBytes { check.take($0, offset: 0) }
    check.finish()
    #expect(check.invalid?.offset == invalid)
  }

  /// The same verdict as the standard library's, however the bytes come.
  @Test func everyTwoAndThreeBytesAreToldAsTheStandardDoes() {
    let bytes: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
      0xED,
      0xEE, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
    ]
    for a in bytes {
      for b in bytes {
        for c in bytes {
          for d in [0x41, 0x80, 0xBF] as [UInt8] {
            let text = [a, b, c, d]
            var check = UTF8Check()
            for (offset, byte) in text.enumerated() {
              withUnsafeBytes(of: byte) { check.take($0, offset: offset) }
            }
            check.finish()
            #expect((check.invalid == nil) == (String(validating: text, as: UTF8.self) != nil))
          }
        }
      }
    }
  }
}
