import Foundation
import Records
import Testing
import WebServer

@testable import Dashboard

/// A directory with a run in it, as training leaves one.
final class RunsFolder {
  let path: String

  init(metrics: [String] = RunsFolder.metrics) throws {
    path = NSTemporaryDirectory() + "dashboard-\(UUID().uuidString)"
    try write(
      "first/config.json", #"{"model":{"cell":"gru"},"run":{"directory":"first","steps":40}}"#)
    try write("first/metrics.jsonl", metrics.joined(separator: "\n") + "\n")
    let manifest = #"{"step":20,"files":[{"name":"a","bytes":100},{"name":"b","bytes":23}]}"#
    try write("first/checkpoints/step-00000020/manifest.json", manifest)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static let metrics = [
    #"{"kind":"train","step":10,"tokens":100,"loss":3.5,"tokens_per_second":50}"#,
    #"{"kind":"valid","step":10,"loss":3.25,"bits_per_byte":4.5}"#,
    #"{"kind":"train","step":20,"tokens":200,"loss":3,"tokens_per_second":60}"#,
    #"{"kind":"valid","step":20,"loss":2.75,"bits_per_byte":4}"#,
    #"{"kind":"sample","step":20,"text":"<b>the</b>"}"#,
    #"{"kind":"checkpoint","step":20,"name":"step-00000020"}"#,
  ]

  func write(_ name: String, _ text: String) throws {
    let file = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func append(_ text: String) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(path)/first/metrics.jsonl"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }

  func server(address: String = "127.0.0.1", token: String? = nil) throws -> DashboardPages {
    try DashboardServer(
      directory: path, address: address, port: 0,
      token: token.map { try DashboardToken($0, from: "a test") }
    ).pages
  }
}

extension DashboardPages {
  func get(
    _ path: String, query: [String: String] = [:], headers: [String: String] = [:]
  ) throws -> (status: Int, text: String, response: HTTPResponse) {
    let response = respond(
      to: HTTPRequest(
        path: path, query: query.map { .init($0.key, $0.value) },
        headers: headers.map { .init($0.key, $0.value) }))
    var bytes: [UInt8] = []
    switch response.body {
    case .bytes(let all): bytes = all
    case .parts(let next): while let part = next() { bytes += part }
    }
    return (response.status.rawValue, String(decoding: bytes, as: UTF8.self), response)
  }

  func json(_ path: String, query: [String: String] = [:]) throws -> OrderedJSON {
    let answer = try get(path, query: query)
    #expect(answer.status == 200, "\(answer.text)")
    return try OrderedJSON(parsing: answer.text)
  }
}

@Suite struct DashboardTests {
  @Test func runsAreSummarized() throws {
    let folder = try RunsFolder()
    let server = try folder.server()
    guard case .array(let runs)? = try server.json("/api/runs")["runs"] else {
      Issue.record("no runs")
      return
    }
    let run = try #require(runs.first)
    #expect(runs.count == 1)
    #expect(run["name"] == "first")
    #expect(run["step"] == 20)
    #expect(run["steps"] == 40)
    #expect(run["loss"]?.doubleValue == 3)
    #expect(run["best_validation_loss"]?.doubleValue == 2.75)
    #expect(run["status"] == "unknown")
  }

  @Test func runPageHasAllItsRecords() throws {
    let folder = try RunsFolder()
    let run = try folder.server().json("/api/run", query: ["name": "first"])
    #expect(run["train"]?["loss"]?.line == "[3.5,3.0]")
    #expect(run["valid"]?["bits_per_byte"]?.line == "[4.5,4.0]")
    #expect(run["samples"]?.line == #"[{"kind":"sample","step":20,"text":"<b>the</b>"}]"#)
    guard case .array(let checkpoints)? = run["checkpoints"] else {
      Issue.record("no checkpoints")
      return
    }
    #expect(checkpoints.first?["bytes"] == 123)
    #expect(checkpoints.first?["is_best"] == true)
    #expect(run["config"]?["model"]?["cell"] == "gru")
  }

  @Test(arguments: [("loss", 20), ("accuracy", 10), ("perplexity", 20)])
  func bestCheckpointIsTheOneTheRunChooses(measure: String, best: Int) throws {
    let folder = try RunsFolder(metrics: [
      #"{"kind":"valid","step":10,"loss":3.25,"accuracy":0.9,"perplexity":26}"#,
      #"{"kind":"valid","step":20,"loss":2.75,"accuracy":0.8,"perplexity":16}"#,
    ])
    try folder.write(
      "first/config.json", #"{"run":{"directory":"first","best_by":"\#(measure)"}}"#)
    try folder.write("first/checkpoints/step-00000010/manifest.json", #"{"step":10,"files":[]}"#)
    let run = try folder.server().json("/api/run", query: ["name": "first"])
    guard case .array(let checkpoints)? = run["checkpoints"] else {
      Issue.record("no checkpoints")
      return
    }
    #expect(checkpoints.count == 2)
    for checkpoint in checkpoints {
      #expect(checkpoint["is_best"] == .bool(checkpoint["step"]?.integerValue == best))
    }
  }

  @Test func statusFollowsTheHeartbeat() throws {
    let now = Int(Date().timeIntervalSince1970)
    for (heartbeat, status) in [
      (#"{"time":\#(now),"exit_status":null}"#, "running"),
      (#"{"time":\#(now - 100),"exit_status":null}"#, "silent"),
      (#"{"time":1,"exit_status":0}"#, "done"), (#"{"time":1,"exit_status":75}"#, "stopped"),
      (#"{"time":1,"exit_status":1}"#, "failed"), (#"{"exit_status":null}"#, "silent"),
    ] {
      let folder = try RunsFolder()
      try folder.write("first/heartbeat.json", heartbeat)
      let run = try folder.server().json("/api/run", query: ["name": "first"])
      #expect(run["summary"]?["status"] == .string(status), "\(heartbeat)")
    }
  }

  /// The run itself knows how long it still takes; one of an earlier version does not say it.
  @Test func remainingTimeIsThatOfTheHeartbeat() throws {
    let folder = try RunsFolder()
    for (heartbeat, value) in [
      (#"{"time":1,"remaining_seconds":90.5}"#, OrderedJSON.number(90.5)), (#"{"time":1}"#, .null),
    ] {
      try folder.write("first/heartbeat.json", heartbeat)
      let run = try folder.server().json("/api/run", query: ["name": "first"])
      #expect(run["summary"]?["remaining_seconds"] == value, "\(heartbeat)")
    }
  }

  @Test func namesCannotEscapeTheRunsDirectory() throws {
    let folder = try RunsFolder()
    let catalog = RunCatalog(directory: "\(folder.path)/first")
    #expect(catalog.list().names == ["."])
    #expect(catalog.path(of: ".") != nil)
    for name in ["..", "../first", "/etc", "", "a//b", "./.", "first\0", "first/../first"] {
      #expect(catalog.path(of: name) == nil, "\(name)")
    }
    try folder.write("group/run-10/metrics.jsonl", "")
    try folder.write("group/run-2/metrics.jsonl", "")
    try folder.write("a/b/c/run/metrics.jsonl", "")
    let listing = RunCatalog(directory: folder.path).list()
    #expect(listing.names == ["first", "group/run-2", "group/run-10"])
    #expect(listing.tooDeep == ["a/b/c/run"])
    #expect(
      try folder.server().json("/api/runs")["too_deep"]?.line == #"["a/b/c/run"]"#)
  }

  @Test func unknownRunsAreErrors() throws {
    let server = try RunsFolder().server()
    #expect(try server.get("/api/run", query: ["name": "../first"]).status == 404)
    #expect(try server.get("/api/run").status == 404)
    #expect(try server.get("/nowhere").status == 404)
  }

  @Test func pageLoadsNothingFromOtherHosts() throws {
    let folder = try RunsFolder()
    let server = try folder.server()
    let scripts = DashboardPages.pageFiles.keys.filter { $0.hasSuffix(".js") }
    #expect(scripts.count > 10)
    // The browser need not find out module by module what else there is.
    let index = try server.get("/").text
    for name in scripts { #expect(index.contains("\"\(name)\""), "\(name)") }
    for path in ["/"] + DashboardPages.pageFiles.keys.map({ "/\($0)" }) {
      let answer = try server.get(path)
      #expect(answer.status == 200)
      #expect(answer.text.count > 300)
      let type = answer.response.header("Content-Type")
      #expect(type?.hasPrefix(path.hasSuffix(".js") ? "text/javascript" : "text/") == true)
      let outside = answer.text.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
      #expect(!outside.contains("://"), "\(path)")
      let policy = answer.response.header("Content-Security-Policy")
      #expect(policy?.hasPrefix("default-src 'self'") == true)
    }
  }

  @Test func tablesOfRecords() throws {
    let folder = try RunsFolder()
    let server = try folder.server()
    let table = try server.get("/api/metrics.csv", query: ["name": "first"])
    #expect(
      table.text == "step,tokens,loss,tokens_per_second\r\n10,100,3.5,50\r\n20,200,3,60\r\n")
    let valid = try server.get(
      "/api/metrics.csv", query: ["name": "first", "kind": "valid"])
    #expect(valid.text.hasPrefix("step,loss,bits_per_byte\r\n"))
    for query in [["name": "first", "kind": "none"], ["name": "other"], [:]] {
      #expect(try server.get("/api/metrics.csv", query: query).status == 404, "\(query)")
    }
  }

  @Test func otherAddressesNeedTheToken() throws {
    let folder = try RunsFolder()
    let server = try folder.server(address: "0.0.0.0", token: "secret")
    let host = ["Host": "trainer:6886"]
    let missing = try server.get("/api/runs", headers: host)
    #expect(missing.status == 401)
    #expect(missing.response.header("WWW-Authenticate")?.hasPrefix("Bearer") == true)
    #expect(try server.get("/", query: ["token": "secreT"], headers: host).status == 401)
    // The page goes on without the token in its address.
    let first = try server.get("/", query: ["token": "secret", "tab": "a b&\r\n"], headers: host)
    #expect(first.status == 303)
    #expect(first.response.header("Location") == "/?tab=a%20b%26%0D%0A")
    let cookie = try #require(first.response.header("Set-Cookie"))
    #expect(cookie.contains("HttpOnly"))
    let sent = ["Host": "trainer", "Cookie": "a=b; " + cookie.prefix { $0 != ";" }]
    #expect(try server.get("/", headers: sent).status == 200)
    #expect(try server.get("/api/runs", headers: sent).status == 200)
    #expect(try server.get("/api/runs", query: ["token": "secret"]).status == 200)
    let bearer = ["Authorization": "Bearer secret"]
    #expect(try server.get("/metrics", headers: bearer).status == 200)
    #expect(try server.get("/metrics", headers: ["Authorization": "bearer secret"]).status == 200)
    #expect(try server.get("/metrics", headers: ["Authorization": "Basic secret"]).status == 401)
    let wrong = ["Cookie": "gru_dist_token_6886=x"]
    #expect(try server.get("/metrics", headers: wrong).status == 401)
  }

  @Test func twoDashboardsHaveTwoCookies() throws {
    let server = try RunsFolder().server(address: "0.0.0.0", token: "one")
    func cookie(_ host: String) throws -> String {
      let answer = try server.get("/", query: ["token": "one"], headers: ["Host": host])
      return String(try #require(answer.response.header("Set-Cookie")).prefix { $0 != "=" })
    }
    // Two ends of tunnels, which the browser tells apart by their ports only.
    #expect(try cookie("localhost:7001") == "gru_dist_token_7001")
    #expect(try cookie("localhost:7002") == "gru_dist_token_7002")
    #expect(try cookie("[::1]:7002") == "gru_dist_token_7002")
    let own = "gru_dist_token_\(server.policy.port)"
    for host in ["trainer", "[::1]", "trainer:", "trainer:99999"] {
      #expect(try cookie(host) == own, "\(host)")
    }
    let both = ["Cookie": "gru_dist_token_7001=two; gru_dist_token_7002=one"]
    #expect(try server.get("/api/runs", headers: both).status == 200)
  }

  @Test func loopbackRequiresALoopbackHostHeader() throws {
    let server = try RunsFolder().server()
    for host in [
      "localhost:6886", "127.0.0.1", "[::1]:6886", "LocalHost.", "localhost.:80", "127.9.8.7",
      "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
    ] { #expect(try server.get("/", headers: ["Host": host]).status == 200, "\(host)") }
    for host in [
      "elsewhere.example:6886", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil",
      "[::1].evil", "[::1", "[::2]", "127.0.0.1:80.evil", "127.1", "::1", "", "localhost..",
      "[127.0.0.1]", "0.0.0.0", "localhost@evil.example",
    ] { #expect(try server.get("/", headers: ["Host": host]).status == 403, "\(host)") }
  }

  @Test func tokensComeFromFiles() throws {
    let folder = try RunsFolder()
    try folder.write("token", "abc123\r\nmore")
    #expect(try DashboardToken(file: "\(folder.path)/token").text == "abc123")
    try folder.write("large", String(repeating: "a", count: 5000))
    for name in ["large", "nothing", ".", "../../dev/zero"] {
      #expect(throws: UsageError.self) { try DashboardToken(file: "\(folder.path)/\(name)") }
    }
    for text in ["", "a b", "a;b", "é", "a\r\nSet-Cookie: b"] {
      #expect(throws: UsageError.self) { try DashboardToken(text, from: "a test") }
    }
  }
}
