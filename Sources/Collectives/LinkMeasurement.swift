/// What messages between the ranks of a job cost, measured with all ranks sending at once: of every
/// number that of the slowest rank, so that all ranks hold the same.
package struct LinkMeasurement: Sendable, Equatable {
  /// Seconds from the start of a small exchange to its end.
  package let latency: Double
  /// Bytes that go each way in a second of a long exchange.
  package let bandwidth: Double

  /// Takes some milliseconds on a local network. Every rank calls it.
  package init(_ communicator: any Communicator) throws(CollectiveError) {
    let small = try Self.median(of: 15, byteCount: 8, communicator)
    let large = try Self.median(of: 3, byteCount: Self.longBytes, communicator)
    let all = try communicator.allGather([small, large])
    latency = max(1e-7, all.map { $0[0] }.max() ?? 0)
    let longest = max(1e-7, all.map { $0[1] }.max() ?? 0)
    bandwidth = Double(Self.longBytes) / max(1e-7, longest - latency)
  }

  private static let longBytes = 1 << 20

  /// The bytes that a bucket should have: so many that the time of its messages on the way hardly
  /// counts beside the time of their bytes, and few enough that the last bucket of a step, behind
  /// which nothing hides, is short.
  package var bucketBytes: Int {
    let wanted = Int(min(16 * latency * bandwidth, 1e9))
    return min(max(wanted, 128 << 10), 4 << 20) & ~(16 << 10 - 1)
  }

  /// Seconds of an exchange around the ring.
  private static func median(
    of count: Int, byteCount: Int, _ communicator: any Communicator
  ) throws(CollectiveError) -> Double {
    let world = communicator.worldSize
    let outgoing = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    let incoming = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer {
      unsafe outgoing.deallocate()
      unsafe incoming.deallocate()
    }
    unsafe outgoing.initializeMemory(as: UInt8.self, repeating: 1)
    unsafe incoming.initializeMemory(as: UInt8.self, repeating: 0)
    var seconds: [Double] = []
    // The first one opens connections.
    for round in 0...count {
      try communicator.barrier()
      let started = ContinuousClock.now
      try unsafe communicator.exchange(
        send: UnsafeRawBufferPointer(outgoing), to: (communicator.rank + 1) % world,
        receive: incoming, from: (communicator.rank + world - 1) % world)
      if round > 0 { seconds.append((ContinuousClock.now - started) / .seconds(1)) }
    }
    return seconds.sorted()[count / 2]
  }
}
