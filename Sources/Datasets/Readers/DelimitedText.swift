/// Rows of fields with a separator between them, a line a row (RFC 4180). A field in quotes may
/// hold separators, line ends, and a quote as two. Lines end in LF, CR LF or CR; a blank line is no
/// row; a byte order mark is no part of the first field.
struct DelimitedText {
  /// What is wrong with the text, and in which line.
  struct Failure: Error {
    let line: Int
    let problem: String
  }

  private struct Field {
    var range: Range<Int>
    var hasDoubledQuotes = false
  }

  private let bytes: [UInt8]
  private let separator: UInt8
  private var position: Int
  private var positionLine = 1
  private var fields: [Field] = []
  /// The line in which the row begins that was read last.
  private(set) var line = 1

  init(_ bytes: [UInt8], separator: UInt8) {
    self.bytes = bytes
    self.separator = separator
    position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// How many fields the row has that was read last.
  var count: Int { fields.count }

  /// The row that was read last has one field, which is empty, beyond as many: its line ends in a
  /// separator.
  func hasTrailingSeparator(after count: Int) -> Bool {
    fields.count == count + 1 && fields[count].range.isEmpty
  }

  /// A field of the row that was read last. The bytes are UTF-8.
  subscript(place: Int) -> String {
    let field = fields[place]
    let text = String(decoding: bytes[field.range], as: UTF8.self)
    return field.hasDoubledQuotes ? text.replacing("\"\"", with: "\"") : text
  }

  /// Reads the next row; false where there is none.
  mutating func next() throws(Failure) -> Bool {
    while position < bytes.count, Self.isLineEnd(bytes[position]) { endLine() }
    guard position < bytes.count else { return false }
    line = positionLine
    fields.removeAll(keepingCapacity: true)
    while true {
      fields.append(try nextField())
      guard position < bytes.count else { return true }
      if bytes[position] != separator {
        endLine()
        return true
      }
      position += 1
    }
  }

  /// Leaves the position at what ends the field.
  private mutating func nextField() throws(Failure) -> Field {
    if position < bytes.count, bytes[position] == Self.quote { return try quotedField() }
    let start = position
    while position < bytes.count, bytes[position] != separator, !Self.isLineEnd(bytes[position]) {
      position += 1
    }
    return Field(range: start..<position)
  }

  private mutating func quotedField() throws(Failure) -> Field {
    let opened = positionLine
    position += 1
    var field = Field(range: position..<position)
    while position < bytes.count {
      if Self.isLineEnd(bytes[position]) {
        endLine()
      } else if bytes[position] != Self.quote {
        position += 1
      } else if position + 1 < bytes.count, bytes[position + 1] == Self.quote {
        field.hasDoubledQuotes = true
        position += 2
      } else {
        field.range = field.range.lowerBound..<position
        position += 1
        try endQuotes(opened: opened)
        return field
      }
    }
    throw Failure(line: opened, problem: "a quote is opened here and never closed")
  }

  /// Blanks may follow a closing quote, and nothing else.
  private mutating func endQuotes(opened: Int) throws(Failure) {
    while position < bytes.count, bytes[position] == 0x20 { position += 1 }
    guard position < bytes.count, bytes[position] != separator, !Self.isLineEnd(bytes[position])
    else { return }
    throw Failure(
      line: opened,
      problem: "a quote is opened here, and text follows where it is closed"
        + (positionLine == opened ? "" : " in line \(positionLine)"))
  }

  private mutating func endLine() {
    if bytes[position] == 0x0D, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
      position += 1
    }
    position += 1
    positionLine += 1
  }

  private static let quote = UInt8(ascii: "\"")

  private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}

extension DelimitedText {
  /// The separator with which the first rows have the same number of fields, at least two; of
  /// several the one that gives most; a comma where none does.
  static func separator(of bytes: [UInt8]) -> UInt8 {
    var best = (separator: UInt8(ascii: ","), fields: 1)
    for separator in [",", ";", "\t", "|"].map({ UInt8(ascii: $0) }) {
      if let fields = fields(of: bytes, separator), fields > best.fields {
        best = (separator, fields)
      }
    }
    return best.separator
  }

  /// The number of fields that each of the first rows has; nil where they differ.
  private static func fields(of bytes: [UInt8], _ separator: UInt8) -> Int? {
    var text = DelimitedText(bytes, separator: separator)
    var counts: Set<Int> = []
    for _ in 0..<20 {
      guard (try? text.next()) == true else { break }
      counts.insert(text.count)
    }
    return counts.count == 1 ? counts.first : nil
  }
}
