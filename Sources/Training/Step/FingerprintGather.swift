import Collectives
import Kernels

/// Hashes all parameters: every rank the elements that it owns, in blocks, and all ranks the hashes
/// of the blocks.
final class FingerprintGather {
  private let communicator: any Communicator
  private let ranges: [Range<Int>]
  private let elementCount: Int
  /// Most hash words of any rank: two for each block of 4,096 elements.
  private let rowLength: Int
  private let mine: UnsafeMutableBufferPointer<UInt64>
  private let all: UnsafeMutableBufferPointer<UInt64>
  private let hashes: UnsafeMutableBufferPointer<UInt64>

  init(communicator: any Communicator, ranges: [Range<Int>], elementCount: Int) {
    self.communicator = communicator
    self.ranges = ranges
    self.elementCount = elementCount
    rowLength = 2 * (ranges.map { Self.blocks(in: $0.count) }.max() ?? 0)
    mine = .allocate(capacity: rowLength)
    mine.initialize(repeating: 0)
    all = .allocate(capacity: rowLength * ranges.count)
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
    let owned = ranges[communicator.rank]
    if !owned.isEmpty {
      replica.kernels.hashBlocks(
        replica.parameters.pointer + owned.lowerBound, count: owned.count,
        into: mine.baseAddress!)
    }
    try communicator.allGather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    for (rank, range) in ranges.enumerated() {
      let first = 2 * (range.lowerBound / canonicalBlock)
      for word in 0..<2 * Self.blocks(in: range.count) {
        hashes[first + word] = all[rank * rowLength + word]
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
