/// A strict recursive-descent parser (RFC 8259, no duplicate names), written here because an
/// error must name its line and column and members must keep their order.
struct JSONParser {
  private let bytes: [UInt8]
  private let notesPlaces: Bool
  /// Whether comments count as space: `//` to the end of a line, and `/* ... */`.
  private let allowsComments: Bool
  private var offset = 0
  private var path: [String] = []
  /// Where members begin, in the order of the text.
  private var places: [(path: String, offset: Int)] = []
  private static let deepest = 64
  /// Members up to which names are compared with each other.
  private static let fewMembers = 16
  /// Bytes of a path up to which its place is noted. No key of a config has a longer one, and paths
  /// below a name without end would take the square of the text.
  private static let longestPath = 1000

  init(bytes: [UInt8], notesPlaces: Bool, allowsComments: Bool = false) {
    self.bytes = bytes
    self.notesPlaces = notesPlaces
    self.allowsComments = allowsComments
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  mutating func parseDocument() throws(JSONSyntaxError) -> OrderedJSON {
    try skipSpace()
    let value = try parseValue(depth: 0)
    try skipSpace()
    if offset < bytes.count { throw failure("expected the end of the text, found \(found)") }
    return value
  }

  private mutating func parseValue(depth: Int) throws(JSONSyntaxError) -> OrderedJSON {
    if depth > Self.deepest { throw failure("nested deeper than \(Self.deepest) levels") }
    guard let first = peek else { throw failure("expected a value, found \(found)") }
    switch first {
    case UInt8(ascii: "{"): return try parseObject(depth: depth)
    case UInt8(ascii: "["): return try parseArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: throw failure("expected a value, found \(found)")
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONSyntaxError) -> OrderedJSON {
    var members: [OrderedJSON.Member] = []
    var names: Set<String> = []
    offset += 1
    try skipSpace()
    if take("}") { return .object([]) }
    while true {
      try skipSpace()
      guard peek == UInt8(ascii: "\"") else {
        throw failure("expected a name in quotation marks, found \(found)")
      }
      let start = offset
      let name = try parseString()
      if members.count == Self.fewMembers { names = Set(members.map(\.name)) }
      let isKnown =
        members.count < Self.fewMembers
        ? members.contains { $0.name == name } : !names.insert(name).inserted
      if isKnown {
        throw failure("the name \"\(name)\" appears twice in one object", at: start)
      }
      if notesPlaces {
        path.append(name)
        if path.reduce(0, { $0 + $1.utf8.count + 1 }) <= Self.longestPath {
          places.append((path.joined(separator: "."), start))
        }
      }
      try skipSpace()
      guard take(":") else { throw failure("expected \":\", found \(found)") }
      try skipSpace()
      members.append(.init(name, try parseValue(depth: depth + 1)))
      if notesPlaces { path.removeLast() }
      try skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw failure("expected \",\" or \"}\", found \(found)") }
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONSyntaxError) -> OrderedJSON {
    var values: [OrderedJSON] = []
    offset += 1
    try skipSpace()
    if take("]") { return .array([]) }
    while true {
      try skipSpace()
      values.append(try parseValue(depth: depth + 1))
      try skipSpace()
      if take("]") { return .array(values) }
      guard take(",") else { throw failure("expected \",\" or \"]\", found \(found)") }
    }
  }

  private mutating func parseWord(
    _ word: String, _ value: OrderedJSON
  ) throws(JSONSyntaxError) -> OrderedJSON {
    guard bytes[offset...].starts(with: word.utf8) else {
      throw failure("expected \(word), found \(found)")
    }
    offset += word.utf8.count
    return value
  }

  private mutating func parseNumber() throws(JSONSyntaxError) -> OrderedJSON {
    let start = offset
    var isInteger = true
    if peek == UInt8(ascii: "-") { offset += 1 }
    if peek == UInt8(ascii: "0") { offset += 1 } else { try skipDigits() }
    if peek == UInt8(ascii: ".") {
      isInteger = false
      offset += 1
      try skipDigits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      isInteger = false
      offset += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw failure("the number \(text) is out of range", at: start)
    }
    return .number(value)
  }

  private mutating func skipDigits() throws(JSONSyntaxError) {
    let start = offset
    while let byte = peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { offset += 1 }
    if offset == start { throw failure("expected a digit, found \(found)") }
  }

  private mutating func parseString() throws(JSONSyntaxError) -> String {
    let start = offset
    offset += 1
    var content: [UInt8] = []
    while true {
      let plain = offset
      while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        offset += 1
      }
      content += bytes[plain..<offset]
      guard let byte = peek else { throw failure("a string does not end", at: start) }
      if byte < 0x20 { throw failure("a line end or control character within a string") }
      offset += 1
      if byte == UInt8(ascii: "\"") { break }
      content += try parseEscape()
    }
    guard let text = String(validating: content, as: UTF8.self) else {
      throw failure("a string that is not UTF-8", at: start)
    }
    return text
  }

  private mutating func parseEscape() throws(JSONSyntaxError) -> [UInt8] {
    let start = offset - 1
    guard let byte = peek else { throw failure("a string does not end", at: start) }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var code = try parseHexadecimal()
      if 0xD800..<0xDC00 ~= code, peek == UInt8(ascii: "\\") {
        offset += 1
        guard take("u") else { throw failure("half of a surrogate pair", at: start) }
        let low = try parseHexadecimal()
        guard 0xDC00..<0xE000 ~= low else { throw failure("half of a surrogate pair", at: start) }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw failure("half of a surrogate pair", at: start)
      }
      return Array(String(Character(scalar)).utf8)
    default: throw failure("an unknown escape", at: start)
    }
  }

