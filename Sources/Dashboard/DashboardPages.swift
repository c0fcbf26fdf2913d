import Foundation
import Records
import Synchronization
import WebServer

/// Shows runs in a browser and tells other programs of them. Only reads.
struct DashboardPages: Sendable {
  let catalog: RunCatalog
  let policy: AccessPolicy
  private let reader = MetricsReader()

  init(catalog: RunCatalog, policy: AccessPolicy) {
    self.catalog = catalog
    self.policy = policy
  }

  func respond(to request: HTTPRequest) -> HTTPResponse {
    switch policy.verdict(on: request) {
    case .allowed: return content(of: request)
    case .wrongHost(let host):
      return Self.plain(.forbidden, "asked for by the name '\(host)'; use localhost or 127.0.0.1\n")
    case .noToken:
      var response = Self.plain(
        .unauthorized,
        "this address needs the token that gru-dist dashboard printed: /?token=...\n")
      response.headers.append(.init("WWW-Authenticate", "Bearer realm=\"gru-dist\""))
      return response
    case .allowedOnce:
      // The page goes on without the token in its address, which people copy and browsers keep.
      var response =
        request.path == "/" ? Self.redirect(request) : content(of: request)
      if let cookie = policy.cookie { response.headers.append(cookie) }
      return response
    }
  }

  private func content(of request: HTTPRequest) -> HTTPResponse {
    let name = request.value("name")
    switch request.path {
    case "/": return Self.response(.ok, "text/html; charset=utf-8", PackageResources.index_html)
    case "/style.css":
      return Self.response(.ok, "text/css; charset=utf-8", PackageResources.style_css)
    case "/script.js": return Self.script(PackageResources.script_js)
    case "/charts.js": return Self.script(PackageResources.charts_js)
    case "/panels.js": return Self.script(PackageResources.panels_js)
    case "/api/runs": return Self.json(.object([.init("runs", .array(summaries()))]))
    case "/api/run":
      guard let report = report(name) else { return Self.notFound }
      return Self.json(report.detail)
    case "/api/metrics.csv":
      guard let run = name.flatMap(catalog.path),
        let table = try? MetricsTable(run: run, kind: request.value("kind") ?? "train")
      else { return Self.notFound }
      return Self.response(.ok, "text/csv; charset=utf-8", Self.parts(of: table))
    case "/metrics":
      let text = PrometheusText.text(summaries())
      return Self.response(.ok, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
    default: return Self.notFound
    }
  }

  private func summaries() -> [OrderedJSON] { catalog.names().compactMap { report($0)?.summary } }

  private func report(_ name: String?) -> RunReport? {
    guard let name, let path = catalog.path(of: name) else { return nil }
    return RunReport(
      name: name, path: path, metrics: reader.metrics(of: path), now: Date().timeIntervalSince1970)
  }

  private static var notFound: HTTPResponse { plain(.notFound, "no such page or run\n") }

  /// To the same view without the token.
  private static func redirect(_ request: HTTPRequest) -> HTTPResponse {
    let query = request.query.filter { $0.name != "token" }.map {
      "\(HTTPRequest.escaped($0.name))=\(HTTPRequest.escaped($0.value))"
    }
    var response = plain(.seeOther, "")
    let place = query.isEmpty ? "/" : "/?" + query.joined(separator: "&")
    response.headers.append(.init("Location", place))
    return response
  }

  private static func json(_ value: OrderedJSON) -> HTTPResponse {
    response(.ok, "application/json; charset=utf-8", Array((value.line + "\n").utf8))
  }

  private static func script(_ bytes: [UInt8]) -> HTTPResponse {
    response(.ok, "text/javascript; charset=utf-8", bytes)
  }

  private static func plain(_ status: HTTPStatus, _ text: String) -> HTTPResponse {
    response(status, "text/plain; charset=utf-8", Array(text.utf8))
  }

  /// The text of a table, made as the client takes it.
  private static func parts(of table: MetricsTable) -> HTTPResponse.Body {
    let next = Mutex(0)
    return .parts {
      let part = next.withLock { part in
        defer { part += 1 }
        return part
      }
      return part < table.csvPartCount ? Array(table.csv(part: part).utf8) : nil
    }
  }

  private static func response(
    _ status: HTTPStatus, _ type: String, _ body: [UInt8]
  ) -> HTTPResponse {
    response(status, type, .bytes(body))
  }

  private static func response(
    _ status: HTTPStatus, _ type: String, _ body: HTTPResponse.Body
  ) -> HTTPResponse {
    let headers: [HTTPRequest.Field] = [
      .init("Content-Type", type), .init("Cache-Control", "no-store"),
      // Nothing from elsewhere, and nothing for others to put into a frame.
      .init(
        "Content-Security-Policy",
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"),
      .init("X-Content-Type-Options", "nosniff"), .init("Referrer-Policy", "no-referrer"),
    ]
    return HTTPResponse(status, headers: headers, body: body)
  }
}
