/// What an answer begins with.
package enum HTTPStatus: Int, Sendable {
  case ok = 200, seeOther = 303
  case badRequest = 400, unauthorized, forbidden = 403, notFound, methodNotAllowed
  case requestTimeout = 408, contentTooLarge = 413, uriTooLong = 414
  case headerFieldsTooLarge = 431
  case serviceUnavailable = 503, versionNotSupported = 505

  var phrase: String {
    switch self {
    case .ok: "OK"
    case .seeOther: "See Other"
    case .badRequest: "Bad Request"
    case .unauthorized: "Unauthorized"
    case .forbidden: "Forbidden"
    case .notFound: "Not Found"
    case .methodNotAllowed: "Method Not Allowed"
    case .requestTimeout: "Request Timeout"
    case .contentTooLarge: "Content Too Large"
    case .uriTooLong: "URI Too Long"
    case .headerFieldsTooLarge: "Request Header Fields Too Large"
    case .serviceUnavailable: "Service Unavailable"
    case .versionNotSupported: "HTTP Version Not Supported"
    }
  }
}

/// An answer.
package struct HTTPResponse: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Parts as they are asked for, each when the client has taken the one before; nil ends it. An
    /// empty one has others answered before it is asked for again.
    case parts(@Sendable () -> [UInt8]?)
  }

  package var status: HTTPStatus
  package var headers: [HTTPRequest.Field]
  package var body: Body

  package init(
    _ status: HTTPStatus, headers: [HTTPRequest.Field] = [], body: Body = .bytes([])
  ) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// The first header field of that name, written as it is here.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// A refusal in words, after which nothing more is read.
  init(_ refusal: HTTPRefusal) {
    self.init(
      refusal.status,
      headers: [.init("Content-Type", "text/plain; charset=utf-8")],
      body: .bytes(Array((refusal.words + "\n").utf8)))
    if refusal.status == .methodNotAllowed { headers.append(.init("Allow", "GET, HEAD")) }
    if refusal.status == .serviceUnavailable { headers.append(.init("Retry-After", "1")) }
  }

  /// First line and header fields, with the empty line that ends them.
  func head(date: String, isKept: Bool, isChunked: Bool) -> [UInt8] {
    var lines = ["HTTP/1.1 \(status.rawValue) \(status.phrase)", "Date: \(date)"]
    for field in headers { lines.append("\(field.name): \(Self.plain(field.value))") }
    if case .bytes(let bytes) = body {
      lines.append("Content-Length: \(bytes.count)")
    } else if isChunked {
      lines.append("Transfer-Encoding: chunked")
    }
    lines.append("Connection: \(isKept ? "keep-alive" : "close")")
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// A value without what would end its line.
  private static func plain(_ value: String) -> String {
    var plain = ""
    plain.unicodeScalars.append(
      contentsOf: value.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 })
    return plain
  }

  /// A part of a body in chunks; without a part, the end.
  static func chunk(_ part: [UInt8]?) -> [UInt8] {
    guard let part else { return Array("0\r\n\r\n".utf8) }
    return Array((String(part.count, radix: 16) + "\r\n").utf8) + part + Array("\r\n".utf8)
  }
}
