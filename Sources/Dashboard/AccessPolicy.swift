import WebServer

/// Who may look: on a loopback address whoever asks for it by a loopback name, elsewhere whoever
/// knows the token.
struct AccessPolicy: Sendable {
  /// Nil where none is needed.
  var token: String?
  /// Whether only this machine can reach the address.
  var isLoopback: Bool
  /// The port that it listens at.
  var port: UInt16

  private static let cookiePrefix = "gru_dist_token_"

  enum Verdict: Equatable {
    case allowed
    /// Allowed by the token in the address; the browser is to remember it.
    case allowedOnce
    /// Asked for by a name that is not this machine's.
    case wrongHost(String)
    case noToken
  }

  func verdict(on request: HTTPRequest) -> Verdict {
    if isLoopback, let host = request.header("Host"), !Self.isLoopbackName(host) {
      // Another site's name that was made to point here must not read what is shown here.
      return .wrongHost(host)
    }
    guard let token else { return .allowed }
    if let given = request.value("token"), Self.areEqual(given, token) { return .allowedOnce }
    if let given = request.header("Authorization") {
      let words = given.split(separator: " ")
      if words.count == 2, words[0].lowercased() == "bearer",
        Self.areEqual(String(words[1]), token)
      {
        return .allowed
      }
    }
    for field in request.headers where field.name == "cookie" {
      for cookie in field.value.split(separator: ";") {
        let parts = cookie.split(separator: "=", maxSplits: 1).map {
          String($0.drop { $0 == " " })
        }
        if parts.count == 2, parts[0].hasPrefix(Self.cookiePrefix),
          Self.areEqual(parts[1], token)
        {
          return .allowed
        }
      }
    }
    return .noToken
  }

  /// The header field by which a browser remembers the token. A link from another page may lead
  /// here, which `Strict` would refuse; pages within others are refused by their policy.
  ///
  /// Browsers keep cookies by host, whatever the port is, so that two dashboards need two names:
  /// by the port that the browser knows, which behind a tunnel is not the one that is listened at.
  func cookie(for request: HTTPRequest) -> HTTPRequest.Field? {
    let port = request.header("Host").flatMap { host in
      host.split(separator: ":").last.flatMap { host.hasSuffix("]") ? nil : UInt16($0) }
    }
    let name = Self.cookiePrefix + String(port ?? self.port)
    return token.map { .init("Set-Cookie", "\(name)=\($0); HttpOnly; SameSite=Lax; Path=/") }
  }

  /// Whether a `Host`, with or without a port, is a name or an address of this machine alone.
  static func isLoopbackName(_ host: String) -> Bool {
    var name = host[...]
    var isBracketed = false
    if host.hasPrefix("[") {
      guard let end = host.firstIndex(of: "]") else { return false }
      isBracketed = true
      name = host[host.index(after: host.startIndex)..<end]
      guard isPort(host[host.index(after: end)...]) else { return false }
    } else if let colon = host.firstIndex(of: ":") {
      name = host[..<colon]
      guard isPort(host[colon...]) else { return false }
    }
    if !isBracketed, name.hasSuffix(".") { name.removeLast() }
    if !isBracketed, name.lowercased() == "localhost" { return true }
    guard let address = IPAddress(String(name)) else { return false }
    return address.isVersion6 == isBracketed && address.isLoopback
  }

  /// Nothing, or a colon and digits.
  private static func isPort(_ text: Substring) -> Bool {
    if text.isEmpty { return true }
    return text.first == ":" && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
  }

  /// Compares without telling by its time where two texts differ.
  private static func areEqual(_ a: String, _ b: String) -> Bool {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
