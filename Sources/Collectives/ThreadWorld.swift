import Kernels
import NumericContract

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The state that the ranks of one in-process job share. Everything in it is behind one lock.
package final class ThreadWorld: @unchecked Sendable {
  /// Trouble to make on purpose, so that what happens then can be tested.
  package struct Faults: Sendable {
    /// The rank and the number (from 0) of its transfer that fails.
    package var failingTransfer: (rank: Int, number: Int)?
    /// Every transfer first sleeps a pseudo-random time up to this, in microseconds.
    package var longestDelay: UInt32
    package var seed: UInt64

    package init(
      failingTransfer: (rank: Int, number: Int)? = nil, longestDelay: UInt32 = 0, seed: UInt64 = 1
    ) {
      self.failingTransfer = failingTransfer
      self.longestDelay = longestDelay
      self.seed = seed
    }
  }

  package let size: Int
  private let faults: Faults
  private let monitor = Monitor()
  private let matcher: TransferMatcher
  /// Why each rank has left before its end, if it has.
  private var failures: [String?]
  private var transferCounts: [Int]
  private var sentBytes: [Int]

  package init(size: Int, faults: Faults = Faults()) {
    precondition(size > 0, "size \(size) < 1")
    self.size = size
    self.faults = faults
    matcher = TransferMatcher(ranks: size)
    failures = Array(repeating: nil, count: size)
    transferCounts = Array(repeating: 0, count: size)
    sentBytes = Array(repeating: 0, count: size)
  }

  /// Runs `body` once for every rank, each on a thread of its own, and returns their results.
  ///
  /// A rank that throws leaves the job: what the others want of it from then on fails, and what
  /// they do among themselves goes on, since an error that all ranks find is found by one first.
  ///
  /// - Throws: the error of the rank that failed first.
  package static func run<Result>(
    ranks: Int, faults: Faults = Faults(),
    _ body: @escaping (ThreadCommunicator) throws -> Result
  ) throws -> [Result] {
    let world = ThreadWorld(size: ranks, faults: faults)
    var results: [Result?] = Array(repeating: nil, count: ranks)
    var firstError: (any Error)?
    var threads: [SystemThread] = []
    for rank in 0..<ranks {
      let thread = SystemThread {
        do {
          let result = try body(ThreadCommunicator(world: world, rank: rank))
          world.monitor.locked { results[rank] = result }
        } catch {
          world.monitor.locked { if firstError == nil { firstError = error } }
          world.leave(rank, because: "rank \(rank) has failed: \(error)")
        }
      }
      if let thread {
        threads.append(thread)
      } else {
        for missing in rank..<ranks { world.leave(missing, because: "no thread for rank \(rank)") }
        firstError = CollectiveError(
          operation: "start of a rank", rank: rank, reason: "the system has no thread to give")
        break
      }
    }
    for thread in threads { thread.join() }
    if let firstError { throw firstError }
    return results.compactMap { $0 }
  }

  /// Makes every waiting and later transfer with `rank` fail with `reason`.
  func leave(_ rank: Int, because reason: String) {
    monitor.locked {
      failures[rank] = reason
      monitor.wakeAll()
    }
  }

  /// The bytes that `rank` has sent so far.
  func bytesSent(by rank: Int) -> Int { monitor.locked { sentBytes[rank] } }

  func startSend(
    _ bytes: UnsafeRawBufferPointer, by rank: Int, to peer: Int
  ) throws(CollectiveError) -> Int {
    delay(rank)
    return try monitor.locked { () throws(CollectiveError) -> Int in
      try admit("send of \(bytes.count) bytes", rank, peer)
      sentBytes[rank] += bytes.count
      let slot = unsafe matcher.postSend(bytes, by: rank, to: peer)
      if matcher.outcome(of: slot, by: rank) != .pending { monitor.wakeAll() }
      return slot
    }
  }

  func startReceive(
    _ bytes: UnsafeMutableRawBufferPointer, by rank: Int, from peer: Int
  ) throws(CollectiveError) -> Int {
    delay(rank)
    return try monitor.locked { () throws(CollectiveError) -> Int in
      try admit("receive of \(bytes.count) bytes", rank, peer)
      let slot = unsafe matcher.postReceive(bytes, by: rank, from: peer)
      if matcher.outcome(of: slot, by: rank) != .pending { monitor.wakeAll() }
      return slot
    }
  }

  func isFinished(_ slot: Int, by rank: Int) -> Bool {
    monitor.locked { isDecided(slot, by: rank) }
  }

  func wait(_ slot: Int, by rank: Int) throws(CollectiveError) {
    try monitor.locked { () throws(CollectiveError) in
      while !isDecided(slot, by: rank) { monitor.wait() }
      let outcome = matcher.close(slot, by: rank)
      if outcome == .done { return }
      // What was closed can still be described until another transfer takes its place.
      let peer = matcher.peer(of: slot, by: rank)
      var reason = failures[peer] ?? "rank \(peer) has left"
      if case .refused(let refusal) = outcome { reason = refusal }
      throw CollectiveError(
        operation: matcher.describe(slot, by: rank), rank: rank, peer: peer, reason: reason)
    }
  }

  func cancel(_ slot: Int, by rank: Int) {
    _ = monitor.locked { matcher.close(slot, by: rank) }
  }

  /// Whether the transfer is over, or never will be since its peer has left. The lock is held.
  private func isDecided(_ slot: Int, by rank: Int) -> Bool {
    matcher.outcome(of: slot, by: rank) != .pending
      || failures[matcher.peer(of: slot, by: rank)] != nil
  }

  /// Counts a transfer and throws if it is not to be. The lock is held.
  private func admit(
    _ operation: @autoclosure () -> String, _ rank: Int, _ peer: Int
  ) throws(CollectiveError) {
    let number = transferCounts[rank]
    transferCounts[rank] += 1
    if let failure = failures[peer] {
      throw CollectiveError(operation: operation(), rank: rank, peer: peer, reason: failure)
    }
    if let failing = faults.failingTransfer, failing.rank == rank, failing.number == number {
      throw CollectiveError(
        operation: operation(), rank: rank, peer: peer,
        reason: "transfer \(number) was asked to fail")
    }
  }

  private func delay(_ rank: Int) {
    guard faults.longestDelay > 0 else { return }
    let number = monitor.locked { transferCounts[rank] }
    let mixed = Philox.mix(faults.seed &+ UInt64(rank) << 32 &+ UInt64(number))
    usleep(UInt32(mixed % UInt64(faults.longestDelay + 1)))
  }
}
