/// Who may look: on a loopback address whoever asks for it by a loopback name, elsewhere whoever
/// knows the token.
struct AccessPolicy: Sendable {
  /// Nil where none is needed.
  var token: String?
  /// Whether only this machine can reach the address.
  var isLoopback: Bool

  static let cookieName = "gru_dist_token"

  enum Verdict: Equatable {
    case allowed
    /// Allowed by the token in the address; the browser is to remember it.
    case allowedOnce
    case refused(String)
  }

  /// - Parameters:
  ///   - host: the header, which names the address that was asked for.
  ///   - queryToken: the token in the address.
  ///   - authorization: the header.
  ///   - cookies: the header.
  func verdict(
    host: String?, queryToken: String?, authorization: String?, cookies: String?
  ) -> Verdict {
    if isLoopback, let host, !Self.isLoopbackName(host) {
      // Another site's name that was made to point here must not read what is shown here.
      return .refused("asked for by the name '\(host)'; use localhost or 127.0.0.1\n")
    }
    guard let token else { return .allowed }
    if let queryToken, Self.areEqual(queryToken, token) { return .allowedOnce }
    if let authorization, Self.areEqual(authorization, "Bearer \(token)") { return .allowed }
    for cookie in (cookies ?? "").split(separator: ";") {
      let parts = cookie.split(separator: "=", maxSplits: 1).map {
        String($0.drop { $0 == " " })
      }
      if parts.count == 2, parts[0] == Self.cookieName, Self.areEqual(parts[1], token) {
        return .allowed
      }
    }
    return .refused("this address needs the token that gru-dist dashboard printed: /?token=...\n")
  }

  /// Whether an address is one that only this machine reaches.
  static func isLoopbackAddress(_ address: String) -> Bool {
    address == "localhost" || address == "::1" || address.hasPrefix("127.")
  }

  private static func isLoopbackName(_ host: String) -> Bool {
    if host.hasPrefix("[") { return host.hasPrefix("[::1]") }
    return isLoopbackAddress(String(host.prefix { $0 != ":" }))
  }

  /// Compares without telling by its time where two texts differ.
  private static func areEqual(_ a: String, _ b: String) -> Bool {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
