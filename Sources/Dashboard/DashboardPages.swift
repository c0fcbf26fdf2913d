import CPage
import Foundation
import Records
import Synchronization
import WebServer

/// Shows runs in a browser and tells other programs of them. Only reads.
struct DashboardPages: Sendable {
  let catalog: RunCatalog
  let policy: AccessPolicy
  private let reader = MetricsReader()
  private let liveness = Liveness()
  private let answers = SharedAnswers()
  private let files = SmallFiles()
  private let changes = RunChanges()

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
      if let cookie = policy.cookie(for: request) { response.headers.append(cookie) }
      return response
    }
  }

  private func content(of request: HTTPRequest) -> HTTPResponse {
    let name = request.value("name")
    switch request.path {
    case "/api/metrics.csv":
      return table(of: name, kind: request.value("kind") ?? "train") ?? Self.notFound
    case "/api/runs", "/api/run", "/metrics":
      // These take a while to make, and many may ask at once.
      return answers.answer(to: request, by: ["name", "since"]) {
        figures(for: request).compressed(for: request)
      }
    default:
      let name = request.path == "/" ? "index.html" : String(request.path.dropFirst())
      return Self.pageFiles[name].map { Self.file($0, name).compressed(for: request) }
        ?? Self.notFound
    }
  }

  private func figures(for request: HTTPRequest) -> HTTPResponse {
    switch request.path {
    case "/api/runs":
      let (runs, tooDeep) = reports()
      _ = changes.note(runs)
      return Self.json(
        changes.json(since: request.value("since")).merging([
          "too_deep": .array(tooDeep.map { .string($0) }),
          "directory": .string(catalog.absoluteDirectory),
          "time": .number(Date().timeIntervalSince1970.rounded()),
        ]))
    case "/api/run":
      guard let name = request.value("name"), let path = catalog.path(of: name) else {
        return Self.notFound
      }
      return Self.json(report(name, path).detail(since: request.value("since")))
    default:
      let text = PrometheusText.text(changes.note(reports().runs))
      return Self.response(.ok, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
    }
  }

  private func reports() -> (runs: [RunReport], tooDeep: [String]) {
    let listing = catalog.list()
    let found = listing.names.compactMap { name in catalog.path(of: name).map { (name, $0) } }
    let paths = Set(found.map(\.1))
    reader.keep(only: paths)
    liveness.keep(only: paths)
    return (found.map { report($0.0, $0.1) }, listing.tooDeep)
  }

  private func report(_ name: String, _ path: String) -> RunReport {
    RunReport(
      name: name, folder: RunFolder(path, files: files), look: reader.look(at: path),
      liveness: liveness)
  }

  /// The records of a kind, made into text as the client takes it; nil where there are none.
  private func table(of name: String?, kind: String) -> HTTPResponse? {
    guard let path = name.flatMap(catalog.path) else { return nil }
    let look = reader.look(at: path)
    if !look.isBehind, !look.metrics.kinds.contains(kind) { return nil }
    guard let table = try? MetricsTable(run: path, kind: kind) else { return nil }
    let source = Mutex(table)
    return Self.response(
      .ok, "text/csv; charset=utf-8", .parts { source.withLock { try? $0.nextPart() } })
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

  /// The files of the page by name.
  static let pageFiles: [String: [UInt8]] = {
    let files = (0..<page_file_count()).map { number in
      let file = unsafe page_file(number)
      let bytes = unsafe UnsafeBufferPointer(start: file.bytes, count: file.length)
      return unsafe (String(cString: file.name), Array(bytes))
    }
    return Dictionary(uniqueKeysWithValues: files)
  }()

  private static func file(_ bytes: [UInt8], _ name: String) -> HTTPResponse {
    let type =
      name.hasSuffix(".js") ? "text/javascript" : name.hasSuffix(".css") ? "text/css" : "text/html"
    return response(.ok, "\(type); charset=utf-8", bytes)
  }

  private static func plain(_ status: HTTPStatus, _ text: String) -> HTTPResponse {
    response(status, "text/plain; charset=utf-8", Array(text.utf8))
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
