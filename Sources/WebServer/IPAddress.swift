import CSockets

/// An address of version 4 or 6.
package struct IPAddress: Sendable, Equatable, CustomStringConvertible {
  /// Four or 16.
  let bytes: [UInt8]

  /// Parses an address in digits, such as "127.0.0.1" or "::1".
  package init?(_ text: String) {
    guard text.utf8.count < 64, !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = Int(unsafe sockets_parse_address(text, &bytes))
    guard count > 0 else { return nil }
    self.bytes = Array(bytes.prefix(count))
  }

  /// The address of this machine, of the same version, by which it reaches others; nil where it
  /// reaches none.
  package var outward: IPAddress? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = Int(unsafe sockets_outward_address(Int32(self.bytes.count), &bytes))
    return count > 0 ? IPAddress(bytes: Array(bytes.prefix(count))) : nil
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  package var isVersion6: Bool { bytes.count == 16 }

  /// Whether it stands for all addresses of the machine.
  package var isEvery: Bool { bytes.allSatisfy { $0 == 0 } }

  /// Whether only the machine itself is reached by it.
  package var isLoopback: Bool {
    if bytes.count == 4 { return bytes[0] == 127 }
    // An address of version 4 within one of version 6.
    if Array(bytes[..<12]) == [UInt8](repeating: 0, count: 10) + [255, 255] {
      return bytes[12] == 127
    }
    return bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] == 1
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: 64)
    unsafe sockets_write_address(bytes, Int32(bytes.count), &text)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// As it stands in an URL, before a port.
  package var host: String { isVersion6 ? "[\(self)]" : description }
}
