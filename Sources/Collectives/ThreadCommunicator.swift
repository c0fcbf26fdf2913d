#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One rank of a job whose ranks are threads of one process; for tests of everything that is
/// distributed. `ThreadWorld.run` makes the world and its ranks.
package final class ThreadCommunicator: Communicator {
  package let rank: Int
  package let hostName = systemHostName()
  package let hostNumber = 0
  private let world: ThreadWorld

  package init(world: ThreadWorld, rank: Int) {
    precondition(rank >= 0, "rank \(rank) < 0")
    precondition(rank < world.size, "rank \(rank) of \(world.size)")
    self.world = world
    self.rank = rank
  }

  package var worldSize: Int { world.size }
  package var ranksOnHost: Int { world.size }

  /// The bytes that this rank has sent so far.
  package var bytesSent: Int { world.bytesSent(by: rank) }

  package func startSend(
    _ bytes: UnsafeRawBufferPointer, to peer: Int
  ) throws(CollectiveError) -> Transfer {
    try checkPeer(peer, "send of \(bytes.count) bytes")
    return unsafe Transfer(slot: try world.startSend(bytes, by: rank, to: peer))
  }

  package func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) throws(CollectiveError) -> Transfer {
    try checkPeer(peer, "receive of \(bytes.count) bytes")
    return unsafe Transfer(slot: try world.startReceive(bytes, by: rank, from: peer))
  }

  package func isFinished(_ transfer: borrowing Transfer) throws(CollectiveError) -> Bool {
    world.isFinished(transfer.slot, by: rank)
  }

  package func wait(_ transfer: consuming Transfer) throws(CollectiveError) {
    try world.wait(transfer.release(), by: rank)
  }

  package func cancel(_ transfer: consuming Transfer) {
    world.cancel(transfer.release(), by: rank)
  }

  package func abort(status: Int32) -> Never { exit(status) }
}
