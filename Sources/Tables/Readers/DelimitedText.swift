/// Rows of fields with a separator between them, a line a row (RFC 4180). A field in quotes may
/// hold separators, line ends, and a quote as two. Lines end in LF, CR LF or CR; a blank line is no
/// row. Rows are found in the window of a stream, and gone with the next one.
@safe package struct DelimitedText {
  /// What is wrong with the text, and in which line.
  package struct Failure: Error {
    package let line: Int
    package let problem: String
  }

  /// Where a field stands in the stream's window, without its quotes.
  package struct Field {
    var start: UInt32
    var end: UInt32
    var isQuoted = false
    var hasDoubledQuotes = false

    init(_ start: Int, _ end: Int) {
      self.start = UInt32(truncatingIfNeeded: start)
      self.end = UInt32(truncatingIfNeeded: end)
    }
  }

  package let stream: ByteStream
  /// The stream's window since it moved last, which nobody else moves, and the first byte of it
  /// that is no text.
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var windowEnd = 0
  private(set) var isAtEnd = false
  private(set) var firstInvalid = Int.max
  let separator: UInt8
  /// Lines that begin so are none.
  let remark: [UInt8]
  var position = 0
  var positionLine = 1
  var fields = [Field](repeating: Field(0, 0), count: 2 * blockBytes)
  /// How many fields the row has that was read last.
  package internal(set) var count = 0
  /// The line in which it begins.
  package private(set) var line = 1
  /// Whether the file ends with it, without the end of a line.
  package internal(set) var isCutOff = false

  /// The longest that a field in quotes may be.
  static let longestQuotes = 1 << 26

  /// Blank lines between the rows read so far.
  package private(set) var blankLines = 0
  private var hasRows = false

  /// - Parameters:
  ///   - remark: lines that begin so are skipped; empty for none.
  ///   - skipping: lines to skip, whatever is in them.
  package init(
    _ stream: ByteStream, separator: UInt8, remark: [UInt8] = [], skipping lines: Int = 0
  ) throws {
    self.stream = stream
    unsafe base = stream.base
    self.separator = separator
    self.remark = remark
    if stream.count < 3 { try stream.refill(keeping: 0) }
    look()
    if stream.head(3) == [0xEF, 0xBB, 0xBF] { position = 3 }
    for _ in 0..<lines where try atLineStart() { try skipLine() }
  }

  /// A field of the row that was read last.
  @inline(__always) package func field(_ place: Int) -> Field { fields[place] }

  /// Calls `body` with fields of the row that was read last, one after another.
  ///
  /// - Parameters:
  ///   - places: those of all fields of interest.
  ///   - start: the first of these that is wanted.
  /// - Returns: the first result that is one; nil where there is none.
  @inline(__always) func withFields<Result>(
    at places: [Int], from start: Int, _ body: (_ index: Int, Field) -> Result?
  ) -> Result? {
    unsafe fields.withUnsafeBufferPointer { fields in
      unsafe places.withUnsafeBufferPointer { places in
        for index in start..<places.count {
          precondition(unsafe places[index] < fields.count, "no field \(index)")
          if let result = unsafe body(index, fields[places[index]]) { return result }
        }
        return nil
      }
    }
  }

  /// The text of a field of the row that was read last.
  package subscript(place: Int) -> String {
    let field = fields[place]
    let bytes = unsafe bytes(of: field)
    let text = unsafe String(decoding: bytes, as: UTF8.self)
    return field.hasDoubledQuotes ? text.replacing("\"\"", with: "\"") : text
  }

  /// Whether a field of the row that was read last holds a text, blanks around it apart.
  func holds(_ text: String, at place: Int) -> Bool {
    let bytes = unsafe bytes(of: fields[place])
    // Most fields differ in their first byte.
    if let byte = unsafe bytes.first, byte != 0x20, byte != 0x09, byte != text.utf8.first {
      return false
    }
    guard let first = unsafe bytes.firstIndex(where: { $0 != 0x20 && $0 != 0x09 }),
      let last = unsafe bytes.lastIndex(where: { $0 != 0x20 && $0 != 0x09 })
    else { return text.isEmpty }
    return unsafe UnsafeBufferPointer(rebasing: bytes[first...last]).elementsEqual(text.utf8)
  }

  /// Whether a field of the row that was read last has these bytes, as they stand.
  func equals(_ place: Int, _ other: [UInt8]) -> Bool {
    let bytes = unsafe bytes(of: fields[place])
    guard bytes.count == other.count else { return false }
    return unsafe other.withUnsafeBufferPointer { other in
      for index in 0..<other.count where unsafe bytes[index] != other[index] { return false }
      return true
    }
  }

  /// Whether the row that was read last has only empty fields, without quotes, from a place on.
  package func isEmpty(from place: Int) -> Bool {
    (place..<max(place, count)).allSatisfy {
      fields[$0].start == fields[$0].end && !fields[$0].isQuoted
    }
  }

  /// Reads the next row; false where there is none.
  ///
  /// - Throws: `Failure`, `ByteStream.NotText`, or what the stream throws.
  package mutating func next() throws -> Bool {
    var (expected, blank) = (positionLine, 0)
    while try atLineStart() {
      line = positionLine
      blank += line - expected
      while try !scan() { try refill() }
      expected = positionLine
      if count == 0 { continue }
      if hasRows { blankLines += blank }
      hasRows = true
      return true
    }
    return false
  }

  /// Moves on to a line that is not blank; false where there is none.
  private mutating func atLineStart() throws -> Bool {
    while true {
      while position < windowEnd, Self.isLineEnd(unsafe base[position]) {
        // What follows a CR must be known.
        if unsafe base[position] == 0x0D, position + 1 == windowEnd, !isAtEnd { break }
        position = lineEnd(at: position)
        positionLine += 1
      }
      if position < windowEnd, !Self.isLineEnd(unsafe base[position]) { return true }
      if isAtEnd { return position < windowEnd }
      try refill()
    }
  }

  private mutating func refill() throws {
    defer { look() }
    do {
      try stream.refill(keeping: position)
    } catch is ByteStream.TooLong {
      throw Failure(line: line, problem: "a row that begins here is longer than 1 GiB")
    }
    position = 0
  }

  /// Takes note of the stream's window. A class's properties cost a check each time that they are
  /// read.
  private mutating func look() {
    unsafe base = stream.base
    (windowEnd, isAtEnd) = (stream.count, stream.isAtEnd)
    firstInvalid = stream.invalid(before: windowEnd)?.place ?? Int.max
  }

  /// The bytes of a field of the row that was read last.
  @inline(__always) func bytes(of field: Field) -> UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(
      start: base + Int(field.start), count: Int(field.end - field.start))
  }

  /// What fields of the row that was read last stand in.
  var window: UnsafeBufferPointer<UInt8> {
    unsafe UnsafeBufferPointer(start: base, count: windowEnd)
  }

  /// What follows a line end.
  func lineEnd(at place: Int) -> Int {
    let isPair =
      unsafe place + 1 < windowEnd && base[place] == 0x0D && base[place + 1] == 0x0A
    return place + (isPair ? 2 : 1)
  }

  static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  /// Whether a row or remark that ends before the position is text. One that is not is told of
  /// where somebody wants to know, and is none; the first row says how the others are read.
  mutating func takes(_ bytes: Range<Int>, line: Int) throws -> Bool {
    defer { look() }
    return try stream.takes(bytes, next: position, line: line, isNeeded: !hasRows)
  }

  /// Skips the line at the position.
  mutating func skipLine() throws {
    while true {
      var place = position
      while place < windowEnd, !Self.isLineEnd(unsafe base[place]) { place += 1 }
      if place + 1 < windowEnd || isAtEnd {
        let skipped = position..<place
        position = place < windowEnd ? lineEnd(at: place) : place
        positionLine += 1
        if place > firstInvalid { _ = try takes(skipped, line: positionLine - 1) }
        return
      }
      try refill()
    }
  }
}
