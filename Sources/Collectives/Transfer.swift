/// A started send or receive. It must be finished by `Communicator.wait` (or, after an error, by
/// `cancel`): dropping one traps, because its buffer would still be read or written.
package struct Transfer: ~Copyable {
  /// Where the communicator that started it keeps it.
  package let slot: Int

  package init(slot: Int) { self.slot = slot }

  // Slots are never negative: whatever gets here has not been released.
  deinit { precondition(slot < 0, "transfer \(slot) was started but never finished") }

  /// Ends the obligation; for communicators, which then finish the transfer themselves.
  package consuming func release() -> Int {
    let slot = slot
    discard self
    return slot
  }
}

/// Started transfers that are finished in the order in which they were started. Holds a fixed
/// number; does not allocate after `init`.
@safe package struct TransferQueue: ~Copyable {
  private let storage: UnsafeMutablePointer<Transfer>
  private let capacity: Int
  private var head = 0
  package private(set) var count = 0

  package init(capacity: Int) {
    self.capacity = max(1, capacity)
    unsafe storage = .allocate(capacity: self.capacity)
  }

  deinit {
    precondition(count == 0, "\(count) transfers were started but never finished")
    unsafe storage.deallocate()
  }

  package mutating func append(_ transfer: consuming Transfer) {
    precondition(count < capacity, "more than \(capacity) transfers at a time")
    unsafe (storage + (head + count) % capacity).initialize(to: transfer)
    count += 1
  }

  private mutating func takeOldest() -> Transfer {
    let oldest = unsafe storage + head
    head = (head + 1) % capacity
    count -= 1
    return unsafe oldest.move()
  }

  func oldestIsFinished(on communicator: any Communicator) throws(CollectiveError) -> Bool {
    try unsafe communicator.isFinished(storage[head])
  }

  mutating func finishOldest(on communicator: any Communicator) throws(CollectiveError) {
    try communicator.wait(takeOldest())
  }

  /// Finishes the oldest one if that needs no waiting; returns whether it did.
  mutating func finishOldestIfReady(
    on communicator: any Communicator
  ) throws(CollectiveError) -> Bool {
    guard try oldestIsFinished(on: communicator) else { return false }
    try communicator.wait(takeOldest())
    return true
  }

  /// Finishes, without waiting, the oldest ones as far as they are done; returns whether there were
  /// any.
  @discardableResult
  package mutating func finishReady(
    on communicator: any Communicator
  ) throws(CollectiveError) -> Bool {
    var isMoved = false
    while count > 0, try finishOldestIfReady(on: communicator) { isMoved = true }
    return isMoved
  }

  package mutating func finishAll(on communicator: any Communicator) throws(CollectiveError) {
    while count > 0 { try communicator.wait(takeOldest()) }
  }

  package mutating func cancelAll(on communicator: any Communicator) {
    while count > 0 { communicator.cancel(takeOldest()) }
  }
}
