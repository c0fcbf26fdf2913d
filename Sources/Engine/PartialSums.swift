import Collectives
import GRUCore
import Kernels

/// Sums over runs of shards, which the canonical tree adds up: of the gradients that the threads of
/// a rank compute, or of what groups of shards have changed. Each is an arena as long as the
/// parameters'.
@safe final class PartialSums {
  /// What the rank computes, in leaf order.
  let parts: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// Those of them that hold the rank's own sums after `fold`, in leaf order.
  let ofRank: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  let rankCount: Int
  private let tree: NodeFold
  private let kernels: Kernels
  /// The memory of the parts, where they have no other.
  private let arenas: AlignedBuffer
  /// The place of each worker's first part.
  private let firstParts: [Int]

  /// Makes room for the gradients of a replica's workers; the first may replace packed weights.
  convenience init(of replica: Replica) {
    let tree = NodeFold(plan: replica.plan, rank: replica.rank)
    let count = replica.table.elementCount
    let hasShared = replica.use == .inTurn
    let arenas = AlignedBuffer(count: (tree.partialSumCount - (hasShared ? 1 : 0)) * count)
    var pointers = unsafe (0..<arenas.count / count).map { unsafe arenas.pointer + $0 * count }
    if let first = unsafe replica.weights.gradients { unsafe pointers.insert(first, at: 0) }
    unsafe self.init(pointers, arenas, tree, replica.kernels)
  }

  /// Takes `arenas` for sums that lie somewhere else.
  convenience init(at arenas: [UnsafeMutablePointer<Float>], tree: NodeFold, kernels: Kernels) {
    unsafe self.init(arenas, AlignedBuffer(count: 0), tree, kernels)
  }

  private init(
    _ pointers: [UnsafeMutablePointer<Float>], _ arenas: consuming AlignedBuffer, _ tree: NodeFold,
    _ kernels: Kernels
  ) {
    self.arenas = arenas
    self.tree = tree
    self.kernels = kernels
    unsafe parts = .allocate(capacity: pointers.count)
    for index in unsafe pointers.indices { unsafe (parts + index).initialize(to: pointers[index]) }
    rankCount = tree.rankSumCount
    unsafe ofRank = .allocate(capacity: rankCount)
    for (index, part) in tree.rankSums.enumerated() {
      unsafe (ofRank + index).initialize(to: pointers[part])
    }
    firstParts = tree.partialSumCounts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  deinit {
    unsafe parts.deallocate()
    unsafe ofRank.deallocate()
  }

  /// Where the sums of all shards arrive: of all elements on a single rank, of the owned ones
  /// otherwise.
  var total: UnsafeMutablePointer<Float> { unsafe ofRank[0] }

  /// The parts that one worker computes.
  func parts(ofWorker worker: Int) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>> {
    unsafe parts + firstParts[worker]
  }

  /// Adds up `elements` over the rank's parts; ranges of different calls must not overlap.
  func fold(_ elements: Range<Int>) {
    unsafe tree.fold(partialSums: parts, elements: elements, kernels: kernels)
  }
}
