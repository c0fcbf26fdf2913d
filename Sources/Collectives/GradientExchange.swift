package import Kernels

/// Sums gradients over ranks by the canonical tree, and shares what each rank made of its part.
///
/// Every element has one owner. The reduction leaves each element's canonical sum with its owner;
/// the gathering gives every rank the elements of all owners. The result does not depend on the
/// number of ranks, bit for bit.
///
/// With a power of two of ranks that bring one node each, the exchange halves vectors and doubles
/// distances, so that a rank sends (P − 1) / P of the elements each way, the least possible.
/// Otherwise every rank sends its nodes of a part straight to the part's owner.
///
/// Either goes on in the background, bucket by bucket: `beginReduction`, `addToReduction` for every
/// bucket whose gradients are done, `advance` from time to time, and `finishReduction`. All ranks
/// add the buckets in the same order, each at its own time. Of reduction and gathering one is under
/// way at a time, and the communicator serves nobody else meanwhile, but for transfers started
/// before.
///
/// All buffers are allocated by `init`. After an error the exchange must not be used again.
package final class GradientExchange {
  package let ownership: Ownership
  /// The number of partial sums that this rank brings.
  package let nodeCount: Int

  let communicator: any Communicator
  let kernels: Kernels
  /// What rounds the gradients on their way; nil for none.
  let compression: GradientCompression?
  let rank: Int
  let schedule: Schedule
  let chunks: AlignedBuffer
  var reduction: Stage
  var gathering: Stage
  /// The bytes that this rank has sent so far.
  package private(set) var sentBytes = 0

  /// How the ranks meet.
  enum Schedule {
    case alone
    case halving(HalvingSchedule)
    case direct(DirectSchedule)
  }

  /// Preconditions: `plan.ranks` is the communicator's world size; `buckets` follow each other from
  /// 0 to `elementCount`, with bounds at multiples of 4,096.
  ///
  /// - Parameters:
  ///   - buckets: what is exchanged as a whole; nil for one bucket of all.
  ///   - chunkElements: the most elements in one message of a reduction, so that adding a chunk
  ///     goes on while the next is under way; the same on all ranks. Nil chooses by where they are.
  ///   - compression: rounds gradients, which then have to be packed by it before they are added.
  ///     Every rank sends its groups straight to the owners: a sum of rounded ones would not fit.
  package init(
    communicator: any Communicator, kernels: Kernels, elementCount: Int, plan: ShardPlan,
    buckets: [Range<Int>]? = nil, chunkElements: Int? = nil,
    compression: GradientCompression? = nil
  ) {
    let rank = communicator.rank
    let world = communicator.worldSize
    precondition(plan.ranks == world, "a plan of \(plan.ranks) ranks for \(world)")
    precondition(elementCount >= 0, "elementCount \(elementCount) < 0")
    let buckets = buckets ?? [0..<elementCount]
    let chunkElements =
      chunkElements
      ?? Self.chunkElements(
        longest: buckets.map(\.count).max() ?? 0, isOneHost: communicator.ranksOnHost == world)
    precondition(chunkElements > 0, "chunkElements \(chunkElements) < 1")
    self.communicator = communicator
    self.kernels = kernels
    self.rank = rank
    let nodes = (0..<world).map {
      plan.nodes(of: plan.shards(ofRank: $0))
    }
    self.compression = compression
    nodeCount = nodes[rank].count
    let isHalving =
      world > 1 && compression == nil && HalvingSchedule.fits(nodes: nodes, shards: plan.shards)
    ownership = Ownership(
      elementCount: elementCount, buckets: buckets,
      partNumbers: (0..<world).map {
        isHalving ? HalvingSchedule.partNumber(ofRank: $0, of: world) : $0
      })
    if world == 1 {
      schedule = .alone
      chunks = AlignedBuffer(count: 0)
      reduction = Stage(bucketCount: buckets.count, queues: [])
      gathering = Stage(bucketCount: buckets.count, queues: [])
    } else if isHalving {
      let halving = HalvingSchedule(
        rank: rank, ranks: world, buckets: buckets, chunkElements: chunkElements)
      schedule = .halving(halving)
      chunks = AlignedBuffer(count: halving.bufferElements)
      let rounds = halving.peers.count
      reduction = Stage(
        bucketCount: buckets.count, queues: Array(repeating: halving.depth, count: rounds))
      gathering = Stage(
        bucketCount: buckets.count, queues: Array(repeating: buckets.count, count: rounds),
        isReversed: true)
    } else {
      let direct = DirectSchedule(
        rank: rank, nodes: nodes, shards: plan.shards, ownership: ownership,
        chunkElements: chunkElements)
      schedule = .direct(direct)
      chunks = AlignedBuffer(count: direct.bufferElements)
      reduction = Stage(
        bucketCount: buckets.count, queues: [max(direct.sendsInFlight, direct.receivesInFlight)])
      gathering = Stage(
        bucketCount: buckets.count, queues: [(world - 1) * buckets.count])
    }
  }

  /// How long messages are, for buckets of at most `longest` elements. A cable is the busier the
  /// sooner the first chunk of a round is there. Within a host a message costs more by being one
  /// than by its length, until chunks no longer stay in a core's cache from copy to sum.
  private static func chunkElements(longest: Int, isOneHost: Bool) -> Int {
    if !isOneHost { return 1 << 16 }
    return longest > 1 << 20 ? 1 << 17 : 1 << 19
  }

  /// Transfers that an error elsewhere left under way must not outlive their buffers.
  deinit {
    reduction.cancelAll(on: communicator)
    gathering.cancelAll(on: communicator)
  }

  package var elementCount: Int { ownership.elementCount }

  /// Whether there is anybody to exchange with.
  package var isAlone: Bool { if case .alone = schedule { true } else { false } }

  // MARK: - Whole exchanges

  /// Sums over all shards: afterwards `partialSums[0]` holds the canonical sums of the owned
  /// elements. The rest of the arenas is used up.
  ///
  /// - Parameter partialSums: this rank's maximal canonical nodes over its shards, in leaf order;
  ///   arenas of `elementCount` floats.
  /// - Complexity: does not allocate, but for what the communicator does.
  package func reduceScatter(
    partialSums: UnsafePointer<UnsafeMutablePointer<Float>>
  ) throws(CollectiveError) {
    unsafe beginReduction(partialSums: partialSums)
    for bucket in ownership.buckets.indices { try addToReduction(bucket) }
    try finishReduction()
  }

  /// Gives every rank all elements: each brings those that it owns.
  package func allGather(_ arena: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    unsafe beginGathering(arena)
    for bucket in ownership.buckets.indices { try addToGathering(bucket) }
    try finishGathering()
  }

  // MARK: - Bucket by bucket

  /// Begins to sum over all shards, as `reduceScatter`; `partialSums` must stay valid until it
  /// is finished.
  package func beginReduction(partialSums: UnsafePointer<UnsafeMutablePointer<Float>>) {
    precondition(!gathering.isUnderWay, "a gathering is under way")
    reduction.begin()
    unsafe reduction.partialSums = unsafe partialSums
    reduction.selected = compression?.selected
  }

  /// Has only some elements of the first buckets take part in the reduction under way, to which
  /// none of these buckets was added yet. Their sums stay where the elements lie.
  package func selectForReduction(_ selected: SelectedElements) {
    check(selected)
    reduction.selected = selected
  }

  /// Says that a bucket's gradients are complete in the arenas, which nobody may touch from now on.
  package func addToReduction(_ bucket: Int) throws(CollectiveError) {
    reduction.add(bucket)
    _ = try advance()
  }

  /// Waits until all buckets that were added are summed, and nobody reads their arenas any more.
  package func finishReduction() throws(CollectiveError) {
    while !isAlone, reduction.isUnderWay { try advanceOrYield() }
  }

  /// Begins to give every rank the elements of all owners; `arena` must stay valid until it is
  /// finished.
  package func beginGathering(_ arena: UnsafeMutablePointer<Float>) {
    precondition(!reduction.isUnderWay, "a reduction is under way")
    gathering.begin()
    unsafe gathering.arena = unsafe arena
  }

  /// As `selectForReduction`, for the gathering under way. The elements arrive where they lie for
  /// it.
  package func selectForGathering(_ selected: SelectedElements) {
    check(selected)
    gathering.selected = selected
  }

  private func check(_ selected: SelectedElements) {
    let buckets = ownership.buckets
    precondition(
      selected.bucketCount <= buckets.count, "\(selected.bucketCount) of \(buckets.count) buckets")
    let end = selected.bucketCount == 0 ? 0 : buckets[selected.bucketCount - 1].upperBound
    precondition(
      end.isMultiple(of: canonicalBlock) || end == elementCount, "selected buckets end at \(end)")
  }

  /// Says that the owned elements of a bucket have their values, which nobody may change from now
  /// on.
  package func addToGathering(_ bucket: Int) throws(CollectiveError) {
    gathering.add(bucket)
    _ = try advance()
  }

  /// Waits until the first `count` of the buckets that were added are whole.
  package func finishGathering(first count: Int) throws(CollectiveError) {
    precondition(count <= gathering.added, "\(count) of \(gathering.added) buckets")
    while !isAlone, gathering.finished < count { try advanceOrYield() }
  }

  /// Waits until all buckets that were added are whole, and nobody reads this rank's any more.
  package func finishGathering() throws(CollectiveError) {
    while !isAlone, gathering.isUnderWay { try advanceOrYield() }
  }

  /// Whether transfers are, or will be, under way.
  package var isUnderWay: Bool {
    !isAlone && (reduction.isUnderWay || gathering.isUnderWay)
  }

  /// Goes on as far as it can without waiting; returns whether that was anywhere. Does not
  /// allocate, but for what the communicator does.
  package func advance() throws(CollectiveError) -> Bool {
    do throws(CollectiveError) {
      switch schedule {
      case .alone: return false
      case .halving(let halving):
        if reduction.isUnderWay { return try advanceReduction(halving) }
        return gathering.isUnderWay ? try advanceGathering(halving) : false
      case .direct(let direct):
        if reduction.isUnderWay { return try advanceReduction(direct) }
        return gathering.isUnderWay ? try advanceGathering(direct) : false
      }
    } catch {
      reduction.cancelAll(on: communicator)
      gathering.cancelAll(on: communicator)
      throw error
    }
  }

  private func advanceOrYield() throws(CollectiveError) {
    if try !advance() { yieldProcessor() }
  }

  /// Starts sending `range` of `arena` to `peer`; nothing for an empty range.
  func startSend(
    _ arena: UnsafeMutablePointer<Float>, _ range: Range<Int>, to peer: Int,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) {
    guard !range.isEmpty else { return }
    let floats = unsafe UnsafeBufferPointer(start: arena + range.lowerBound, count: range.count)
    sentBytes += range.count * MemoryLayout<Float>.stride
    unsafe queue.pointee.sends.append(
      try communicator.startSend(UnsafeRawBufferPointer(floats), to: peer))
  }

  /// Starts receiving `range` of `arena` from `peer`; nothing for an empty range.
  func startReceive(
    _ arena: UnsafeMutablePointer<Float>, _ range: Range<Int>, from peer: Int,
    _ queue: UnsafeMutablePointer<StageQueue>
  ) throws(CollectiveError) {
    guard !range.isEmpty else { return }
    let floats = unsafe UnsafeMutableBufferPointer(
      start: arena + range.lowerBound, count: range.count)
    unsafe queue.pointee.receives.append(
      try communicator.startReceive(UnsafeMutableRawBufferPointer(floats), from: peer))
  }
}
