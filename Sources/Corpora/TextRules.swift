package import NumericContract

/// The rules by which a tokenizer cuts text into characters, words and chunks.
///
/// They belong to the tokenizer: what was learnt by version 1 goes on by version 1, in checkpoints
/// and token files alike.
package enum TextRules: Int, Sendable, CaseIterable, Comparable {
  /// ASCII white space separates words, and chunks of byte pairs are runs of bytes.
  case one = 1
  /// Unicode's white space and line ends separate words, chunks are runs of whole characters, and
  /// a byte order mark at the beginning of a text is no part of it.
  case two = 2

  /// What a new tokenizer is learnt by, where nothing asks for another.
  package static let newest = TextRules.two

  /// The rules of a version of the numeric contract.
  package init(_ contract: ContractVersion) { self = contract < .two ? .one : .two }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// What is read of a text: all of it, or all behind a byte order mark.
  func body(of text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard self >= .two, unsafe text.starts(with: [0xEF, 0xBB, 0xBF]) else { return unsafe text }
    return unsafe UnsafeRawBufferPointer(rebasing: text[3...])
  }

  /// Whether a text ends with a line end, of any of the forms.
  func endsWithLine(_ text: UnsafeRawBufferPointer) -> Bool {
    (1...3).contains { length in
      guard text.count >= length else { return false }
      let end = unsafe TextRules.two.space(at: text.count - length, in: text)
      return end == .lineEnd(length)
    }
  }

  /// The white space that starts at a place; nil where something else does.
  ///
  /// A form that takes more than a byte is told by its lead byte, which begins nothing else.
  @inline(__always)
  func space(at place: Int, in text: UnsafeRawBufferPointer) -> WhiteSpace? {
    let byte = unsafe text[place]
    if byte == 0x0A { return .newline }
    if byte == 0x20 || (0x09...0x0C).contains(byte) { return .blank(1) }
    if byte == 0x0D {
      if self == .one { return .blank(1) }
      return unsafe .lineEnd(place + 1 < text.count && text[place + 1] == 0x0A ? 2 : 1)
    }
    guard self >= .two, byte == 0xC2 || (0xE1...0xE3).contains(byte) else { return nil }
    return unsafe WhiteSpace(wideAt: place, in: text)
  }
}

/// A character with Unicode's property White_Space, and the bytes that it takes.
enum WhiteSpace: Equatable {
  /// It ends a line: LF, CR LF, CR, U+0085, U+2028, U+2029.
  case lineEnd(Int)
  /// It does not.
  case blank(Int)

  static let newline = WhiteSpace.lineEnd(1)

  /// U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000.
  init?(wideAt place: Int, in text: UnsafeRawBufferPointer) {
    guard place + 1 < text.count else { return nil }
    let second = unsafe text[place + 1]
    if unsafe text[place] == 0xC2 {
      switch second {
      case 0x85: self = .lineEnd(2)
      case 0xA0: self = .blank(2)
      default: return nil
      }
      return
    }
    guard place + 2 < text.count else { return nil }
    switch unsafe (text[place], second, text[place + 2]) {
    case (0xE2, 0x80, 0xA8...0xA9): self = .lineEnd(3)
    case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F), (0xE1, 0x9A, 0x80),
      (0xE3, 0x80, 0x80):
      self = .blank(3)
    default: return nil
    }
  }
}
