import Testing

@testable import Datasets
@testable import Tables

/// Rows that are longer than a block of bytes are those that a plain reader finds, byte by byte.
@Suite struct FieldScanTests {
  private struct Row: Equatable {
    var line: Int
    var fields: [String]
  }

  /// The rows of a text, and whether the last one that begins is an error.
  private struct Reading: Equatable {
    var rows: [Row] = []
    var fails = false
  }

  /// The plain reader.
  private struct Plain {
    let text: [UInt8]
    let separator: UInt8
    var place = 0
    var line = 1

    private var byte: UInt8? { place < text.count ? text[place] : nil }
    private var isAtLineEnd: Bool { byte == 0x0A || byte == 0x0D }

    private mutating func skipLineEnd() {
      let isPair = byte == 0x0D && place + 1 < text.count && text[place + 1] == 0x0A
      place += isPair ? 2 : 1
      line += 1
    }

    /// A field, which begins here; nil where its quotes are wrong.
    private mutating func field() -> [UInt8]? {
      var field: [UInt8] = []
      guard byte == 0x22 else {
        while let byte, byte != separator, !isAtLineEnd {
          field.append(byte)
          place += 1
        }
        return field
      }
      place += 1
      var isClosed = false
      while let byte {
        if byte == 0x22 {
          place += 1
          isClosed = self.byte != 0x22
          if isClosed { break }
          field.append(byte)
          place += 1
        } else if isAtLineEnd {
          let start = place
          skipLineEnd()
          field += text[start..<place]
        } else {
          field.append(byte)
          place += 1
        }
      }
      if !isClosed { return nil }
      while byte == 0x20 { place += 1 }
      return byte == nil || byte == separator || isAtLineEnd ? field : nil
    }

    mutating func read() -> Reading {
      var reading = Reading()
      while byte != nil {
        if isAtLineEnd {
          skipLineEnd()
          continue
        }
        var row = Row(line: line, fields: [])
        while true {
          guard let field = field() else {
            reading.fails = true
            return reading
          }
          row.fields.append(String(decoding: field, as: UTF8.self))
          guard byte == separator else { break }
          place += 1
        }
        if byte != nil { skipLineEnd() }
        reading.rows.append(row)
      }
      return reading
    }
  }

  private func read(
    _ text: [UInt8], _ separator: UInt8, step: Int, capacity: Int
  ) throws -> Reading {
    var reading = Reading()
    var reader = try DelimitedText(
      ByteStream(text, step: step, capacity: capacity), separator: separator)
    do {
      while try reader.next() {
        let fields = (0..<reader.count).map { reader[$0] }
        reading.rows.append(Row(line: reader.line, fields: fields))
      }
    } catch is DelimitedText.Failure {
      reading.fails = true
    }
    return reading
  }

  /// Cells of any length, some in quotes with whatever may stand there, and a mark in places where
  /// none belongs.
  private func text(
    _ separator: UInt8, _ random: inout some RandomNumberGenerator
  ) -> [UInt8] {
    var text: [UInt8] = []
    let lineEnds: [[UInt8]] = [[0x0A], [0x0D, 0x0A], [0x0D]]
    let lineEnd = lineEnds[Int.random(in: 0...2, using: &random)]
    let columns = Int.random(in: 1...90, using: &random)
    let quotes = [0, 2, 20, 1000].randomElement(using: &random) ?? 0
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      for column in 0..<columns {
        if column > 0 { text.append(separator) }
        let isQuoted = Int.random(in: 0..<1000, using: &random) < quotes
        if isQuoted { text.append(0x22) }
        for _ in 0..<Int.random(in: 0...20, using: &random) {
          switch isQuoted ? Int.random(in: 0...30, using: &random) : 31 {
          case 0: text += lineEnd
          case 1: text.append(separator)
          case 2: text += [0x22, 0x22]
          default: text.append(UInt8.random(in: 0x30...0x7A, using: &random))
          }
        }
        if isQuoted { text.append(0x22) }
      }
      text += lineEnd
    }
    let marks = [0x22, 0x22, 0x0A, 0x0D, 0x20, separator]
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let mark = marks.randomElement(using: &random) ?? 0x22
      text.insert(mark, at: Int.random(in: 0...text.count, using: &random))
    }
    if Int.random(in: 0...3, using: &random) == 0 { text.removeLast(min(text.count, 3)) }
    return text
  }

  @Test func longRowsAreThoseOfAPlainReader() throws {
    var random = SeededNumbers(seed: 29)
    var fails = 0
    for round in 0..<1500 {
      let separator: UInt8 = [0x2C, 0x3B, 0x09][round % 3]
      let text = text(separator, &random)
      var plain = Plain(text: text, separator: separator)
      let expected = plain.read()
      fails += expected.fails ? 1 : 0
      for (step, capacity) in [(Int.max, 1 << 14), (61, 64), (200, 256)] {
        let reading = try read(text, separator, step: step, capacity: capacity)
        #expect(reading == expected, "\(String(decoding: text, as: UTF8.self))")
      }
    }
    // Both kinds are there.
    #expect((50...1000).contains(fails), "\(fails)")
  }
}
