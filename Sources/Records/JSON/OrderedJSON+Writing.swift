extension OrderedJSON {
  /// The value on one line, without a line end.
  package var line: String {
    var text = ""
    write(to: &text, indent: nil)
    return text
  }

  /// The value over several lines, two spaces a level, ending in a line end.
  package var pretty: String {
    var text = ""
    write(to: &text, indent: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value):
      // JSON has no infinities; the shortest digits that read back as the same value otherwise.
      text += value.isFinite ? value.description : "null"
    case .string(let value): Self.writeQuoted(value, to: &text)
    case .array(let values):
      Self.writeItems(values, brackets: ("[", "]"), to: &text, indent: indent) {
        value, text, inner in
        value.write(to: &text, indent: inner)
      }
    case .object(let members):
      Self.writeItems(members, brackets: ("{", "}"), to: &text, indent: indent) {
        member, text, inner in
        Self.writeQuoted(member.name, to: &text)
        text += inner == nil ? ":" : ": "
        member.value.write(to: &text, indent: inner)
      }
    }
  }

  private static func writeItems<Item>(
    _ items: [Item], brackets: (String, String), to text: inout String, indent: Int?,
    write: (Item, inout String, Int?) -> Void
  ) {
    text += brackets.0
    let inner = indent.map { $0 + 1 }
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      if let inner { text += "\n" + String(repeating: "  ", count: inner) }
      write(item, &text, inner)
    }
    if let indent, !items.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
    text += brackets.1
  }

  private static func writeQuoted(_ value: String, to text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
