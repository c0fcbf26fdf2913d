import CSockets
import Foundation
import Testing
import WebServer

/// A server under way in a thread of its own.
final class Served {
  let server: HTTPServer
  private let ended = DispatchSemaphore(value: 0)

  init(
    limits: HTTPLimits = HTTPLimits(),
    handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse = Served.echo
  ) throws {
    let server = try HTTPServer(
      address: try #require(IPAddress("127.0.0.1")), port: 0, limits: limits)
    self.server = server
    let ended = ended
    Thread.detachNewThread {
      server.run(handler)
      ended.signal()
    }
  }

  deinit {
    server.stop()
    ended.wait()
  }

  func connect() throws -> RawClient { try RawClient(of: self) }

  /// Says what was asked for; "/long" is answered by 20 MB, "/parts" in three parts.
  static let echo: @Sendable (HTTPRequest) -> HTTPResponse = { request in
    if request.path == "/long" {
      return HTTPResponse(.ok, body: .bytes([UInt8](repeating: 65, count: 20_000_000)))
    }
    if request.path == "/parts" {
      let counter = Counter()
      return HTTPResponse(.ok, body: .parts { counter.next() })
    }
    let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    let host = request.header("Host") ?? "-"
    return HTTPResponse(
      .ok, body: .bytes(Array("\(request.path) \(query) \(host)".utf8)))
  }
}

/// "part 1", "part 2", "part 3", and then nothing.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0
  func next() -> [UInt8]? {
    lock.withLock {
      count += 1
      return count > 3 ? nil : Array("part \(count)".utf8)
    }
  }
}

/// A client that may send anything, and wait with anything.
final class RawClient {
  private let socket: Int32
  /// Goes on as long as there are clients.
  private let served: Served

  init(of served: Served) throws {
    self.served = served
    socket = sockets_connect([127, 0, 0, 1], 4, served.server.port)
    try #require(socket >= 0, "\(socket)")
  }

  deinit { close(socket) }

  /// Sends all, as far as the server takes it.
  @discardableResult
  func send(_ text: String, seconds: Double = 10) -> Bool {
    let bytes = Array(text.utf8)
    var sent = 0
    let end = Date(timeIntervalSinceNow: seconds)
    while sent < bytes.count, Date() < end {
      let count = bytes.withUnsafeBytes {
        sockets_send(socket, $0.baseAddress! + sent, $0.count - sent)
      }
      if count > 0 {
        sent += count
      } else if count == -Int(EAGAIN) || count == -Int(EINPROGRESS) || count == -Int(ENOTCONN) {
        wait(for: POLLOUT, seconds: 1)
      } else {
        return false
      }
    }
    return sent == bytes.count
  }

  /// What comes until `isEnough`, or the end.
  func receive(seconds: Double = 20, until isEnough: (String) -> Bool = { _ in false }) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
      let count = read(socket, &buffer, buffer.count)
      if count == 0 || (count < 0 && errno != EAGAIN) { break }
      if count > 0 {
        bytes += buffer[..<count]
        if bytes.count < 100_000, isEnough(String(decoding: bytes, as: UTF8.self)) { break }
      } else {
        wait(for: POLLIN, seconds: 1)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether the server has closed the connection.
  func isEnded(within seconds: Double) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(socket, &buffer, buffer.count)
      if count == 0 || (count < 0 && errno != EAGAIN) { return true }
      if Date() >= end { return false }
      if count < 0 { wait(for: POLLIN, seconds: 0.1) }
    }
  }

  /// Asks, and takes an answer whose body ends with `end`.
  func get(_ path: String, end: String = "localhost") -> String {
    send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return receive { $0.hasSuffix(end) }
  }

  private func wait(for events: Int32, seconds: Double) {
    var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
    poll(&entry, 1, Int32(seconds * 1000))
  }
}

extension Served {
  /// The status of another client's request, which must come soon.
  func expectAnswer(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let start = Date()
    let answer = try connect().get("/alive")
    #expect(
      answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(what): \(answer)",
      sourceLocation: sourceLocation)
    // One second is what is promised; a test machine has other work to do.
    let seconds = Date().timeIntervalSince(start)
    #expect(seconds < 5, "\(what)", sourceLocation: sourceLocation)
  }
}
