/// A place in a text: line and column counted from 1, columns in characters.
package struct TextPosition: Sendable, Equatable, CustomStringConvertible {
  package var line: Int
  package var column: Int
  package var description: String { "\(line):\(column)" }
}

/// Why a text is not JSON, and where.
package struct JSONSyntaxError: Error, CustomStringConvertible {
  package var position: TextPosition
  package var reason: String
  package var description: String { "\(position): \(reason)" }
}

/// A parsed text: the value, and where each member begins, by dotted path; paths of
/// more than 1,000 bytes are left out.
package struct JSONDocument: Sendable {
  package var value: OrderedJSON
  package var positions: [String: TextPosition]

  /// - Parameter allowsComments: whether `// ...` and `/* ... */` may stand between values, as
  ///   people write them into files of their own.
  package init(parsing bytes: [UInt8], allowsComments: Bool = false) throws(JSONSyntaxError) {
    var parser = JSONParser(bytes: bytes, notesPlaces: true, allowsComments: allowsComments)
    value = try parser.parseDocument()
    positions = parser.positions
  }
}

extension OrderedJSON {
  /// Parses a text that must hold one value.
  package init(parsing text: String) throws(JSONSyntaxError) {
    try self.init(parsing: Array(text.utf8))
  }

  /// Parses the bytes of a text that must hold one value.
  package init(parsing bytes: [UInt8]) throws(JSONSyntaxError) {
    var parser = JSONParser(bytes: bytes, notesPlaces: false)
    self = try parser.parseDocument()
  }
}

extension TextPosition {
  /// Goes past bytes of UTF-8, whose continuation bytes do not start a character.
  mutating func advance(over bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
  }
}
