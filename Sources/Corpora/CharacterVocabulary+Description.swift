/// A vocabulary is written as runs of hexadecimal code points, such as "A 20-7E 2018-2019", which
/// no JSON writer can alter as it might a text of control and combining characters.
extension CharacterVocabulary {
  /// The words for an error about anything else.
  static let form = "expected ascending runs of hexadecimal code points like \"A 20-7E\""

  /// Nil where the text is not what `description` writes.
  init?(description: String, rules: TextRules) {
    guard let scalars = Self.parseRuns(description) else { return nil }
    self.init(ascending: scalars, rules: rules)
  }

  /// The known scalars as runs of consecutive code points.
  var description: String {
    var parts: [String] = []
    var index = 0
    while index < scalars.count {
      let first = scalars[index]
      var last = first
      while index + 1 < scalars.count, scalars[index + 1] == last + 1 {
        index += 1
        last = scalars[index]
      }
      index += 1
      let start = String(first, radix: 16, uppercase: true)
      parts.append(first == last ? start : start + "-" + String(last, radix: 16, uppercase: true))
    }
    return parts.joined(separator: " ")
  }

  /// The code points of `text`; nil where it is not what `description` writes.
  private static func parseRuns(_ text: String) -> [UInt32]? {
    var scalars: [UInt32] = []
    for part in text.split(separator: " ", omittingEmptySubsequences: false) {
      let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
      guard bounds.count <= 2, let first = codePoint(bounds[0]),
        let last = codePoint(bounds[bounds.count - 1]), first <= last,
        scalars.last.map({ $0 < first }) ?? true
      else { return nil }
      for scalar in first...last {
        // A run never steps over the surrogates: they are not scalars and end it.
        guard Unicode.Scalar(scalar) != nil else { return nil }
        scalars.append(scalar)
      }
    }
    return scalars
  }

  private static func codePoint(_ digits: Substring) -> UInt32? {
    guard (1...6).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit),
      let value = UInt32(digits, radix: 16), value <= 0x10_FFFF
    else { return nil }
    return value
  }
}
