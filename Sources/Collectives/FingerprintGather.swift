package import Kernels

/// Hashes all parameters: every rank the elements that it owns, in blocks, and all ranks the hashes
/// of the blocks.
package final class FingerprintGather {
  private let communicator: any Communicator
  private let slices: [Ownership.Slice]
  private let elementCount: Int
  /// The blocks that each rank owns, by rank.
  private let blocks: [[Int]]
  /// Most hash words of any rank: two for each block of 4,096 elements.
  private let rowLength: Int

  package init(communicator: any Communicator, ownership: Ownership) {
    self.communicator = communicator
    slices = ownership.slices(ofRank: communicator.rank)
    elementCount = ownership.elementCount
    blocks = (0..<communicator.worldSize).map { ownership.blocks(ofRank: $0) }
    rowLength = 2 * (blocks.map(\.count).max() ?? 0)
  }

  /// The same on every rank, which all call it.
  package func fingerprint(
    of parameters: UnsafePointer<Float>, _ kernels: Kernels
  ) throws(CollectiveError) -> String {
    let all = try unsafe communicator.allGather(ownHashes(of: parameters, kernels))
    let blockCount = (elementCount + canonicalBlock - 1) / canonicalBlock
    var hashes = [UInt64](repeating: 0, count: 2 * blockCount)
    for (row, blocks) in zip(all, blocks) {
      for (place, block) in blocks.enumerated() {
        hashes[2 * block] = row[2 * place]
        hashes[2 * block + 1] = row[2 * place + 1]
      }
    }
    return unsafe Fingerprint.digits(
      of: Fingerprint.combine(hashes, blockCount: blockCount, elementCount: elementCount))
  }

  private func ownHashes(of parameters: UnsafePointer<Float>, _ kernels: Kernels) -> [UInt64] {
    var hashes = [UInt64](repeating: 0, count: rowLength)
    unsafe hashes.withUnsafeMutableBufferPointer { hashes in
      guard let start = hashes.baseAddress else { return }
      for slice in slices {
        unsafe kernels.hashBlocks(
          parameters + slice.elements.lowerBound, count: slice.elements.count,
          into: start + 2 * (slice.place / canonicalBlock))
      }
    }
    return hashes
  }
}
