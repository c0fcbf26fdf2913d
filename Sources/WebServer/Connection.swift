import CSockets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One client: what it has sent, and what it is still to get. Used by the loop's thread alone.
final class Connection {
  typealias Instant = ContinuousClock.Instant

  enum Phase {
    /// Waits for a request, or for the rest of one.
    case reading
    /// Waits for an answer, or for a part of it.
    case answering
    case writing
    /// Has got its last answer; what it sends is dropped until it ends.
    case lingering
    case closed
  }

  let number: Int
  private let socket: Int32
  private(set) var phase = Phase.reading
  private var reader = RequestReader()
  /// What is still to be sent, in order. Bodies that several clients get are one array.
  private var output: [[UInt8]] = []
  /// Bytes of the first of it that are sent.
  private var sent = 0
  private var isKept = true
  private var isChunked = false
  private(set) var isHead = false
  /// What makes the parts of the answer under way.
  private(set) var parts: (@Sendable () -> [UInt8]?)?
  /// When it last sent or took something.
  private(set) var lastMove: Instant
  /// When the request or the answer under way began, or the wait for a request.
  private(set) var began: Instant

  init(number: Int, socket: Int32, now: Instant) {
    self.number = number
    self.socket = socket
    lastMove = now
    began = now
  }

  deinit { close() }

  func close() {
    if phase == .closed { return }
    phase = .closed
    parts = nil
    #if canImport(Glibc)
      Glibc.close(socket)
    #else
      Darwin.close(socket)
    #endif
  }

  /// Between two requests, or before the first.
  var isIdle: Bool { phase == .reading && reader.isEmpty }

  /// What to wait for.
  var polled: pollfd {
    let events =
      switch phase {
      case .reading, .lingering: POLLIN
      case .writing: POLLOUT
      case .answering, .closed: Int32(0)
      }
    return pollfd(fd: socket, events: Int16(events), revents: 0)
  }

  /// When it is to be closed, or told that it is too slow.
  func deadline(_ limits: HTTPLimits) -> Instant? {
    switch phase {
    case .reading:
      isIdle ? lastMove.advanced(by: limits.idleTime) : began.advanced(by: limits.headTime)
    case .writing:
      min(lastMove.advanced(by: limits.stallTime), began.advanced(by: limits.answerTime))
    case .lingering: began.advanced(by: limits.lingerTime)
    case .answering, .closed: nil
    }
  }

  /// Reads once. Returns the next request, if one is whole.
  func receive(
    _ scratch: inout [UInt8], _ limits: HTTPLimits, now: Instant
  ) throws(HTTPRefusal) -> HTTPRequest? {
    let count = unsafe read(socket, &scratch, scratch.count)
    if count < 0, errno == EAGAIN || errno == EINTR { return nil }
    guard count > 0 else {
      close()
      return nil
    }
    if phase == .lingering { return nil }
    if reader.isEmpty { began = now }
    lastMove = now
    reader.append(scratch[..<count])
    return try nextRequest(limits)
  }

  /// A request that has come already.
  func nextRequest(_ limits: HTTPLimits) throws(HTTPRefusal) -> HTTPRequest? {
    guard phase == .reading, !reader.isEmpty, let request = try reader.next(limits) else {
      return nil
    }
    phase = .answering
    isKept = request.isKept
    isHead = request.method == .head
    isChunked = !request.isOld
    return request
  }

  /// Begins to write an answer.
  func answer(_ response: HTTPResponse, date: String, now: Instant) {
    began = now
    sent = 0
    switch response.body {
    case .bytes(let bytes):
      output = [response.head(date: date, isKept: isKept, isChunked: false)]
      if !isHead { output.append(bytes) }
    case .parts(let parts):
      if !isChunked { isKept = false }
      output = [response.head(date: date, isKept: isKept, isChunked: isChunked)]
      if !isHead { self.parts = parts }
    }
    phase = .writing
    write(now: now)
  }

  /// Answers that a request is not served; nothing more is read after it.
  func refuse(_ refusal: HTTPRefusal, date: String, now: Instant) {
    isKept = false
    isHead = false
    parts = nil
    answer(HTTPResponse(refusal), date: date, now: now)
  }

  /// Writes a part of an answer; nil ends it, and an empty one is none yet.
  func add(_ part: [UInt8]?, now: Instant) {
    if part == [] { return }
    if part == nil { parts = nil }
    output = [isChunked ? HTTPResponse.chunk(part) : part ?? []]
    sent = 0
    phase = .writing
    write(now: now)
  }

  /// Sends what the client takes now, and goes on when it has all.
  func write(now: Instant) {
    while let first = output.first {
      if sent < first.count {
        let count = unsafe first.withUnsafeBytes {
          unsafe sockets_send(socket, $0.baseAddress! + sent, $0.count - sent)
        }
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return }
        if count <= 0 { return close() }
        sent += count
        lastMove = now
        if sent < first.count { return }
      }
      output.removeFirst()
      sent = 0
    }
    if parts != nil {
      phase = .answering
    } else if isKept {
      phase = .reading
      began = now
    } else {
      // The client would lose the answer if there were unread bytes of it when this end is closed.
      shutdown(socket, Int32(SHUT_WR))
      phase = .lingering
      began = now
    }
  }
}
