/// What the ranks of a job can do together: point-to-point transfers and the few collectives whose
/// result does not depend on an order of summation.
///
/// One object belongs to one rank and is used from one thread. Transfers between two ranks are
/// matched in the order in which each side started them, and both sides name the same size.
/// Every rank calls the collectives in the same order. Buffers stay valid and, if received into,
/// untouched until their transfer is finished.
///
/// Implementations: `SoloCommunicator` (one process), `ThreadCommunicator` (ranks on threads of one
/// process) and `MPICommunicator`. `SelfTest` holds all to one behaviour.
package protocol Communicator: AnyObject {
  /// This rank, from 0.
  var rank: Int { get }
  /// The number of ranks.
  var worldSize: Int { get }
  /// The name of the machine that this rank runs on; for people, as several may have one name.
  var hostName: String { get }
  /// What the ranks of this machine have in common, and no others.
  var hostNumber: Int { get }
  /// How many ranks of the job share this machine, this one included.
  var ranksOnHost: Int { get }
  /// Whether another thread than the one that made it may use it, one at a time.
  var canChangeThreads: Bool { get }

  /// Starts sending `bytes` to a rank; sending to oneself is allowed.
  func startSend(_ bytes: UnsafeRawBufferPointer, to peer: Int) throws(CollectiveError) -> Transfer

  /// Starts receiving from a rank exactly as many bytes as `bytes` holds.
  func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) throws(CollectiveError) -> Transfer

  /// Whether `wait` would return at once; also lets transfers progress.
  func isFinished(_ transfer: borrowing Transfer) throws(CollectiveError) -> Bool

  /// Returns when the transfer is done and its buffer may be used again.
  func wait(_ transfer: consuming Transfer) throws(CollectiveError)

  /// Gives up a transfer after an error, so that its buffer may be freed on the way out.
  func cancel(_ transfer: consuming Transfer)

  /// Returns once every rank has called it.
  func barrier() throws(CollectiveError)

  /// Gives every rank the bytes of `root`; all name the same size.
  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) throws(CollectiveError)

  /// Gives every rank the bytes of all ranks, in rank order.
  ///
  /// Preconditions: `mine` has the same size on all ranks, `all` holds worldSize times as much, and
  /// the two do not overlap.
  func allGather(
    _ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer
  ) throws(CollectiveError)

  /// Leaves the job in good order: called once, as the last thing, by every rank.
  func finalize() throws(CollectiveError)

  /// Ends all ranks of the job at once with `status`.
  func abort(status: Int32) -> Never
}

extension Communicator {
  package var canChangeThreads: Bool { true }

  package func finalize() throws(CollectiveError) {}

  package func send(_ bytes: UnsafeRawBufferPointer, to peer: Int) throws(CollectiveError) {
    try unsafe wait(startSend(bytes, to: peer))
  }

  package func receive(
    _ bytes: UnsafeMutableRawBufferPointer, from peer: Int
  ) throws(CollectiveError) {
    try unsafe wait(startReceive(bytes, from: peer))
  }

  /// Sends to one rank while receiving from another (or the same), both at once. Does not allocate.
  package func exchange(
    send: UnsafeRawBufferPointer, to receiver: Int,
    receive: UnsafeMutableRawBufferPointer, from sender: Int
  ) throws(CollectiveError) {
    let incoming = try unsafe startReceive(receive, from: sender)
    let outgoing: Transfer
    do throws(CollectiveError) {
      outgoing = try unsafe startSend(send, to: receiver)
    } catch {
      cancel(incoming)
      throw error
    }
    do throws(CollectiveError) {
      try wait(incoming)
    } catch {
      cancel(outgoing)
      throw error
    }
    try wait(outgoing)
  }

  package func barrier() throws(CollectiveError) { try disseminationBarrier() }

  package func broadcast(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int
  ) throws(CollectiveError) {
    try unsafe binomialBroadcast(bytes, from: root)
  }

  package func allGather(
    _ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer
  ) throws(CollectiveError) {
    try unsafe ringAllGather(mine, into: all)
  }

  /// What every rank brings, by rank; as many values on all of them. It allocates, so that
  /// no step calls it.
  package func allGather<Value: BitwiseCopyable>(
    _ mine: [Value]
  ) throws(CollectiveError) -> [[Value]] {
    // The rank's own values, then room for those of all.
    let values = UnsafeMutableBufferPointer<Value>.allocate(capacity: mine.count * (1 + worldSize))
    defer { unsafe values.deallocate() }
    for place in values.indices {
      unsafe values.initializeElement(at: place, to: mine[place % mine.count])
    }
    let own = unsafe UnsafeMutableBufferPointer(rebasing: values[..<mine.count])
    let all = unsafe UnsafeMutableBufferPointer(rebasing: values[mine.count...])
    try unsafe allGather(UnsafeRawBufferPointer(own), into: UnsafeMutableRawBufferPointer(all))
    return (0..<worldSize).map { unsafe Array(all[$0 * mine.count..<($0 + 1) * mine.count]) }
  }

  /// Throws unless `peer` is a rank of this job.
  package func checkPeer(
    _ peer: Int, _ operation: @autoclosure () -> String
  ) throws(CollectiveError) {
    if peer >= 0 && peer < worldSize { return }
    throw CollectiveError(
      operation: operation(), rank: rank, peer: peer,
      reason: "there is no rank \(peer); ranks are 0 to \(worldSize - 1)")
  }
}

/// A transfer or collective that could not be done: what was tried, by whom, and why it failed.
///
/// After one is thrown the ranks no longer agree on what comes next: a rank that catches it reports
/// it and ends the job.
package struct CollectiveError: Error, Sendable, CustomStringConvertible {
  /// What was being done, as a noun with its size: "receive of 4096 bytes".
  package let operation: String
  /// The rank that noticed; -1 where ranks do not exist yet.
  package let rank: Int
  /// The other rank, where there is one.
  package let peer: Int?
  /// Why it failed, with expected and found values.
  package let reason: String
  /// How to mend it, where that is known.
  package let hint: String?

  package init(
    operation: String, rank: Int, peer: Int? = nil, reason: String, hint: String? = nil
  ) {
    self.operation = operation
    self.rank = rank
    self.peer = peer
    self.reason = reason
    self.hint = hint
  }

  package var description: String {
    var text = rank < 0 ? operation : "rank \(rank): \(operation)"
    if let peer { text += " with rank \(peer)" }
    text += " failed: \(reason)"
    if let hint { text += "; \(hint)" }
    return text
  }
}
