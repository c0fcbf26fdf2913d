import Debugging
import Foundation
package import Kernels
import Records
import Runs

extension TransferCosts {
  /// Measures what this machine takes for a byte; some tenths of a second.
  package static func measured(kernels: Kernels) -> TransferCosts {
    var costs = TransferCosts()
    if let seconds = loopbackSecondsPerByte() { costs.tcpSecondsPerByte = seconds }
    // Read, read and write once more: a copy to the other rank, and adding it there.
    let gigabytes = kernels.measureBandwidth()
    if gigabytes > 0 { costs.memorySecondsPerByte = 3 / (gigabytes * 1e9) }
    return costs
  }

  /// One thread sends to itself over TCP, so that all of it is work of one core.
  private static func loopbackSecondsPerByte() -> Double? {
    guard let (sender, receiver) = connection() else { return nil }
    defer {
      close(sender)
      close(receiver)
    }
    let length = 32 << 10
    var bytes = [UInt8](repeating: 1, count: length)
    var times: [Double] = []
    for _ in 0..<400 {
      let started = ContinuousClock.now
      guard unsafe send(sender, bytes, length, 0) == length else { return nil }
      var received = 0
      while received < length {
        let count = unsafe recv(receiver, &bytes, length - received, 0)
        if count <= 0 { return nil }
        received += count
      }
      times.append((ContinuousClock.now - started).seconds)
    }
    return times.sorted()[times.count / 2] / Double(length)
  }

  private static func connection() -> (sender: Int32, receiver: Int32)? {
    #if os(Linux)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    let listener = socket(AF_INET, stream, 0)
    guard listener >= 0 else { return nil }
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    func withAddress(_ body: (UnsafeMutablePointer<sockaddr>) -> Int32) -> Int32 {
      unsafe withUnsafeMutablePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
      }
    }
    guard unsafe withAddress({ unsafe bind(listener, $0, size) }) == 0, listen(listener, 1) == 0,
      unsafe withAddress({ unsafe getsockname(listener, $0, &size) }) == 0
    else { return nil }
    let sender = socket(AF_INET, stream, 0)
    guard sender >= 0 else { return nil }
    let receiver =
      unsafe withAddress { unsafe connect(sender, $0, size) } == 0 ? accept(listener, nil, nil) : -1
    if receiver < 0 {
      close(sender)
      return nil
    }
    // A whole message fits, so that sending it does not wait for the receiver.
    var room: Int32 = 1 << 20
    unsafe setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    unsafe setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    return (sender, receiver)
  }
}
