package import Kernels

/// Sums gradients over ranks by the canonical tree, and shares what each rank made of its part.
///
/// Every element has one owner. `reduceScatter` leaves each element's canonical sum with its owner;
/// `allGather` gives every rank the elements of all owners. The result does not depend on the
/// number of ranks, bit for bit.
///
/// With a power of two of ranks that bring one node each, the exchange halves vectors and doubles
/// distances, so that a rank sends (P − 1) / P of the elements each way, the least possible.
/// Otherwise every rank sends its nodes of a part straight to the part's owner.
///
/// All buffers are allocated by `init`. After an error the exchange must not be used again.
package final class GradientExchange {
  /// The elements that each rank owns, by rank. Bounds are multiples of 4,096 or `elementCount`;
  /// a rank may own none.
  package let ranges: [Range<Int>]
  package let elementCount: Int
  /// The number of node arenas that this rank brings.
  package let nodeCount: Int

  let communicator: any Communicator
  let kernels: Kernels
  let rank: Int
  let schedule: Schedule
  var sends: TransferQueue
  var receives: TransferQueue
  let pieces: AlignedBuffer

  /// How the ranks meet.
  enum Schedule {
    case alone
    case halving(HalvingSchedule)
    case direct(DirectSchedule)
  }

  /// Preconditions: `plan.ranks` is the communicator's world size.
  ///
  /// - Parameter pieceElements: the most elements in one message of `reduceScatter`, so that adding
  ///   a piece goes on while the next is under way; the same on all ranks.
  package init(
    communicator: any Communicator, kernels: Kernels, elementCount: Int, plan: ShardPlan,
    pieceElements: Int = 1 << 16
  ) {
    let rank = communicator.rank
    let world = communicator.worldSize
    precondition(plan.ranks == world, "a plan of \(plan.ranks) ranks for \(world)")
    precondition(elementCount >= 0, "elementCount \(elementCount) < 0")
    precondition(pieceElements > 0, "pieceElements \(pieceElements) < 1")
    self.communicator = communicator
    self.kernels = kernels
    self.elementCount = elementCount
    self.rank = rank
    let nodes = (0..<world).map {
      CanonicalTree.maximalNodes(of: plan.shards(ofRank: $0), in: plan.shards)
    }
    nodeCount = nodes[rank].count
    let bufferElements: Int
    if world == 1 {
      schedule = .alone
      ranges = [0..<elementCount]
      bufferElements = 0
      sends = TransferQueue(capacity: 1)
      receives = TransferQueue(capacity: 1)
    } else if HalvingSchedule.fits(nodes: nodes, shards: plan.shards) {
      let halving = HalvingSchedule(
        rank: rank, ranks: world, elementCount: elementCount, pieceElements: pieceElements)
      schedule = .halving(halving)
      ranges = (0..<world).map {
        HalvingSchedule.owned(by: $0, ranks: world, elementCount: elementCount)
      }
      bufferElements = halving.bufferElements
      sends = TransferQueue(capacity: halving.depth)
      receives = TransferQueue(capacity: halving.depth)
    } else {
      ranges = (0..<world).map { BlockCut.part($0, of: world, elementCount: elementCount) }
      let direct = DirectSchedule(
        rank: rank, nodes: nodes, shards: plan.shards, ranges: ranges,
        pieceElements: pieceElements)
      schedule = .direct(direct)
      bufferElements = direct.bufferElements
      sends = TransferQueue(capacity: max(world, direct.sendsInFlight))
      receives = TransferQueue(capacity: max(world, direct.receivesInFlight))
    }
    pieces = AlignedBuffer(count: bufferElements)
  }

  /// The elements that this rank owns.
  package var ownedRange: Range<Int> { ranges[rank] }

  /// Sums over all shards: afterwards `nodes[0][ownedRange]` holds the canonical sum. The rest of
  /// the arenas is used up.
  ///
  /// - Parameter nodes: this rank's maximal canonical nodes over its shards, in leaf order; arenas
  ///   of `elementCount` floats.
  /// - Complexity: does not allocate, but for what the communicator does.
  package func reduceScatter(
    nodes: UnsafePointer<UnsafeMutablePointer<Float>>
  ) throws(CollectiveError) {
    try cancellingOnError { () throws(CollectiveError) in
      switch schedule {
      case .alone: return
      case .halving(let halving): try reduceScatter(nodes[0], by: halving)
      case .direct(let direct): try reduceScatter(nodes, by: direct)
      }
    }
  }

  /// Gives every rank all elements: each brings `arena[ownedRange]`.
  package func allGather(_ arena: UnsafeMutablePointer<Float>) throws(CollectiveError) {
    try cancellingOnError { () throws(CollectiveError) in
      switch schedule {
      case .alone: return
      case .halving(let halving): try allGather(arena, by: halving)
      case .direct: try allGatherDirectly(arena)
      }
    }
  }

  private func cancellingOnError(
    _ body: () throws(CollectiveError) -> Void
  ) throws(CollectiveError) {
    do throws(CollectiveError) {
      try body()
    } catch {
      receives.cancelAll(on: communicator)
      sends.cancelAll(on: communicator)
      throw error
    }
  }

  /// Starts sending `range` of `arena` to `peer`; nothing for an empty range.
  func startSend(
    _ arena: UnsafeMutablePointer<Float>, _ range: Range<Int>, to peer: Int
  ) throws(CollectiveError) {
    guard !range.isEmpty else { return }
    let floats = UnsafeBufferPointer(start: arena + range.lowerBound, count: range.count)
    sends.append(try communicator.startSend(UnsafeRawBufferPointer(floats), to: peer))
  }

  /// Starts receiving `range` of `arena` from `peer`; nothing for an empty range.
  func startReceive(
    _ arena: UnsafeMutablePointer<Float>, _ range: Range<Int>, from peer: Int
  ) throws(CollectiveError) {
    guard !range.isEmpty else { return }
    let floats = UnsafeMutableBufferPointer(start: arena + range.lowerBound, count: range.count)
    receives.append(
      try communicator.startReceive(UnsafeMutableRawBufferPointer(floats), from: peer))
  }
}
