import CPlatform

extension DelimitedText {
  /// Finds the fields of the row at the position, none of a remark, and moves on to what follows.
  ///
  /// - Returns: false where the window ends before the row does.
  mutating func scan() throws -> Bool {
    let base = unsafe base
    let (end, isAtEnd, separator) = (windowEnd, isAtEnd, separator)
    if !remark.isEmpty {
      guard end - position >= remark.count || isAtEnd else { return false }
      let line = unsafe UnsafeBufferPointer(start: base + position, count: end - position)
      if unsafe line.starts(with: remark) {
        count = 0
        try skipLine()
        return true
      }
    }
    var (place, lines) = (position, 0)
    count = 0
    while true {
      var field: Field
      if place < end, unsafe base[place] == 0x22 {
        guard let quoted = try quotes(at: place, lines: &lines) else { return false }
        (field, place) = quoted
      } else {
        if scanBlocks(&place) { break }
        if place < end, unsafe base[place] == 0x22 { continue }
        let start = place
        place = unsafe Self.fieldEnd(base, from: start, to: end, FieldEnds(separator: separator))
        field = Field(start, place)
      }
      if count == fields.count { fields += fields }
      fields[count] = field
      count += 1
      guard place < end else {
        isCutOff = true
        return try isAtEnd && finish(at: place, lines: lines)
      }
      if unsafe base[place] != separator { break }
      place += 1
    }
    // What follows a CR must be known.
    if place + 1 == end, !isAtEnd, unsafe base[place] == 0x0D { return false }
    isCutOff = false
    return try finish(at: place, lines: lines + 1)
  }

  /// So many bytes are looked through at once.
  static var blockBytes: Int { 64 }

  /// Finds the fields from `place` on that have no quotes, in whole blocks of bytes. Moves on to
  /// the first one that it leaves, or to the end of the row.
  ///
  /// - Returns: whether it has come to the end of the row.
  @inline(__always) private mutating func scanBlocks(_ place: inout Int) -> Bool {
    let base = unsafe base
    let (end, separator) = (windowEnd, separator)
    var (start, count) = (place, count)
    let isWhole = unsafe fields.withUnsafeMutableBufferPointer { fields in
      var block = start
      while block + Self.blockBytes <= end, count + Self.blockBytes <= fields.count {
        let marks = unsafe platform_find_field_marks(base + block, separator)
        // The bytes up to the end of the row, that end among them, or up to quotes before it.
        var bytes = marks.line_ends ^ (marks.line_ends &- 1)
        let quotes = marks.quotes & bytes
        bytes &= (quotes & (0 &- quotes)) &- 1
        var ends = (marks.separators | marks.line_ends) & bytes
        while ends != 0 {
          let place = block + ends.trailingZeroBitCount
          unsafe fields[count] = Field(start, place)
          count += 1
          start = place + 1
          ends &= ends &- 1
        }
        if quotes != 0 { return false }
        if marks.line_ends != 0 {
          start -= 1
          return true
        }
        block += Self.blockBytes
      }
      return false
    }
    (place, self.count) = (start, count)
    return isWhole
  }

  /// What ends a field without quotes: eight times each.
  private struct FieldEnds {
    let separators: UInt64

    init(separator: UInt8) { separators = UInt64(separator) &* Self.ones }

    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// The highest bit of a byte is set where eight bytes have the first end among them, and none
    /// before it.
    @inline(__always) func found(in bytes: UInt64) -> UInt64 {
      Self.zeros(bytes ^ separators) | Self.zeros(bytes ^ (0x0A &* Self.ones))
        | Self.zeros(bytes ^ (0x0D &* Self.ones))
    }

    @inline(__always) private static func zeros(_ bytes: UInt64) -> UInt64 {
      (bytes &- ones) & ~bytes & (ones << 7)
    }
  }

  /// The place of the first separator or line end; `end` where there is none.
  @inline(__always) private static func fieldEnd(
    _ base: UnsafePointer<UInt8>, from start: Int, to end: Int, _ ends: FieldEnds
  ) -> Int {
    var place = start
    while place + 8 <= end {
      let bytes = unsafe UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
      let found = ends.found(in: UInt64(littleEndian: bytes))
      if found != 0 { return place + found.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < end {
      let byte = unsafe base[place]
      if ends.found(in: UInt64(byte)) & 0x80 != 0 { return place }
      place += 1
    }
    return end
  }

  /// Ends the row with what stands at `place`.
  private mutating func finish(at place: Int, lines: Int) throws -> Bool {
    let row = position..<place
    position = place < windowEnd ? lineEnd(at: place) : place
    positionLine += lines
    if place > firstInvalid, try !takes(row, line: line) { count = 0 }
    return true
  }

  /// The field that begins with the quote at `start`, and what follows it; nil where the window
  /// ends before. Blanks may follow a closing quote, and nothing else.
  ///
  /// - Parameter lines: counts the line ends in it.
  private func quotes(at start: Int, lines: inout Int) throws -> (Field, Int)? {
    let base = unsafe base
    let (end, isAtEnd) = (windowEnd, isAtEnd)
    let opened = line + lines
    var place = start + 1
    var field = Field(place, place)
    field.isQuoted = true
    while place < end {
      let byte = unsafe base[place]
      if byte == 0x22 {
        if place + 1 == end, !isAtEnd { return nil }
        guard place + 1 < end, unsafe base[place + 1] == 0x22 else { break }
        field.hasDoubledQuotes = true
        place += 1
      } else if byte == 0x0A {
        lines += 1
      } else if byte == 0x0D {
        if place + 1 == end, !isAtEnd { return nil }
        if unsafe place + 1 == end || base[place + 1] != 0x0A { lines += 1 }
      }
      place += 1
    }
    guard place < end else {
      guard isAtEnd || place - start > Self.longestQuotes else { return nil }
      throw Failure(
        line: opened,
        problem: "a quote is opened here and "
          + (isAtEnd ? "never closed" : "not closed within 64 MiB"))
    }
    field.end = UInt32(truncatingIfNeeded: place)
    place += 1
    while place < end, unsafe base[place] == 0x20 { place += 1 }
    guard place < end else { return isAtEnd ? (field, place) : nil }
    if unsafe base[place] == separator || Self.isLineEnd(base[place]) { return (field, place) }
    throw Failure(
      line: opened,
      problem: "a quote is opened here, and text follows where it is closed"
        + (lines + line == opened ? "" : " in line \(lines + line)"))
  }
}
