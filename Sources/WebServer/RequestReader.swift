/// Takes the bytes of a connection as they come, and finds the requests in them. Holds no more than
/// one head and what one read has brought, looks at each byte once, and refuses at once what cannot
/// become a request.
struct RequestReader {
  private var buffer: [UInt8] = []
  /// Where the lines of the head under way are, without their ends.
  private var lines: [Range<Int>] = []
  /// Where the line under way begins, and how far it was looked for its end.
  private var lineStart = 0
  private var scanned = 0
  private var headerBytes = 0
  private var hasSkippedLine = false

  /// Whether no byte of another request has come.
  var isEmpty: Bool { buffer.isEmpty }

  mutating func append(_ bytes: ArraySlice<UInt8>) { buffer += bytes }

  /// The next whole request; nil where more bytes are needed.
  mutating func next(_ limits: HTTPLimits) throws(HTTPRefusal) -> HTTPRequest? {
    while true {
      guard let end = buffer[scanned...].firstIndex(of: newline) else {
        scanned = buffer.count
        try checkLine(lineStart..<buffer.count, limits)
        return nil
      }
      scanned = end + 1
      let hasReturn = end > lineStart && buffer[end - 1] == carriageReturn
      let line = lineStart..<(hasReturn ? end - 1 : end)
      lineStart = scanned
      if line.isEmpty {
        if !lines.isEmpty { return try take() }
        // One empty line before a request is an old habit of some clients.
        if hasSkippedLine { throw RequestHead.malformedLine }
        hasSkippedLine = true
        continue
      }
      try checkLine(line, limits)
      if !lines.isEmpty { headerBytes += line.count }
      lines.append(line)
      if lines.count - 1 > limits.headerCount {
        throw HTTPRefusal(
          .headerFieldsTooLarge, "more than \(limits.headerCount) header fields")
      }
    }
  }

  private func checkLine(_ line: Range<Int>, _ limits: HTTPLimits) throws(HTTPRefusal) {
    if lines.isEmpty {
      if let first = buffer[line].first, !RequestHead.isToken(first), first != carriageReturn {
        throw RequestHead.malformedLine
      }
      if line.count > limits.requestLineBytes {
        throw HTTPRefusal(
          .uriTooLong, "the request line has more than \(limits.requestLineBytes) bytes")
      }
    } else if headerBytes + line.count > limits.headerBytes {
      throw HTTPRefusal(
        .headerFieldsTooLarge, "the header has more than \(limits.headerBytes) bytes")
    }
  }

  /// Takes the head that has just ended out of the buffer.
  private mutating func take() throws(HTTPRefusal) -> HTTPRequest {
    var texts = lines.map { buffer[$0] }
    buffer.removeFirst(lineStart)
    lines = []
    lineStart = 0
    scanned = 0
    headerBytes = 0
    hasSkippedLine = false
    let first = texts.removeFirst()
    return try RequestHead.request(line: first, fields: texts)
  }
}

let newline = UInt8(ascii: "\n")
let carriageReturn = UInt8(ascii: "\r")
