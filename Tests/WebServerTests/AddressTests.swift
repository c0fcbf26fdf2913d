import Records
import Testing
import WebServer

@Suite struct AddressTests {
  @Test func addressesAreParsedStrictly() throws {
    for text in ["127.0.0.1", "127.255.1.2", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"] {
      #expect(try #require(IPAddress(text)).isLoopback, "\(text)")
    }
    for text in ["128.0.0.1", "::2", "1::1", "::ffff:128.0.0.1", "0.0.0.0", "::", "10.0.0.1"] {
      #expect(try !#require(IPAddress(text)).isLoopback, "\(text)")
    }
    for text in [
      "127.evil.example", "127.0.0.1.evil.example", "127.1", "127.0.0.1.", "0127.0.0.1", "",
      "[::1]", "127.0.0.1\0", "localhost", "1.2.3.256", String(repeating: "1", count: 1000),
    ] { #expect(IPAddress(text) == nil, "\(text)") }
    #expect(IPAddress("0.0.0.0")?.isEvery == true)
    #expect(IPAddress("::")?.isEvery == true)
    #expect(IPAddress("2001:DB8:0::1")?.host == "[2001:db8::1]")
    #expect(IPAddress("10.1.2.3")?.host == "10.1.2.3")
  }

  @Test func whatCannotBeHadIsAnError() throws {
    let address = try #require(IPAddress("127.0.0.1"))
    let first = try HTTPServer(address: address, port: 0)
    #expect(first.port > 0)
    #expect(throws: SystemError.self) { try HTTPServer(address: address, port: first.port) }
    // An address for documentation, which no machine has.
    let other = try #require(IPAddress("192.0.2.1"))
    #expect(throws: SystemError.self) { try HTTPServer(address: other, port: 0) }
  }
}
