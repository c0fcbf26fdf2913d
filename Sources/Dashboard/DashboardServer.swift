package import Records
import WebServer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Listens, and tells where.
package struct DashboardServer: Sendable {
  private let server: HTTPServer
  private let address: IPAddress
  private let token: DashboardToken?
  let pages: DashboardPages

  /// - Parameter token: nil makes one where the address needs it.
  /// - Throws: where the directory is none, or the address cannot be had.
  package init(directory: String, address: String, port: Int, token: DashboardToken?) throws {
    let catalog = try RunCatalog(existing: directory)
    guard let port = UInt16(exactly: port) else {
      throw UsageError("--port: expected 0 to 65535, found \(port)")
    }
    guard let address = IPAddress(address.lowercased() == "localhost" ? "127.0.0.1" : address)
    else {
      throw UsageError(
        "--address: expected an IP address of this machine or localhost, found '\(address)'")
    }
    self.address = address
    do {
      server = try HTTPServer(address: address, port: port)
    } catch {
      throw UsageError("\(address.host):\(port): \(Self.reason(error))")
    }
    self.token = token ?? (address.isLoopback ? nil : DashboardToken())
    let policy = AccessPolicy(
      token: self.token?.text, isLoopback: address.isLoopback, port: server.port)
    pages = DashboardPages(catalog: catalog, policy: policy)
  }

  /// Serves until the process ends.
  package func run(console: Console) {
    let url = "http://\(place)/" + (token.map { "?token=\($0.text)" } ?? "")
    let listing = pages.catalog.list()
    console.say("\(listing.names.count) runs in \(pages.catalog.directory): \(url)")
    if let first = listing.tooDeep.first {
      console.say(
        "\(listing.tooDeep.count) runs lie too deep to be shown, such as \(first); name a "
          + "directory that is nearer to them")
    }
    console.record(["kind": "dashboard", "url": .string(url)])
    let pages = pages
    server.run { pages.respond(to: $0) }
  }

  /// An address that others can open, also where all of this machine's are listened at.
  private var place: String {
    guard address.isEvery else { return "\(address.host):\(server.port)" }
    // Whoever listens at all addresses of version 6 does so at those of version 4, too.
    let reached = address.outward ?? IPAddress("0.0.0.0")?.outward ?? IPAddress("127.0.0.1")
    return "\((reached ?? address).host):\(server.port)"
  }

  private static func reason(_ error: SystemError) -> String {
    switch error.code {
    case EADDRINUSE: "another program listens there, such as a dashboard; choose another --port"
    case EACCES, EPERM: "ports below 1024 need more rights; choose another --port"
    case EADDRNOTAVAIL, EAFNOSUPPORT:
      "this machine does not have the address; choose another --address, such as 0.0.0.0 for all"
    default: "cannot listen (\(SystemError.reason(error.code))); choose another --address or --port"
    }
  }
}