  private mutating func parseHexadecimal() throws(JSONSyntaxError) -> UInt32 {
    let digits = bytes[offset...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw failure("expected four hexadecimal digits, found \(found)") }
    offset += 4
    return code
  }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() throws(JSONSyntaxError) {
    while let byte = peek {
      if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
        offset += 1
      } else if try !skipComment() {
        return
      }
    }
  }

  /// Skips the comment that begins here; false where none does, or none may stand.
  private mutating func skipComment() throws(JSONSyntaxError) -> Bool {
    guard allowsComments, peek == UInt8(ascii: "/"), offset + 1 < bytes.count else { return false }
    let start = offset
    switch bytes[offset + 1] {
    case UInt8(ascii: "/"):
      while let byte = peek, byte != 0x0A, byte != 0x0D { offset += 1 }
    case UInt8(ascii: "*"):
      offset += 2
      while offset + 1 < bytes.count,
        bytes[offset] != UInt8(ascii: "*") || bytes[offset + 1] != UInt8(ascii: "/")
      { offset += 1 }
      guard offset + 1 < bytes.count else { throw failure("a comment does not end", at: start) }
      offset += 2
    default: return false
    }
    guard String(validating: bytes[start..<offset], as: UTF8.self) != nil else {
      throw failure("a comment that is not UTF-8", at: start)
    }
    return true
  }

  /// What stands at the current place, for a message.
  private var found: String {
    guard let byte = peek else { return "the end of the text" }
    let text = String(decoding: bytes[offset...].prefix(4), as: UTF8.self)
    guard byte >= 0x20, let first = text.first else { return "byte \(byte)" }
    return "\"\(first)\""
  }

  private func failure(_ reason: String, at offset: Int? = nil) -> JSONSyntaxError {
    JSONSyntaxError(position: position(of: offset ?? self.offset), reason: reason)
  }

  /// Where members begin, by dotted path.
  var positions: [String: TextPosition] {
    var positions: [String: TextPosition] = [:]
    var position = TextPosition(line: 1, column: 1)
    var done = 0
    for place in places {
      position.advance(over: bytes[done..<place.offset])
      done = place.offset
      positions[place.path] = position
    }
    return positions
  }

  private func position(of offset: Int) -> TextPosition {
    var position = TextPosition(line: 1, column: 1)
    position.advance(over: bytes[..<min(offset, bytes.count)])
    return position
  }
}
