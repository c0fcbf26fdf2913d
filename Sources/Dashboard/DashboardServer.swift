import Dispatch
import FlyingFox
import FlyingSocks
import Foundation
package import Records

/// Shows runs in a browser and tells other programs of them. Only reads.
package struct DashboardServer: Sendable {
  private let catalog: RunCatalog
  private let policy: AccessPolicy
  private let address: String
  private let port: UInt16
  private let reader = MetricsReader()

  /// - Parameter token: nil makes one where the address needs it.
  /// - Throws: where the directory is none.
  package init(directory: String, address: String, port: Int, token: String?) throws {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      throw UsageError("'\(directory)' is no directory; expected one with runs in it, or a run")
    }
    catalog = RunCatalog(directory: directory)
    let isLoopback = AccessPolicy.isLoopbackAddress(address)
    policy = AccessPolicy(
      token: token ?? (isLoopback ? nil : Self.randomToken()), isLoopback: isLoopback)
    self.address = address == "localhost" ? "127.0.0.1" : address
    guard let port = UInt16(exactly: port) else {
      throw UsageError("--port: expected 0 to 65535, found \(port)")
    }
    self.port = port
  }

  /// Serves until the process ends.
  ///
  /// - Throws: where the address cannot be had.
  package func run(console: Console) throws {
    let server = try makeServer()
    let ended = DispatchSemaphore(value: 0)
    let outcome = Outcome()
    Task {
      do { try await server.run() } catch { await outcome.set("\(error)") }
      ended.signal()
    }
    Task {
      try await server.waitUntilListening()
      var place = "\(address):\(port)"
      switch await server.listeningAddress {
      case .ip4(let ip, let port): place = "\(ip):\(port)"
      case .ip6(let ip, let port): place = "[\(ip)]:\(port)"
      default: break
      }
      let url = "http://\(place)/" + (policy.token.map { "?token=\($0)" } ?? "")
      console.say("\(catalog.names().count) runs in \(catalog.directory): \(url)")
      console.record(["kind": "dashboard", "url": .string(url)])
    }
    ended.wait()
    throw UsageError(
      "\(address):\(port): cannot listen (\(outcome.reason)); choose another --address or --port")
  }

  /// What the server ended with, handed from its task to the waiting thread.
  private final class Outcome: @unchecked Sendable {
    private let lock = NSLock()
    private var text = "it ended"
    var reason: String { lock.withLock { text } }
    func set(_ text: String) async { lock.withLock { self.text = text } }
  }

  private func makeServer() throws -> HTTPServer {
    let handler = ClosureHTTPHandler { await respond(to: $0) }
    do {
      if address.contains(":") {
        return HTTPServer(
          address: try .inet6(ip6: address, port: port), logger: .disabled, handler: handler)
      }
      return HTTPServer(
        address: try .inet(ip4: address, port: port), logger: .disabled, handler: handler)
    } catch {
      throw UsageError("--address: '\(address)' is no IP address of this machine")
    }
  }

  func respond(to request: HTTPRequest) async -> HTTPResponse {
    let query = Dictionary(request.query.map { ($0.name, $0.value) }) { first, _ in first }
    let verdict = policy.verdict(
      host: request.headers[HTTPHeader("Host")], queryToken: query["token"],
      authorization: request.headers[HTTPHeader("Authorization")],
      cookies: request.headers[HTTPHeader("Cookie")])
    if case .refused(let reason) = verdict {
      return Self.response(.forbidden, "text/plain; charset=utf-8", Array(reason.utf8))
    }
    guard request.method == .GET || request.method == .HEAD else {
      return Self.response(.methodNotAllowed, "text/plain", Array("only GET\n".utf8))
    }
    var response = await content(of: request.path, query)
    if verdict == .allowedOnce, let token = policy.token {
      response.headers[HTTPHeader("Set-Cookie")] =
        "\(AccessPolicy.cookieName)=\(token); HttpOnly; SameSite=Strict; Path=/"
    }
    return response
  }

  private func content(of path: String, _ query: [String: String]) async -> HTTPResponse {
    switch path {
    case "/": return Self.response(.ok, "text/html; charset=utf-8", PackageResources.index_html)
    case "/style.css":
      return Self.response(.ok, "text/css; charset=utf-8", PackageResources.style_css)
    case "/script.js": return Self.script(PackageResources.script_js)
    case "/charts.js": return Self.script(PackageResources.charts_js)
    case "/panels.js": return Self.script(PackageResources.panels_js)
    case "/api/runs": return Self.json(.object([.init("runs", .array(await summaries()))]))
    case "/api/run":
      guard let report = await report(query["name"]) else { return Self.notFound }
      return Self.json(report.detail)
    case "/api/metrics.csv":
      guard let run = query["name"].flatMap(catalog.path),
        let table = try? MetricsTable(run: run, kind: query["kind"] ?? "train")
      else { return Self.notFound }
      return Self.response(.ok, "text/csv; charset=utf-8", Array(table.csv.utf8))
    case "/metrics":
      let text = PrometheusText.text(await summaries())
      return Self.response(.ok, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
    default: return Self.notFound
    }
  }

  private func summaries() async -> [OrderedJSON] {
    var summaries: [OrderedJSON] = []
    for name in catalog.names() {
      if let report = await report(name) { summaries.append(report.summary) }
    }
    return summaries
  }

  private func report(_ name: String?) async -> RunReport? {
    guard let name, let path = catalog.path(of: name) else { return nil }
    return RunReport(
      name: name, path: path, metrics: await reader.metrics(of: path),
      now: Date().timeIntervalSince1970)
  }

  private static var notFound: HTTPResponse {
    response(.notFound, "text/plain", Array("no such page or run\n".utf8))
  }

  private static func json(_ value: OrderedJSON) -> HTTPResponse {
    response(.ok, "application/json; charset=utf-8", Array((value.line + "\n").utf8))
  }

  private static func script(_ bytes: [UInt8]) -> HTTPResponse {
    response(.ok, "text/javascript; charset=utf-8", bytes)
  }

  private static func response(
    _ status: HTTPStatusCode, _ type: String, _ body: [UInt8]
  ) -> HTTPResponse {
    var headers = HTTPHeaders()
    headers[HTTPHeader("Content-Type")] = type
    headers[HTTPHeader("Cache-Control")] = "no-store"
    // Nothing from elsewhere, and nothing for others to put into a frame.
    headers[HTTPHeader("Content-Security-Policy")] =
      "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
    headers[HTTPHeader("X-Content-Type-Options")] = "nosniff"
    headers[HTTPHeader("Referrer-Policy")] = "no-referrer"
    return HTTPResponse(statusCode: status, headers: headers, body: Data(body))
  }

  /// 128 random bits.
  private static func randomToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<4).map { _ in
      let digits = String(UInt32.random(in: .min ... .max, using: &generator), radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }
}
