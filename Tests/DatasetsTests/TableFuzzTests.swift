import NumericContract
import Tasks
import Testing

@testable import Datasets
@testable import Tables

/// Tables, lines and their parts at random: what is read is what a plain reader reads, and does not
/// depend on how the bytes come; nothing traps.
@Suite struct TableFuzzTests {
  private static let sound = [
    "sequence,label,x,y\n1,a,1.5,2\n1,a,3,4\n2,b,5,6\n",
    "\u{FEFF}x;y\r\n1,5;2\r\n3;4\r\n\r\n",
    "# remark\nx\ty\n1\t2\n\n3\t4", "\"a\nb\",c\n\"1\",\"2\"\n\"3\",4\n", "sep=;\nx;y\n1;2",
    "Title\nx,y\n1,2\n3,4\n", "x,y,\n1,2,\n3,4,\n,,,\n", "é,ü\n1,2\n", "x\n1\nNA\n3\n",
    "x\r1\r2\r3\r",
  ]

  private func damaged(_ text: String, _ random: inout some RandomNumberGenerator) -> [UInt8] {
    var bytes = Array(text.utf8)
    let marks = Array("\",;\t|\r\n#.e-+ 0123456789".utf8) + [0, 0xC3, 0xE9, 0xFF]
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      let mark = marks.randomElement(using: &random) ?? 0
      switch Int.random(in: 0...2, using: &random) {
      case 0: bytes.insert(mark, at: place)
      case 1 where place < bytes.count: bytes[place] = mark
      default: if place < bytes.count { bytes.remove(at: place) }
      }
    }
    return bytes
  }

  private func rows(_ bytes: [UInt8], step: Int, capacity: Int) -> [String] {
    var found: [String] = []
    do {
      let stream = ByteStream(bytes, step: step, capacity: capacity)
      var reader = try DelimitedText(stream, separator: 0x2C)
      while try reader.next() {
        let fields = (0..<reader.count).map { reader[$0] }
        found.append("\(reader.line) \(reader.isCutOff) \(fields)")
      }
      found.append(stream.fingerprint)
    } catch {
      found.append("\(error)")
    }
    return found
  }

  @Test func rowsDoNotDependOnHowTheBytesCome() {
    var random = SeededNumbers(seed: 111)
    for round in 0..<4000 {
      let bytes = damaged(Self.sound[round % Self.sound.count], &random)
      let whole = rows(bytes, step: .max, capacity: 4096)
      for step in [1, 2, 5] {
        #expect(rows(bytes, step: step, capacity: 16) == whole, "\(bytes)")
      }
    }
  }

  /// A table without faults, with quotes where there need be none.
  @Test func randomTablesAreReadAsTheyWereWritten() throws {
    var random = SeededNumbers(seed: 112)
    for _ in 0..<300 {
      let width = Int.random(in: 1...6, using: &random)
      let separator = [",", ";", "\t", "|"].randomElement(using: &random) ?? ","
      let end = ["\n", "\r\n", "\r"].randomElement(using: &random) ?? "\n"
      let rows = (0..<Int.random(in: 1...80, using: &random)).map { _ in
        (0..<width).map { _ in Double.random(in: -1e3...1e3, using: &random) }
      }
      func cell(_ text: String) -> String {
        Int.random(in: 0...4, using: &random) == 0 ? "\"\(text)\"" : text
      }
      var text = (0..<width).map { cell("c\($0)") }.joined(separator: separator) + end
      for row in rows {
        if Int.random(in: 0...9, using: &random) == 0 { text += end }
        text += row.map { cell("\($0)") }.joined(separator: separator) + end
      }
      let file = try DataFolder("a.csv", text)
      let table = try DataFile(path: file.path).sequences(file.request(.forecasting))
      #expect(table.columns == (0..<width).map { "c\($0)" })
      #expect(table.values == rows.flatMap { $0 })
    }
  }

  @Test func damagedTablesEndInATableOrAnError() throws {
    var random = SeededNumbers(seed: 113)
    for round in 0..<1500 {
      let bytes = damaged(Self.sound[round % Self.sound.count], &random)
      let file = try DataFolder("a.csv", bytes)
      for task in [TaskName.forecasting, .classification] {
        do {
          let table = try DataFile(path: file.path).sequences(file.request(task))
          #expect(table.starts.last == table.values.count / max(1, table.features))
          #expect(table.features > 0)
          #expect(table.labels.isEmpty || table.labels.count == table.count)
        } catch is DataFileError {
        }
      }
    }
  }

  /// What is read by the short way is what the long one reads.
  @Test func plainLinesAreThoseThatTheParserReads() throws {
    var random = SeededNumbers(seed: 114)
    let sound = [
      #"{"values": [[0.1, 2], [-0, 4e2]], "label": "a"}"#, #"{"label":-7,"values":[1,2.50,-0.0]}"#,
      #"{"values": [1], "label": 1.0}"#, #"{"values": [[1]], "other": {"a": [1]}, "label": true}"#,
    ]
    for round in 0..<3000 {
      let line = damaged(sound[round % sound.count], &random)
      let lines = [line, Array(#" {"values":[[1,2]],"label":"z"}"#.utf8)]
      let found = lines.map { line in
        let file = try? DataFolder("a.jsonl", line)
        let long = try? DataFolder(
          "a.jsonl", Array(#"{"":0,"#.utf8) + line.drop { $0 != 0x7B }.dropFirst())
        func read(_ file: DataFolder?) -> String {
          guard let file else { return "" }
          guard let table = try? DataFile(path: file.path).sequences(file.request(.classification))
          else { return "error" }
          return
            "\(table.values.map(\.bitPattern)) \(table.labels) \(table.starts) \(table.columns)"
        }
        return (read(file), read(long))
      }
      for (short, long) in found where line.first == 0x7B { #expect(short == long, "\(line)") }
    }
  }

  @Test func casesInOneLineAreReadByBothWays() throws {
    var random = SeededNumbers(seed: 115)
    for round in 0..<2000 {
      let lines = ["1,2,3:4,5,6:up", "-7.5,8e-1:1,2:down", "0.1:0.30000000000000004:up"]
      let line = damaged(lines[round % 3], &random)
      if line.contains(0x0A) || line.contains(0x0D) { continue }
      func read(_ line: [UInt8]) throws -> String {
        let head = Array("@classLabel true up down\n@data\n".utf8)
        let file = try DataFolder("a.ts", head + line)
        guard let table = try? DataFile(path: file.path).sequences(file.request(.classification))
        else { return "error" }
        return "\(table.values.map(\.bitPattern)) \(table.labels) \(table.starts) \(table.columns)"
      }
      // A blank before the first number takes the long way.
      #expect(try read(line) == read([0x20] + line), "\(line)")
    }
  }
}
