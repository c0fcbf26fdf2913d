/// What the head of a request says (RFC 9112, sections 3 and 5), strictly.
enum RequestHead {
  static let malformedLine = HTTPRefusal(
    .badRequest, "expected a request such as \"GET / HTTP/1.1\"")

  static func request(
    line: ArraySlice<UInt8>, fields: [ArraySlice<UInt8>]
  ) throws(HTTPRefusal) -> HTTPRequest {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(isToken) else {
      throw malformedLine
    }
    let isOld = try isOldVersion(parts[2])
    guard let method = HTTPRequest.Method(rawValue: text(parts[0])) else {
      throw HTTPRefusal(.methodNotAllowed, "only GET and HEAD")
    }
    var request = HTTPRequest(method: method, path: "", isOld: isOld)
    for line in fields { request.headers.append(try field(line)) }
    try refuseBody(request)
    let hosts = request.headers.filter { $0.name == "host" }
    if hosts.count > 1 || (hosts.isEmpty && !isOld) {
      throw HTTPRefusal(.badRequest, "expected one Host, found \(hosts.count)")
    }
    try take(target: parts[1], into: &request)
    return request
  }

  private static func isOldVersion(_ version: ArraySlice<UInt8>) throws(HTTPRefusal) -> Bool {
    switch text(version) {
    case "HTTP/1.1": return false
    case "HTTP/1.0": return true
    case let other where other.wholeMatch(of: /HTTP\/[0-9]\.[0-9]/) != nil:
      throw HTTPRefusal(.versionNotSupported, "expected HTTP/1.1, found \(other)")
    default: throw malformedLine
    }
  }

  private static func field(_ line: ArraySlice<UInt8>) throws(HTTPRefusal) -> HTTPRequest.Field {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
      line[..<colon].allSatisfy(isToken)
    else { throw HTTPRefusal(.badRequest, "a header field is not of the form \"name: value\"") }
    var value = line[(colon + 1)...]
    while let first = value.first, isBlank(first) { value.removeFirst() }
    while let last = value.last, isBlank(last) { value.removeLast() }
    guard value.allSatisfy({ isBlank($0) || ($0 > 0x20 && $0 != 0x7F) }) else {
      throw HTTPRefusal(.badRequest, "a header field has a control character")
    }
    return HTTPRequest.Field(text(line[..<colon]).lowercased(), text(value))
  }

  private static func refuseBody(_ request: HTTPRequest) throws(HTTPRefusal) {
    for field in request.headers {
      switch field.name {
      case "transfer-encoding": throw HTTPRefusal(.contentTooLarge, "no body is taken")
      case "content-length":
        guard !field.value.isEmpty, field.value.utf8.allSatisfy(isDigit) else {
          throw HTTPRefusal(.badRequest, "Content-Length is not a number")
        }
        if field.value.contains(where: { $0 != "0" }) {
          throw HTTPRefusal(.contentTooLarge, "no body is taken")
        }
      default: break
      }
    }
  }

  private static func take(
    target: ArraySlice<UInt8>, into request: inout HTTPRequest
  ) throws(HTTPRefusal) {
    guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw malformedLine }
    var rest = target
    // To a proxy a client names the whole address, and its host counts.
    let scheme = Array("http://".utf8)
    if rest.count > scheme.count, text(rest.prefix(scheme.count)).lowercased() == "http://" {
      rest = rest.dropFirst(scheme.count)
      let slash = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
      let host = text(rest[..<(slash ?? rest.endIndex)])
      request.headers.removeAll { $0.name == "host" }
      request.headers.append(.init("host", host))
      rest = rest[(slash ?? rest.endIndex)...]
      if rest.first != UInt8(ascii: "/") { rest = ArraySlice("/".utf8) + rest }
    }
    guard rest.first == UInt8(ascii: "/") else { throw malformedLine }
    let parts = rest.split(
      separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
    request.path = try plain(parts[0])
    guard parts.count == 2 else { return }
    for item in parts[1].split(separator: UInt8(ascii: "&")) {
      let sides = item.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let value = sides.count == 2 ? try plain(sides[1]) : ""
      request.query.append(.init(try plain(sides[0]), value))
    }
  }

  /// A text without escapes.
  private static func plain(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) -> String {
    var plain: [UInt8] = []
    var place = bytes.startIndex
    while place < bytes.endIndex {
      if bytes[place] != UInt8(ascii: "%") {
        plain.append(bytes[place])
        place += 1
        continue
      }
      let digits = bytes[(place + 1)...].prefix(2)
      guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
        let byte = UInt8(text(digits), radix: 16)
      else { throw HTTPRefusal(.badRequest, "\"%\" is not followed by two hexadecimal digits") }
      plain.append(byte)
      place += 3
    }
    guard let text = String(validating: plain, as: UTF8.self) else {
      throw HTTPRefusal(.badRequest, "the address is not UTF-8")
    }
    return text
  }

  /// Whether a byte may stand in a method or a field's name.
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
