import CZlib

extension HTTPRequest {
  /// Whether the client takes an answer that is compressed by gzip (RFC 9110, section 12.5.3).
  package var takesGzip: Bool {
    let values = headers.filter { $0.name == "accept-encoding" }.map { $0.value.lowercased() }
    return values.joined(separator: ",").split(separator: ",").contains { item in
      let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let coding = parts.first, coding == "gzip" || coding == "*" else { return false }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }
      return quality.map { Double($0.dropFirst(2)) ?? 0 > 0 } ?? true
    }
  }
}

extension HTTPResponse {
  /// Shorter ones do not gain.
  private static let leastBytes = 1024

  /// The same answer with its body compressed, if the client takes that and it helps.
  package func compressed(for request: HTTPRequest) -> HTTPResponse {
    guard case .bytes(let bytes) = body, bytes.count >= Self.leastBytes else { return self }
    var response = self
    response.headers.append(.init("Vary", "Accept-Encoding"))
    guard request.takesGzip, let shorter = Self.gzip(bytes) else { return response }
    response.headers.append(.init("Content-Encoding", "gzip"))
    response.body = .bytes(shorter)
    return response
  }

  /// The bytes in the format of gzip (RFC 1952); nil where there is no memory for it.
  private static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    // The window of 15 bits, and 16 for gzip's head and tail.
    let state = unsafe deflateInit2_(
      &stream, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard state == Z_OK, let count = UInt32(exactly: bytes.count) else { return nil }
    defer { unsafe deflateEnd(&stream) }
    let room = unsafe deflateBound(&stream, uLong(count))
    guard let outputCount = UInt32(exactly: room) else { return nil }
    var output = [UInt8](repeating: 0, count: Int(room))
    let isDone = unsafe bytes.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        // It only reads what it takes for changeable.
        unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        unsafe stream.avail_in = count
        unsafe stream.next_out = output.baseAddress
        unsafe stream.avail_out = outputCount
        return unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END
      }
    }
    return isDone ? Array(output.prefix(Int(unsafe stream.total_out))) : nil
  }
}
