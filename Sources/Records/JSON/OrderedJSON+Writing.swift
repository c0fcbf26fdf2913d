extension OrderedJSON {
  /// The value on one line, without a line end. What is not finite becomes null.
  package var line: String { JSONWriter.text(of: self, in: .line) }

  /// The value over several lines, two spaces a level, ending in a line end. What is not finite
  /// becomes null.
  package var pretty: String { JSONWriter.text(of: self, in: .pretty) + "\n" }

  /// The value on one line with its members sorted by their bytes, as heads of tensor files and
  /// token files have it.
  package func sortedLine() throws(JSONFieldError) -> String {
    try requireFinite()
    return JSONWriter.text(of: self, in: .sortedLine)
  }

  /// The value over several lines with its members sorted by their bytes, as a checkpoint's
  /// `manifest.json` and `state.json` have it.
  package func sortedPretty() throws(JSONFieldError) -> String {
    try requireFinite()
    return JSONWriter.text(of: self, in: .sortedPretty) + "\n"
  }

  private func requireFinite() throws(JSONFieldError) {
    guard let (path, value) = firstNonFinite() else { return }
    throw JSONFieldError(key: path.reversed().joined(separator: "."), problem: "is \(value)")
  }

  /// The first number that JSON has no form for, and its path from the inside.
  private func firstNonFinite() -> (path: [String], value: Double)? {
    switch self {
    case .number(let value): return value.isFinite ? nil : ([], value)
    case .array(let values):
      for (index, value) in values.enumerated() {
        if let found = value.firstNonFinite() { return (found.path + ["\(index)"], found.value) }
      }
    case .object(let members):
      for member in members {
        if let found = member.value.firstNonFinite() {
          return (found.path + [member.name], found.value)
        }
      }
    default: break
    }
    return nil
  }
}

/// Appends values to a text in one of the layouts that this program's files have.
private struct JSONWriter {
  enum Layout {
    case line, pretty
    // These are as Foundation's encoder wrote them from the first checkpoint on.
    case sortedLine, sortedPretty
  }

  private let layout: Layout
  private let isSorted: Bool
  private let isPretty: Bool
  private var text = ""
  private var depth = 0

  static func text(of value: OrderedJSON, in layout: Layout) -> String {
    var writer = JSONWriter(layout)
    writer.write(value)
    return writer.text
  }

  private init(_ layout: Layout) {
    self.layout = layout
    isSorted = layout == .sortedLine || layout == .sortedPretty
    isPretty = layout == .pretty || layout == .sortedPretty
  }

  private mutating func write(_ value: OrderedJSON) {
    switch value {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): write(value)
    case .string(let value): write(value)
    case .array(let values):
      begin("[")
      for (index, value) in values.enumerated() {
        separate(index)
        write(value)
      }
      end("]", isEmpty: values.isEmpty)
    case .object(let members):
      begin("{")
      for (index, member) in (isSorted ? Self.sorted(members) : members).enumerated() {
        separate(index)
        write(member.name)
        text += layout == .sortedPretty ? " : " : layout == .pretty ? ": " : ":"
        write(member.value)
      }
      end("}", isEmpty: members.isEmpty)
    }
  }

  private static func sorted(_ members: [OrderedJSON.Member]) -> [OrderedJSON.Member] {
    members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private mutating func begin(_ bracket: String) {
    text += bracket
    depth += 1
  }

  private mutating func separate(_ index: Int) {
    if index > 0 { text += "," }
    breakLine()
  }

  private mutating func end(_ bracket: String, isEmpty: Bool) {
    depth -= 1
    if isEmpty, layout == .sortedPretty { text += "\n" }
    if !isEmpty || layout == .sortedPretty { breakLine() }
    text += bracket
  }

  private mutating func breakLine() {
    if isPretty { text += "\n" + String(repeating: "  ", count: depth) }
  }

  private mutating func write(_ value: Double) {
    // The shortest digits that read back as the same value; JSON has no infinities.
    var digits = value.isFinite ? value.description : "null"
    if isSorted, digits.hasSuffix(".0") { digits.removeLast(2) }
    text += digits
  }

  private mutating func write(_ value: String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}" where isSorted: text += "\\b"
      case "\u{C}" where isSorted: text += "\\f"
      case "\u{7F}" where isSorted: text.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
