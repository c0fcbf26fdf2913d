import Collectives
import Kernels

/// Hashes all parameters: every rank the elements that it owns, in blocks, and all ranks the hashes
/// of the blocks.
final class FingerprintGather {
  private let communicator: any Communicator
  private let slices: [Ownership.Slice]
  private let elementCount: Int
  /// The blocks that each rank owns, by rank.
  private let blocks: [[Int]]
  /// Most hash words of any rank: two for each block of 4,096 elements.
  private let rowLength: Int
  private let mine: UnsafeMutableBufferPointer<UInt64>
  private let all: UnsafeMutableBufferPointer<UInt64>
  private let hashes: UnsafeMutableBufferPointer<UInt64>

  init(communicator: any Communicator, ownership: Ownership) {
    self.communicator = communicator
    slices = ownership.slices(ofRank: communicator.rank)
    elementCount = ownership.elementCount
    blocks = (0..<communicator.worldSize).map { ownership.blocks(ofRank: $0) }
    rowLength = 2 * (blocks.map(\.count).max() ?? 0)
    mine = .allocate(capacity: rowLength)
    mine.initialize(repeating: 0)
    all = .allocate(capacity: rowLength * communicator.worldSize)
    all.initialize(repeating: 0)
    hashes = .allocate(capacity: 2 * Self.blocks(in: elementCount))
    hashes.initialize(repeating: 0)
  }

  deinit {
    mine.deallocate()
    all.deallocate()
    hashes.deallocate()
  }

  func fingerprint(of replica: Replica) throws(CollectiveError) -> String {
    for slice in slices {
      replica.kernels.hashBlocks(
        replica.parameters.pointer + slice.elements.lowerBound, count: slice.elements.count,
        into: mine.baseAddress! + 2 * (slice.place / canonicalBlock))
    }
    try communicator.allGather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    for (rank, blocks) in blocks.enumerated() {
      for (place, block) in blocks.enumerated() {
        hashes[2 * block] = all[rank * rowLength + 2 * place]
        hashes[2 * block + 1] = all[rank * rowLength + 2 * place + 1]
      }
    }
    return Fingerprint.digits(
      of: Fingerprint.combine(
        hashes.baseAddress!, blockCount: Self.blocks(in: elementCount),
        elementCount: elementCount))
  }

  private static func blocks(in count: Int) -> Int {
    (count + canonicalBlock - 1) / canonicalBlock
  }
}
