import CSockets
import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Waits for all connections at once, in one thread. Nothing that a client does, or leaves undone,
/// makes it wait for that client.
final class EventLoop {
  private typealias Instant = ContinuousClock.Instant

  private let listener: Int32
  private let limits: HTTPLimits
  private let mailbox: Mailbox
  private let handler: @Sendable (HTTPRequest) -> HTTPResponse
  private let answers = DispatchQueue(label: "gru-dist.answers")
  private var connections: [Int: Connection] = [:]
  private var lastNumber = 0
  private var isStopped = false
  /// Until when no connection is taken, after the system had no more files.
  private var pause: Instant?
  private var now = Instant.now
  private var scratch = [UInt8](repeating: 0, count: 16384)

  /// Connections that are taken before others are looked at again.
  private static let mostAccepted = 64
  /// A client that has taken nothing for so long may be closed in favour of another.
  private static let patience = Duration.seconds(1)

  init(
    listener: Int32, limits: HTTPLimits, mailbox: Mailbox,
    handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse
  ) {
    self.listener = listener
    self.limits = limits
    self.mailbox = mailbox
    self.handler = handler
  }

  func run() {
    while !isStopped {
      let order = Array(connections.values)
      var polled = [
        pollfd(fd: mailbox.reading, events: Int16(POLLIN), revents: 0),
        pollfd(fd: pause == nil ? listener : -1, events: Int16(POLLIN), revents: 0),
      ]
      polled += order.map(\.polled)
      let count = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
      now = .now
      if let pause, pause <= now { self.pause = nil }
      if count > 0 {
        if polled[0].revents != 0 { deliver() }
        for (index, connection) in order.enumerated() {
          let events = polled[index + 2].revents
          if events != 0 { serve(connection, events: Int32(events)) }
        }
        if polled[1].revents != 0 { accept() }
      } else if count < 0, errno != EINTR {
        usleep(10_000)
      }
      expire()
    }
    for connection in connections.values { connection.close() }
    connections = [:]
  }

  /// How long there is nothing to do by itself.
  private var milliseconds: Int32 {
    let next = connections.values.compactMap { $0.deadline(limits) }.min()
    guard let next = [next, pause].compactMap({ $0 }).min() else { return -1 }
    let left = Instant.now.duration(to: next) / Duration.milliseconds(1)
    return Int32(min(max(left.rounded(.up), 0), 60_000))
  }

  private func serve(_ connection: Connection, events: Int32) {
    switch connection.phase {
    case .reading, .lingering:
      do {
        go(on: connection, with: try connection.receive(&scratch, limits, now: now))
      } catch {
        refuse(connection, error)
      }
    case .writing:
      connection.write(now: now)
      proceed(connection)
    case .answering where events & (POLLHUP | POLLERR | POLLNVAL) != 0:
      // The client has gone, and does not wait for its answer.
      connection.close()
    case .answering, .closed: break
    }
    forgetIfClosed(connection)
  }

  /// Has a request answered on the queue.
  private func go(on connection: Connection, with request: HTTPRequest?) {
    guard let request else { return }
    let (number, mailbox, handler) = (connection.number, mailbox, handler)
    answers.async { mailbox.put(.answer(connection: number, handler(request))) }
  }

  /// After an answer, or a part of one, was written: asks for the next part, or takes the next
  /// request where it has come already.
  private func proceed(_ connection: Connection) {
    if connection.phase == .answering, let parts = connection.parts {
      let (number, mailbox) = (connection.number, mailbox)
      answers.async { mailbox.put(.part(connection: number, parts())) }
    } else if connection.phase == .reading {
      do {
        go(on: connection, with: try connection.nextRequest(limits))
      } catch {
        refuse(connection, error)
      }
    }
    forgetIfClosed(connection)
  }

  private func refuse(_ connection: Connection, _ refusal: HTTPRefusal) {
    connection.refuse(refusal, date: HTTPDate.text(time(nil)), now: now)
    forgetIfClosed(connection)
  }

  private func forgetIfClosed(_ connection: Connection) {
    if connection.phase == .closed { connections[connection.number] = nil }
  }

  private func deliver() {
    for item in mailbox.takeAll() {
      switch item {
      case .stop: isStopped = true
      case .answer(let number, let response):
        guard let connection = connections[number] else { continue }
        connection.answer(response, date: HTTPDate.text(time(nil)), now: now)
        proceed(connection)
      case .part(let number, let part):
        guard let connection = connections[number] else { continue }
        connection.add(part, now: now)
        proceed(connection)
      }
    }
  }

  private func accept() {
    for _ in 0..<Self.mostAccepted {
      let socket = sockets_accept(listener)
      guard socket >= 0 else {
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-socket), !makeRoom() {
          pause = now.advanced(by: .milliseconds(100))
        }
        // The connection may have ended before it was taken; others may wait behind it.
        if [ECONNABORTED, EINTR, EPROTO].contains(-socket) { continue }
        return
      }
      lastNumber += 1
      let connection = Connection(number: lastNumber, socket: socket, now: now)
      if connections.count < limits.connections || makeRoom() {
        connections[lastNumber] = connection
      } else {
        let words = "\(limits.connections) others are being answered; try again"
        refuse(connection, HTTPRefusal(.serviceUnavailable, words))
        connection.close()
      }
    }
  }

  /// Closes a connection that needs its place the least: one that has its last answer, the one that
  /// waits for a request, or for the rest of one, for the longest time, the one that takes nothing.
  /// Returns whether there was one.
  private func makeRoom() -> Bool {
    func rank(_ connection: Connection) -> Int? {
      switch connection.phase {
      case .lingering, .closed: 0
      case .reading: 1
      case .writing: connection.lastMove.advanced(by: Self.patience) < now ? 2 : nil
      case .answering: nil
      }
    }
    let candidates = connections.values.compactMap { connection in
      rank(connection).map { (rank: $0, connection: connection) }
    }
    let least = candidates.min {
      ($0.rank, $0.connection.began, $0.connection.number)
        < ($1.rank, $1.connection.began, $1.connection.number)
    }
    guard let least else { return false }
    least.connection.close()
    connections[least.connection.number] = nil
    return true
  }

  private func expire() {
    for connection in connections.values {
      guard let deadline = connection.deadline(limits), deadline <= now else { continue }
      if connection.phase == .reading, !connection.isIdle {
        refuse(
          connection,
          HTTPRefusal(.requestTimeout, "the request did not end in \(limits.headTime)"))
      } else {
        connection.close()
        connections[connection.number] = nil
      }
    }
  }
}
