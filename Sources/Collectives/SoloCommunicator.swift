#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A world of one rank: every collective is trivially done, and the only peer is oneself.
package final class SoloCommunicator: Communicator {
  package let rank = 0
  package let worldSize = 1
  package let hostName = systemHostName()
  package let hostNumber = 0
  package let ranksOnHost = 1

  private let matcher = TransferMatcher(ranks: 1)

  package init() {}

  package func startSend(
    _ bytes: UnsafeRawBufferPointer, to peer: Int
  ) throws(CollectiveError) -> Transfer {
    try checkPeer(peer, "send of \(bytes.count) bytes")
    return unsafe Transfer(slot: matcher.postSend(bytes, by: 0, to: 0))
  }

  package func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) throws(CollectiveError) -> Transfer {
    try checkPeer(peer, "receive of \(bytes.count) bytes")
    return unsafe Transfer(slot: matcher.postReceive(bytes, by: 0, from: 0))
  }

  package func isFinished(_ transfer: borrowing Transfer) throws(CollectiveError) -> Bool {
    matcher.outcome(of: transfer.slot, by: 0) != .pending
  }

  package func wait(_ transfer: consuming Transfer) throws(CollectiveError) {
    let slot = transfer.release()
    let transfer = matcher.describe(slot, by: 0)
    switch matcher.close(slot, by: 0) {
    case .done: return
    case .refused(let reason):
      throw CollectiveError(operation: transfer, rank: 0, peer: 0, reason: reason)
    case .pending:
      throw CollectiveError(
        operation: transfer, rank: 0, peer: 0,
        reason: "its other half was never started, so it would wait for ever")
    }
  }

  package func cancel(_ transfer: consuming Transfer) {
    matcher.close(transfer.release(), by: 0)
  }

  package func abort(status: Int32) -> Never { exit(status) }
}
