extension [UInt8] {
  /// These bytes after one to three random accidents; may happen to change nothing.
  func mutated(using random: inout SeededRandom) -> [UInt8] {
    var bytes = self
    for _ in 0..<Int.random(in: 1...3, using: &random) { bytes.harm(using: &random) }
    return bytes
  }

  /// Bits flipped, a run overwritten, cut, doubled or moved, numbers replaced, bytes added.
  private mutating func harm(using random: inout SeededRandom) {
    let first = Int.random(in: 0...count, using: &random)
    let run = first..<Swift.min(count, first + Int.random(in: 0...20, using: &random))
    let place = Int.random(in: 0..<Swift.max(1, count), using: &random)
    switch Int.random(in: 0..<12, using: &random) {
    case 0 where !isEmpty: self[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where !isEmpty: self[place] = UInt8.random(in: 0...255, using: &random)
    // A digit instead of a byte reaches the numbers of JSON.
    case 2 where !isEmpty: self[place] = UInt8.random(in: 48...57, using: &random)
    case 3: removeSubrange(first...)
    case 4: append(contentsOf: self[run])
    case 5: removeSubrange(run)
    case 6: insert(contentsOf: Array(self[run]), at: Swift.min(place, count))
    case 7: for index in run { self[index] = 0 }
    case 8: replaceSubrange(run, with: Self.words.randomElement(using: &random) ?? [])
    case 9: replaceNumber(from: first, using: &random)
    case 10 where !isEmpty:
      self[place] = Self.marks.randomElement(using: &random) ?? 0
    default:
      let noise = (0..<Int.random(in: 1...9, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      insert(contentsOf: noise, at: Swift.min(place, count))
    }
  }

  private mutating func replaceNumber(from place: Int, using random: inout SeededRandom) {
    func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    guard let start = self[place...].firstIndex(where: isDigit) else { return }
    let end = self[start...].firstIndex { !isDigit($0) } ?? count
    replaceSubrange(start..<end, with: Self.numbers.randomElement(using: &random) ?? [])
  }

  private static let marks = Array("{}[],:;\t\r#@?\"\\-.eE \n\u{0}".utf8)
  private static let numbers = [
    "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
    "1e308", "1e999", "1e-999", "0.5", "4294967296", "2147483648", "00", "-0", "NaN",
  ].map { Array($0.utf8) }
  private static let words = [
    "null", "true", "[]", "{}", "\"\"", "\"\\ud800\"", "[[[[[[[[", "\u{FEFF}", "\\u0000",
    "\n", "\r\n", "\n\n", ",,", "\"\"\"", "NA", "@data\n", "2024-02-30", "\u{2028}", "\"label\":",
    "\"F32\"", "\"__metadata__\":{\"a\":\"b\"},", "\"\\u0061\":",
  ].map { Array($0.utf8) }
}
