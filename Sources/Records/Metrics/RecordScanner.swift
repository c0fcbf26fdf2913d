#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Finds the members of a record of the metrics in the bytes of its line.
///
/// Nearly all lines are objects of numbers and plain words, and are read here without making a
/// value of them. All others go through the one JSON parser.
package struct RecordScanner {
  /// What a line holds.
  package enum Content {
    /// An object of numbers, words and strings without escapes; `members` says where they stand.
    case plain
    /// Any other object.
    case object([OrderedJSON.Member])
    /// No object.
    case damaged
  }

  package enum Kind: Sendable { case number, string, null, other }

  /// Where a member's name and value stand in the line, without the quotation marks of strings.
  package struct Member: Sendable {
    package var name: Range<Int>
    package var value: Range<Int>
    package var kind: Kind
  }

  /// Those of the last plain line.
  package private(set) var members: [Member] = []

  package init() {}

  package mutating func scan(_ line: Span<UInt8>) -> Content {
    if scanPlain(line) { return .plain }
    let value = try? OrderedJSON(parsing: line.bytes(0..<line.count))
    guard case .object(let members)? = value else { return .damaged }
    return .object(members)
  }

  /// The place of the first member of that name in the last plain line.
  package func member(_ name: StaticString, in line: Span<UInt8>) -> Member? {
    members.first { line.holds(name, at: $0.name) }
  }

  private mutating func scanPlain(_ line: Span<UInt8>) -> Bool {
    members.removeAll(keepingCapacity: true)
    var place = 0
    guard line.take("{", &place) else { return false }
    if line.take("}", &place) { return line.isBlank(from: place) }
    while true {
      guard line.take("\"", &place), let name = line.takeString(&place),
        line.take(":", &place), let (value, kind) = line.takeValue(&place)
      else { return false }
      members.append(Member(name: name, value: value, kind: kind))
      if line.take(",", &place) { continue }
      return line.take("}", &place) && line.isBlank(from: place)
    }
  }
}

extension Span<UInt8> {
  /// Whether a word stands there.
  package func holds(_ word: StaticString, at range: Range<Int>) -> Bool {
    guard range.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<range.count
    where unsafe self[range.lowerBound + index] != word.utf8Start[index] { return false }
    return true
  }

  /// Whether these bytes stand there.
  func holds(_ bytes: [UInt8], at range: Range<Int>) -> Bool {
    guard range.count == bytes.count else { return false }
    for index in bytes.indices where self[range.lowerBound + index] != bytes[index] {
      return false
    }
    return true
  }

  package func bytes(_ range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBufferPointer { unsafe Array($0) }
  }

  package func text(_ range: Range<Int>) -> String {
    String(decoding: bytes(range), as: UTF8.self)
  }

  /// The number that a scanner has found there, rounded once; infinite where it is too large.
  package func number(_ range: Range<Int>) -> Double {
    if let number = shortNumber(range) { return number }
    // The text ends at a comma or a bracket, where the function does.
    return unsafe extracting(range.lowerBound..<count).withUnsafeBytes {
      unsafe strtod($0.baseAddress!.assumingMemoryBound(to: CChar.self), nil)
    }
  }

  /// A number whose digits and whose power of ten are exact in 53 bits: their quotient or product
  /// is rounded once.
  private func shortNumber(_ range: Range<Int>) -> Double? {
    var digits: UInt64 = 0
    var decimals = 0
    var place = range.lowerBound
    var isAfterPoint = false
    let isNegative = self[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    while place < range.upperBound {
      let byte = self[place]
      if byte == UInt8(ascii: ".") {
        isAfterPoint = true
      } else if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
        digits = digits * 10 + UInt64(byte & 15)
        if digits > 1 << 53 { return nil }
        if isAfterPoint { decimals += 1 }
      } else {
        return nil
      }
      place += 1
    }
    guard decimals < powersOfTen.count else { return nil }
    let magnitude = Double(digits) / powersOfTen[decimals]
    return isNegative ? -magnitude : magnitude
  }

  fileprivate func isBlank(from place: Int) -> Bool {
    (place..<count).allSatisfy { Self.isSpace(self[$0]) }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D
  }

  fileprivate func skipSpace(_ place: inout Int) {
    while place < count, Self.isSpace(self[place]) { place += 1 }
  }

  /// Takes a byte and the blanks before it.
  fileprivate func take(_ scalar: Unicode.Scalar, _ place: inout Int) -> Bool {
    skipSpace(&place)
    guard place < count, self[place] == UInt8(ascii: scalar) else { return false }
    place += 1
    return true
  }

  /// Takes a string of plain ASCII after its first quotation mark.
  fileprivate func takeString(_ place: inout Int) -> Range<Int>? {
    let start = place
    while place < count {
      let byte = self[place]
      if byte == UInt8(ascii: "\"") {
        place += 1
        return start..<(place - 1)
      }
      if byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") { return nil }
      place += 1
    }
    return nil
  }

  fileprivate func takeValue(_ place: inout Int) -> (Range<Int>, RecordScanner.Kind)? {
    skipSpace(&place)
    guard place < count else { return nil }
    switch self[place] {
    case UInt8(ascii: "\""):
      place += 1
      return takeString(&place).map { ($0, .string) }
    case UInt8(ascii: "n"): return takeWord("null", &place).map { ($0, .null) }
    case UInt8(ascii: "t"): return takeWord("true", &place).map { ($0, .other) }
    case UInt8(ascii: "f"): return takeWord("false", &place).map { ($0, .other) }
    default: return takeNumber(&place).map { ($0, .number) }
    }
  }

  private func takeWord(_ word: StaticString, _ place: inout Int) -> Range<Int>? {
    let range = place..<(place + word.utf8CodeUnitCount)
    guard range.upperBound <= count, holds(word, at: range) else { return nil }
    place = range.upperBound
    return range
  }

  private func takeNumber(_ place: inout Int) -> Range<Int>? {
    let start = place
    if self[place] == UInt8(ascii: "-") { place += 1 }
    let first = place
    guard takeDigits(&place) else { return nil }
    if self[first] == UInt8(ascii: "0"), place > first + 1 { return nil }
    if place < count, self[place] == UInt8(ascii: ".") {
      place += 1
      guard takeDigits(&place) else { return nil }
    }
    if place < count, self[place] | 0x20 == UInt8(ascii: "e") {
      place += 1
      if place < count, self[place] == UInt8(ascii: "+") || self[place] == UInt8(ascii: "-") {
        place += 1
      }
      guard takeDigits(&place) else { return nil }
    }
    return start..<place
  }

  private func takeDigits(_ place: inout Int) -> Bool {
    let start = place
    while place < count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= self[place] { place += 1 }
    return place > start
  }
}

/// Those that a double has exactly.
private let powersOfTen: [Double] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
]
