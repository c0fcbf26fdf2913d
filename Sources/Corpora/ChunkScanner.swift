/// Cuts a text into chunks, which byte pairs never span: runs of letters, of numbers, of signs and
/// of white space, each with the one space before it.
///
/// By version 1 of the rules a character is a byte, and one beyond ASCII a letter. By version 2 it
/// is a character of Unicode, never cut; marks go with what they stand behind, and a byte that
/// belongs to no character is a chunk of its own. A longer run is cut, from its beginning on, into
/// as many bytes as `longest` says, or by whole characters as close to that as can be.
@safe struct ChunkScanner {
  private let bytes: UnsafeRawBufferPointer
  private let rules: TextRules
  private let longest: Int
  private let classes: CharacterClasses
  /// Where the next chunk starts.
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, rules: TextRules) {
    unsafe self.bytes = unsafe bytes
    self.rules = rules
    longest = rules.longestRun
    classes = .unicode17
  }

  /// The next chunk; nil at the end.
  @inline(__always)
  mutating func next() -> UnsafeRawBufferPointer? {
    let start = offset
    guard unsafe start < bytes.count else { return nil }
    offset = rules == .one ? endOfByteRun(from: start) : endOfRun(from: start)
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<offset])
  }

  // MARK: Version 2

  @inline(__always)
  private func endOfRun(from start: Int) -> Int {
    var (length, kind) = character(at: start)
    if kind == .malformed { return start + 1 }
    // The space before a run is not counted: the same word is cut in the same places without it.
    var first = start
    if unsafe bytes[start] == 0x20, unsafe start + 1 < bytes.count {
      let second = character(at: start + 1)
      if second.kind != .space, second.kind != .malformed {
        first = start + 1
        (length, kind) = second
      }
    }
    if kind == .mark { kind = .letter }
    let end = unsafe min(bytes.count, first + longest)
    var place = first + length
    while place < end {
      let next = character(at: place)
      guard next.kind == kind || (next.kind == .mark && kind != .space),
        place + next.length <= end
      else { break }
      place += next.length
    }
    return kind == .space ? endOfSpace(from: start, to: place) : place
  }

  /// Where a run of white space ends: the last space before something else belongs to that.
  private func endOfSpace(from start: Int, to place: Int) -> Int {
    guard place - start > 1, unsafe place < bytes.count, unsafe bytes[place - 1] == 0x20 else {
      return place
    }
    let next = character(at: place).kind
    return next == .space || next == .malformed ? place : place - 1
  }

  @inline(__always)
  private func character(at place: Int) -> (length: Int, kind: CharacterClass) {
    let byte = unsafe bytes[place]
    if byte < 0x80 { return (1, CharacterClass(ascii: byte)) }
    guard let (scalar, length) = unsafe UTF8Scanner.wideScalar(at: place, in: bytes) else {
      return (1, .malformed)
    }
    return (length, classes[scalar])
  }

  // MARK: Version 1

  @inline(__always)
  private func endOfByteRun(from start: Int) -> Int {
    let end = unsafe min(bytes.count, start + longest)
    var kind = unsafe Self.kind(of: bytes[start])
    var place = start + 1
    if unsafe bytes[start] == 0x20, place < end, unsafe Self.kind(of: bytes[place]) != .space {
      kind = unsafe Self.kind(of: bytes[place])
      place += 1
    }
    while place < end, unsafe Self.kind(of: bytes[place]) == kind { place += 1 }
    // The last space before a word belongs to the word.
    if kind == .space, place - start > 1, unsafe place < bytes.count,
      unsafe bytes[place - 1] == 0x20,
      unsafe Self.kind(of: bytes[place]) != .space
    {
      place -= 1
    }
    return place
  }

  @inline(__always)
  private static func kind(of byte: UInt8) -> CharacterClass {
    byte >= 0x80 ? .letter : CharacterClass(ascii: byte)
  }
}

extension TextRules {
  /// Most bytes of a run, which by version 1 counts the space before it.
  var longestRun: Int { 64 }

  /// Most bytes that a token of byte pairs can stand for.
  var longestChunk: Int { self == .one ? longestRun : 1 + longestRun }
}
