/// A request without a body, as all that are taken.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable { case get = "GET", head = "HEAD" }

  /// A name and a value, of the query or of the head.
  package struct Field: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package var method: Method
  /// Without percent signs' escapes.
  package var path: String
  package var query: [Field]
  /// Names in lower case.
  package var headers: [Field]
  /// Whether it came in HTTP/1.0, which knows no answer in chunks.
  package var isOld: Bool
  /// When the last byte of it had come.
  package let received = ContinuousClock.now

  package init(
    method: Method = .get, path: String, query: [Field] = [], headers: [Field] = [],
    isOld: Bool = false
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers.map { Field($0.name.lowercased(), $0.value) }
    self.isOld = isOld
  }

  /// The first header field of that name.
  package func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name == name }?.value
  }

  /// The first value of that name in the query.
  package func value(_ name: String) -> String? { query.first { $0.name == name }?.value }

  /// Whether the client wants to ask more by the same connection.
  var isKept: Bool {
    let values = headers.filter { $0.name == "connection" }.map { $0.value.lowercased() }
    let words = values.joined(separator: ",").split { $0 == "," || $0 == " " || $0 == "\t" }
    return isOld ? words.contains("keep-alive") : !words.contains("close")
  }

  /// A text as it may stand in a query.
  package static func escaped(_ text: String) -> String {
    var escaped = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      if byte < 0x80, Character(scalar).isLetter || Character(scalar).isNumber
        || "-._~".unicodeScalars.contains(scalar)
      {
        escaped.unicodeScalars.append(scalar)
      } else {
        escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return escaped
  }
}

/// A request that is not served, and what its client is told.
struct HTTPRefusal: Error, Equatable {
  var status: HTTPStatus
  var words: String

  init(_ status: HTTPStatus, _ words: String) {
    self.status = status
    self.words = words
  }
}
