/// The Unicode scalars that a character model knows, numbered by ascending code point, and one
/// more id for every scalar it does not know.
package struct CharacterVocabulary: Sendable, Equatable {
  /// Known code points, ascending; the index is the token id.
  let scalars: [UInt32]
  /// How a text is read.
  package let rules: TextRules
  private let ids: ScalarIndex

  /// The id of scalars that the training text lacks: one past the known ones.
  package var unknown: Int32 { Int32(scalars.count) }

  /// Known scalars and the unknown one.
  package var size: Int { scalars.count + 1 }

  /// Preconditions: `scalars` are valid code points in strictly ascending order.
  init(ascending scalars: [UInt32], rules: TextRules) {
    self.scalars = scalars
    self.rules = rules
    ids = ScalarIndex(ascending: scalars)
  }

  /// The token of a code point.
  @inline(__always)
  package func id(of scalar: UInt32) -> Int32 { ids[scalar] ?? unknown }

  /// The scalar of a token; U+FFFD for the unknown one.
  package func scalar(of token: Int32) -> Unicode.Scalar {
    precondition(token >= 0, "token \(token) < 0")
    precondition(token < size, "token \(token) >= vocabulary size \(size)")
    let replacement: Unicode.Scalar = "\u{FFFD}"
    if token == unknown { return replacement }
    return Unicode.Scalar(scalars[Int(token)]) ?? replacement
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.rules == right.rules && left.scalars == right.scalars
  }
}

/// Code point to id in two small steps: a page of 256 code points, then the place in the page.
private struct ScalarIndex: Sendable {
  private var pageStarts = [Int32](repeating: -1, count: 0x1100)
  private var entries: [Int32] = []

  init(ascending scalars: [UInt32]) {
    for (id, scalar) in scalars.enumerated() {
      let page = Int(scalar >> 8)
      if pageStarts[page] < 0 {
        pageStarts[page] = Int32(entries.count)
        entries.append(contentsOf: repeatElement(-1, count: 256))
      }
      entries[Int(pageStarts[page]) + Int(scalar & 0xFF)] = Int32(id)
    }
  }

  @inline(__always)
  subscript(scalar: UInt32) -> Int32? {
    let start = pageStarts[Int(scalar >> 8)]
    guard start >= 0 else { return nil }
    let id = entries[Int(start) + Int(scalar & 0xFF)]
    return id >= 0 ? id : nil
  }
}
