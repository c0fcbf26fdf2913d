/// A source file with its comments and strings blanked, so that brackets and words are code.
struct SwiftFile {
  struct Function {
    var name: String
    /// Counted from 1.
    var line: Int
    /// From the declaration to the closing bracket.
    var lineCount: Int
  }

  let path: String
  let lines: [Substring]
  /// As long as the text, line by line.
  let code: [UInt8]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    code = Self.blanked(Array(text.utf8))
  }

  /// Sources/NAME/... or Tests/NAME/...
  var target: String { String(path.split(separator: "/")[1]) }

  var imports: [String] {
    let pattern = /^\s*(?:@[\w()]+ +)*(?:[a-z]+ +)?import +(?:[a-z]+ +)?(\w+)$/
    return lines.compactMap { $0.firstMatch(of: pattern).map { String($0.1) } }
  }

  /// Functions, initialisers, subscripts, and what a property or a name is computed by.
  var functions: [Function] {
    let text = String(decoding: code, as: UTF8.self)
    let utf8 = Array(text.utf8)
    var functions: [Function] = []
    let head =
      /(?:^|[^.\w])(func +[^\s(<]+|init[?!]? *[(<]|deinit\b|subscript *[(<]|(?:var|let) +\w+)/
    for match in text.matches(of: head) {
      let start = text.utf8.distance(from: text.startIndex, to: match.1.startIndex)
      guard let open = Self.body(in: utf8, from: start + match.1.utf8.count - 1),
        let close = Self.close(in: utf8, from: open)
      else { continue }
      let line = 1 + utf8[..<start].count { $0 == newline }
      functions.append(
        Function(
          name: String(match.1), line: line,
          lineCount: 1 + utf8[start...close].count { $0 == newline }))
    }
    return functions
  }

  /// Where the body of a declaration opens; nil for one without, as in a protocol.
  private static func body(in code: [UInt8], from start: Int) -> Int? {
    var depth = 0
    var place = start
    while place < code.count {
      switch code[place] {
      case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "{") where depth <= 0: return place
      case UInt8(ascii: "}") where depth <= 0: return nil
      case newline where depth <= 0:
        // What follows a signature on the next line belongs to it, or is another declaration.
        let next = code[(place + 1)...].drop { $0 == newline || $0 == UInt8(ascii: " ") }
        let word = String(decoding: next.prefix(8), as: UTF8.self)
        let goesOn = ["->", "throws", "where", "async", "rethrows", "{", ")"]
        if !goesOn.contains(where: word.hasPrefix) { return nil }
      default: break
      }
      place += 1
    }
    return nil
  }

  private static func close(in code: [UInt8], from open: Int) -> Int? {
    var depth = 0
    for place in open..<code.count {
      if code[place] == UInt8(ascii: "{") { depth += 1 }
      if code[place] == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return place }
      }
    }
    return nil
  }

  /// The same text with blanks in place of comments and of what stands within quotes.
  private static func blanked(_ text: [UInt8]) -> [UInt8] {
    var code = text
    var place = 0
    func starts(_ word: StaticString, at place: Int) -> Bool {
      word.withUTF8Buffer { text[place...].starts(with: $0) }
    }
    func blank(_ range: Range<Int>) {
      for index in range where code[index] != newline { code[index] = UInt8(ascii: " ") }
    }
    while place < text.count {
      let first = place
      if starts("//", at: place) {
        place = text[place...].firstIndex(of: newline) ?? text.count
        blank(first..<place)
      } else if starts("/*", at: place) {
        while place < text.count, !starts("*/", at: place) { place += 1 }
        place = min(text.count, place + 2)
        blank(first..<place)
      } else if text[place] == UInt8(ascii: "\"") || starts("#\"", at: place) {
        place = endOfString(text, from: place)
        blank(first..<place)
      } else {
        place += 1
      }
    }
    return code
  }

  /// The place after a string that begins at `start`, whatever it interpolates.
  private static func endOfString(_ text: [UInt8], from start: Int) -> Int {
    let quote = UInt8(ascii: "\"")
    let isRaw = text[start] == UInt8(ascii: "#")
    let first = start + (isRaw ? 1 : 0)
    let isLong = text[first...].starts(with: [quote, quote, quote])
    let end: [UInt8] =
      (isLong ? [quote, quote, quote] : [quote]) + (isRaw ? [UInt8(ascii: "#")] : [])
    var place = first + (isLong ? 3 : 1)
    while place < text.count {
      if text[place...].starts(with: end) { return place + end.count }
      if text[place] == UInt8(ascii: "\\"), !isRaw {
        place += 1
        if place < text.count, text[place] == UInt8(ascii: "(") {
          place = endOfInterpolation(text, from: place)
          continue
        }
      }
      place += 1
    }
    return text.count
  }

  private static func endOfInterpolation(_ text: [UInt8], from open: Int) -> Int {
    var depth = 0
    var place = open
    while place < text.count {
      switch text[place] {
      case UInt8(ascii: "("): depth += 1
      case UInt8(ascii: ")"):
        depth -= 1
        if depth == 0 { return place + 1 }
      case UInt8(ascii: "\""):
        place = endOfString(text, from: place)
        continue
      default: break
      }
      place += 1
    }
    return text.count
  }
}

private let newline = UInt8(ascii: "\n")
