import Foundation
import Testing
import WebServer

/// Whatever some clients do, others are answered.
@Suite(.serialized) struct LivenessTests {
  @Test func hugeAndMalformedRequestsLeaveOthersAnswered() throws {
    let served = try Served()
    let line = "GET /" + String(repeating: "a", count: 3_000_000)
    var clients: [RawClient] = []
    for start in [line, line, "x y z\r\n\r\n", "\0\u{1}\u{2}", "GET / HTTP/1.1\r\nA: \(line)"] {
      let client = try served.connect()
      client.send(start)
      clients.append(client)
      try served.expectAnswer("after \(start.prefix(20).debugDescription)")
    }
    for client in clients { #expect(client.receive().hasPrefix("HTTP/1.1 4")) }
    let path = "/" + String(repeating: "b", count: 20_000)
    #expect(try served.connect().get(path).hasPrefix("HTTP/1.1 414 "))
  }

  @Test func idleConnectionsLeaveOthersAnswered() throws {
    #if os(Linux)
      let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let openFiles = RLIMIT_NOFILE
    #endif
    var files = rlimit()
    getrlimit(openFiles, &files)
    files.rlim_cur = min(files.rlim_max, 4096)
    setrlimit(openFiles, &files)
    let count = min(1500, Int(files.rlim_cur) - 400)
    try #require(count > 0, "at least 401 files may be open")
    let served = try Served()
    let early = try served.connect()
    #expect(early.get("/early").hasPrefix("HTTP/1.1 200"))
    var clients: [RawClient] = []
    for index in 0..<count {
      let client = try served.connect()
      if index % 2 == 0 { client.send("GET /half HTTP/1.1\r\nHo") }
      clients.append(client)
      if index % 500 == 499 { try served.expectAnswer("with \(index + 1) connections") }
    }
    try served.expectAnswer("with \(count) connections")
    #expect(early.isEnded(within: 5), "the oldest idle one keeps its place")
    #expect(clients.count { !$0.isEnded(within: 0) } <= 256)
  }

  @Test func slowClientsAreToldAndClosed() throws {
    var limits = HTTPLimits()
    limits.headTime = .milliseconds(300)
    limits.idleTime = .milliseconds(600)
    limits.stallTime = .milliseconds(300)
    limits.lingerTime = .milliseconds(100)
    let served = try Served(limits: limits)
    let silent = try served.connect()
    let slow = try served.connect()
    for letter in "GET /" {
      slow.send(String(letter))
      Thread.sleep(forTimeInterval: 0.01)
    }
    // Takes nothing of its answer.
    let deaf = try served.connect()
    deaf.send("GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
    try served.expectAnswer("beside slow clients")
    #expect(slow.receive().hasPrefix("HTTP/1.1 408 "))
    #expect(silent.isEnded(within: 10))
    Thread.sleep(forTimeInterval: 1)
    #expect(deaf.receive().utf8.count < 20_000_000)
  }

  @Test func longAnswersLeaveOthersAnswered() throws {
    let served = try Served()
    var clients: [RawClient] = []
    for _ in 0..<8 {
      let client = try served.connect()
      client.send("GET /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      clients.append(client)
    }
    try served.expectAnswer("beside answers that nobody takes")
    let answer = clients[3].receive(seconds: 60)
    #expect(answer.utf8.count > 20_000_000)
    try served.expectAnswer("after one of them was taken")
  }

  @Test func whoeverAsksWithoutEndLeavesOthersAnswered() throws {
    let served = try Served()
    let client = try served.connect()
    let requests = String(repeating: "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", count: 5000)
    // Takes nothing, so that the server takes no more at some time.
    while client.send(requests, seconds: 0.2) {}
    try served.expectAnswer("beside requests without end")
    #expect(client.receive(seconds: 0.5).hasPrefix("HTTP/1.1 200"))
  }

  @Test func tablesWithoutEndLeaveOthersAnswered() throws {
    let served = try Served { request in
      if request.path != "/table" { return Served.echo(request) }
      let part = [UInt8](repeating: 65, count: 100_000)
      return HTTPResponse(.ok, body: .parts { part })
    }
    var clients: [RawClient] = []
    for _ in 0..<50 {
      let client = try served.connect()
      client.send("GET /table HTTP/1.1\r\nHost: h\r\n\r\n")
      clients.append(client)
    }
    try served.expectAnswer("beside tables that nobody takes")
    #expect(clients[0].receive(seconds: 1).utf8.count > 100_000)
    try served.expectAnswer("beside tables of which one is taken")
  }

  @Test func aFullServerSaysSo() throws {
    var limits = HTTPLimits()
    limits.connections = 2
    let hold = DispatchSemaphore(value: 0)
    let served = try Served(limits: limits) { request in
      if request.path == "/wait" { hold.wait() }
      return HTTPResponse(.ok, body: .bytes(Array("localhost".utf8)))
    }
    let waiting = try (0..<2).map { _ in try served.connect() }
    for client in waiting { client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n") }
    Thread.sleep(forTimeInterval: 0.3)
    let third = try served.connect().receive()
    #expect(third.hasPrefix("HTTP/1.1 503 "), "\(third)")
    hold.signal()
    hold.signal()
    for client in waiting {
      #expect(client.receive { $0.hasSuffix("localhost") }.hasPrefix("HTTP/1.1 200"))
    }
    try served.expectAnswer("when there is room again")
  }

  @Test func aClientThatHasGoneEndsNothing() throws {
    let served = try Served()
    for _ in 0..<20 {
      let client = try served.connect()
      client.send("GET /long HTTP/1.1\r\nHost: h\r\n\r\nGET /long HTTP/1.1\r\nHost: h\r\n\r\n")
    }
    try served.expectAnswer("after clients have gone")
  }
}
