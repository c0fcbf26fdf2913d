import CSockets
package import Records

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A server of HTTP/1.1 for pages that are only read: GET and HEAD, within bounds for all that a
/// client may send or wait for.
///
/// One thread waits for all connections; answers are made one after the other on a queue, so that
/// a handler needs no locks, and a slow one keeps no connection from being taken.
package final class HTTPServer: Sendable {
  private let listener: Int32
  private let limits: HTTPLimits
  private let mailbox: Mailbox
  /// The port that it listens at; the system has chosen it where 0 was asked for.
  package let port: UInt16

  /// Listens; `run` answers.
  ///
  /// - Throws: where the address or the port cannot be had.
  package init(
    address: IPAddress, port: UInt16, limits: HTTPLimits = HTTPLimits()
  ) throws(SystemError) {
    mailbox = try Mailbox()
    let place = "\(address.host):\(port)"
    let bytes = address.bytes
    let listener = unsafe sockets_listen(bytes, Int32(bytes.count), port, 1024)
    guard listener >= 0 else {
      throw SystemError(operation: "listen at", path: place, code: -listener)
    }
    self.listener = listener
    let actual = sockets_local_port(listener)
    self.port = UInt16(exactly: actual) ?? port
    self.limits = Self.affordable(limits)
  }

  deinit { close(listener) }

  /// Answers until `stop`.
  package func run(_ handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
    EventLoop(listener: listener, limits: limits, mailbox: mailbox, handler: handler).run()
  }

  /// Has `run` close all connections and return.
  package func stop() { mailbox.put(.stop) }

  /// No more connections than this process may have files.
  private static func affordable(_ limits: HTTPLimits) -> HTTPLimits {
    var limits = limits
    var files = rlimit()
    #if os(Linux)
      let code = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    #else
      let code = unsafe getrlimit(RLIMIT_NOFILE, &files)
    #endif
    if code == 0, files.rlim_cur < 1 << 20 {
      limits.connections = min(limits.connections, max(8, Int(files.rlim_cur) - 64))
    }
    return limits
  }
}
