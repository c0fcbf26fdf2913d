/// What is under way between this rank and those that it meets in one round, and how far it is.
///
/// Buckets pass through a round in the order in which they were added, so that the messages between
/// two ranks have one order whenever each side gets to them.
struct StageQueue: ~Copyable {
  var sends: TransferQueue
  var receives: TransferQueue
  /// How many buckets may enter the round, have had all their transfers started, and are through.
  var arrived = 0
  var started = 0
  var finished = 0
  /// Messages of the bucket that is being started.
  var sendsStarted = 0
  var receivesStarted = 0
  /// Messages of the oldest unfinished bucket that have come and been dealt with.
  var receivesFinished = 0
  /// Chunks of the oldest unfinished bucket that are summed.
  var chunksFinished = 0
  /// Messages received since the beginning, started and finished: they take turns in the buffers.
  var startedTurn = 0
  var finishedTurn = 0

  init(capacity: Int) {
    sends = TransferQueue(capacity: capacity)
    receives = TransferQueue(capacity: capacity)
  }

  mutating func begin() {
    precondition(sends.count == 0, "\(sends.count) sends are under way")
    precondition(receives.count == 0, "\(receives.count) receives are under way")
    arrived = 0
    started = 0
    finished = 0
    sendsStarted = 0
    receivesStarted = 0
    receivesFinished = 0
    chunksFinished = 0
    startedTurn = 0
    finishedTurn = 0
  }
}

/// A reduction or a gathering: the buckets that take part, and the rounds that they pass.
@safe struct Stage: ~Copyable {
  /// The partial sums of a reduction.
  var partialSums: UnsafePointer<UnsafeMutablePointer<Float>>?
  /// The arena of a gathering.
  var arena: UnsafeMutablePointer<Float>?
  /// What of the first buckets takes part; nil for all of it.
  var selected: SelectedElements?
  /// The buckets that were added, in that order.
  let order: UnsafeMutablePointer<Int>
  private(set) var added = 0
  let queues: UnsafeMutablePointer<StageQueue>
  let queueCount: Int
  private let bucketCount: Int
  /// Whether buckets pass the rounds from the last to the first.
  private let isReversed: Bool

  /// - Parameter queues: for each round, the most transfers that it has under way each way.
  init(bucketCount: Int, queues capacities: [Int], isReversed: Bool = false) {
    self.bucketCount = bucketCount
    self.isReversed = isReversed
    unsafe order = .allocate(capacity: max(1, bucketCount))
    unsafe order.initialize(repeating: 0, count: max(1, bucketCount))
    queueCount = capacities.count
    unsafe queues = .allocate(capacity: max(1, queueCount))
    for (index, capacity) in capacities.enumerated() {
      unsafe (queues + index).initialize(to: StageQueue(capacity: capacity))
    }
  }

  deinit {
    unsafe queues.deinitialize(count: queueCount)
    unsafe queues.deallocate()
    unsafe order.deallocate()
  }

  mutating func begin() {
    for queue in 0..<queueCount { unsafe queues[queue].begin() }
    added = 0
    selected = nil
  }

  mutating func add(_ bucket: Int) {
    precondition(bucket < bucketCount, "bucket \(bucket) of \(bucketCount)")
    precondition(added < bucketCount, "more than \(bucketCount) buckets")
    unsafe order[added] = bucket
    added += 1
  }

  /// Buckets that are through.
  var finished: Int {
    unsafe queueCount == 0 ? added : queues[isReversed ? 0 : queueCount - 1].finished
  }

  /// Whether a bucket is not through, or a transfer not finished.
  var isUnderWay: Bool {
    if finished < added { return true }
    for queue in 0..<queueCount {
      if unsafe queues[queue].started < added || queues[queue].sends.count > 0 { return true }
    }
    return false
  }

  mutating func cancelAll(on communicator: any Communicator) {
    for queue in 0..<queueCount {
      unsafe queues[queue].receives.cancelAll(on: communicator)
      unsafe queues[queue].sends.cancelAll(on: communicator)
    }
  }
}
