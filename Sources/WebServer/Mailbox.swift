import CSockets
import Records
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What other threads hand to the loop, and the pipe that wakes it.
final class Mailbox: Sendable {
  enum Item: Sendable {
    case answer(connection: Int, HTTPResponse)
    /// A part of an answer; nil ends it.
    case part(connection: Int, [UInt8]?)
    case stop
  }

  private let items = Mutex<[Item]>([])
  /// Readable when there is something.
  let reading: Int32
  private let writing: Int32

  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let code = unsafe sockets_pipe(&ends)
    if code != 0 { throw SystemError(operation: "make", path: "a pipe", code: -code) }
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  func put(_ item: Item) {
    items.withLock { $0.append(item) }
    // Where the pipe is full, the loop is about to look anyway.
    var byte: UInt8 = 1
    unsafe write(writing, &byte, 1)
  }

  func takeAll() -> [Item] {
    var bytes = [UInt8](repeating: 0, count: 512)
    while unsafe read(reading, &bytes, bytes.count) == bytes.count {}
    return items.withLock { items in
      defer { items = [] }
      return items
    }
  }
}
