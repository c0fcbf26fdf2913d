import Foundation
import Testing
import WebServer

@Suite struct RequestTests {
  @Test func answersFollowEachOtherOnOneConnection() throws {
    let served = try Served()
    let client = try served.connect()
    let first = client.get("/a%20b/c+d?x=1%26&y&z=a=b")
    #expect(first.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
    #expect(first.contains("\r\nConnection: keep-alive\r\n"))
    #expect(first.hasSuffix("\r\n\r\n/a b/c+d x=1&;y=;z=a=b localhost"), "\(first)")
    #expect(first.contains("Content-Length: 32\r\n"), "\(first)")
    // Two at once, a letter at a time.
    for letter in "GET /1 HTTP/1.1\r\nhost: one\r\n\r\nGET /2 HTTP/1.1\nHOST:two \n\n" {
      client.send(String(letter))
    }
    let both = client.receive { $0.hasSuffix("/2  two") }
    #expect(both.contains("/1  oneHTTP/1.1 200 OK"), "\(both)")
  }

  @Test func headsHaveNoBody() throws {
    let client = try Served().connect()
    client.send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    let answer = client.receive()
    #expect(answer.contains("\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"), "\(answer)")
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test func partsComeInChunksOrUntilTheEnd() throws {
    let served = try Served()
    let client = try served.connect()
    let answer = client.get("/parts", end: "0\r\n\r\n")
    #expect(answer.contains("Transfer-Encoding: chunked\r\n"))
    #expect(answer.hasSuffix("6\r\npart 1\r\n6\r\npart 2\r\n6\r\npart 3\r\n0\r\n\r\n"), "\(answer)")
    #expect(client.get("/b").hasSuffix("/b  localhost"))
    let old = try served.connect()
    old.send("GET /parts HTTP/1.0\r\n\r\n")
    #expect(old.receive().hasSuffix("Connection: close\r\n\r\npart 1part 2part 3"))
  }

  @Test func partsThatAreNotReadyAreAskedForAgain() throws {
    let counter = Counter()
    let served = try Served { request in
      guard request.path == "/late" else { return Served.echo(request) }
      return HTTPResponse(.ok, body: .parts {
        guard let part = counter.next() else { return nil }
        return part == Array("part 3".utf8) ? part : []
      })
    }
    let client = try served.connect()
    #expect(client.get("/late", end: "0\r\n\r\n").hasSuffix("\r\n6\r\npart 3\r\n0\r\n\r\n"))
    #expect(client.get("/b").hasSuffix("/b  localhost"))
  }

  @Test func wholeAddressesAreTaken() throws {
    let client = try Served().connect()
    client.send("GET http://there:80?a=b HTTP/1.1\r\nHost: here\r\n\r\n")
    let answer = client.receive { $0.hasSuffix("80") }
    #expect(answer.hasSuffix("/ a=b there:80"), "\(answer)")
  }

  static let refused: [(request: String, status: String)] = [
    ("nonsense\r\n\r\n", "400"), ("\u{16}\u{3}\u{1}", "400"),
    ("\r\n\r\n", "400"), (" GET / HTTP/1.1\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", "400"), ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET /%f HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
    ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"), ("GET / HTTP/x\r\nHost: a\r\n\r\n", "400"),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405"),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", "405"),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "413"),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "413"),
    ("GET /" + String(repeating: "a", count: 8192), "414"),
    ("GET / HTTP/1.1\r\nHost: " + String(repeating: "a", count: 16384), "431"),
    ("GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 101), "431"),
    ("GET / HTTP/1.1\r\n" + String(repeating: "a: \(String(repeating: "b", count: 999))\r\n",
      count: 17), "431"),
  ]

  @Test func whatIsNoRequestIsRefusedInWords() throws {
    let served = try Served()
    for (request, status) in Self.refused {
      let client = try served.connect()
      client.send(request)
      let answer = client.receive()
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(request.debugDescription): \(answer)")
      #expect(answer.contains("\r\nConnection: close\r\n"))
      #expect(answer.hasSuffix("\n") && !answer.hasSuffix("\r\n\r\n"), "no words: \(answer)")
      #expect(answer.contains("Allow: GET, HEAD\r\n") == (status == "405"))
    }
  }

  @Test func whatIsWithinTheLimitsIsTaken() throws {
    let served = try Served()
    let path = "/" + String(repeating: "a", count: 8000)
    #expect(try served.connect().get(path).hasSuffix("\(path)  localhost"))
    let client = try served.connect()
    let fields = String(repeating: "a: b\r\n", count: 98)
    client.send("\r\nGET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
      + fields + "\r\n")
    #expect(client.receive { $0.hasSuffix("localhost") }.hasSuffix("/  localhost"))
  }
}
