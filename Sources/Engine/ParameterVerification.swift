package import Collectives
import GRUCore
import Kernels

/// A 128-bit hash of all parameters of one rank.
struct ParameterHash: Equatable, Hashable {
  var high: UInt64 = 0
  var low: UInt64 = 0

  /// The run's fingerprint, where all ranks have this hash.
  var fingerprint: String { Fingerprint.digits(of: (high, low)) }
}

/// Compares the parameters of all ranks, which must be the same bits before every update.
///
/// The comparison stands between the gradients and the update, because the update may overwrite
/// what a rank does not own: a bit that flipped before would leave no trace but a wrong gradient.
@safe final class ParameterVerification {
  private let replica: Replica
  private let communicator: any Communicator
  private let hashes: UnsafeMutableBufferPointer<UInt64>
  private let blockCount: Int

  init(replica: Replica, communicator: any Communicator) {
    self.replica = replica
    self.communicator = communicator
    blockCount = (replica.table.elementCount + canonicalBlock - 1) / canonicalBlock
    unsafe hashes = .allocate(capacity: 2 * blockCount)
    unsafe hashes.initialize(repeating: 0)
  }

  deinit { unsafe hashes.deallocate() }

  /// Hashes one thread's share of the arena.
  func hash(thread: Int) {
    let part = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: replica.table.elementCount)
    if part.isEmpty { return }
    unsafe replica.kernels.hashBlocks(
      replica.parameters.pointer + part.lowerBound, count: part.count,
      into: hashes.baseAddress! + 2 * (part.lowerBound / canonicalBlock))
  }

  /// Copies one thread's share of the arena and hashes it on the way: one pass over memory.
  func copyAndHash(thread: Int, to copy: UnsafeMutablePointer<Float>) {
    let part = NodeFold.elements(
      ofThread: thread, of: replica.threads, elementCount: replica.table.elementCount)
    for start in stride(from: part.lowerBound, to: part.upperBound, by: canonicalBlock) {
      let count = min(canonicalBlock, part.upperBound - start)
      unsafe (copy + start).update(from: replica.parameters.pointer + start, count: count)
      unsafe replica.kernels.hashBlocks(
        copy + start, count: count, into: hashes.baseAddress! + 2 * (start / canonicalBlock))
    }
  }

  /// The hash of all shares. Does not allocate.
  var hash: ParameterHash {
    let (high, low) = unsafe Fingerprint.combine(
      hashes.baseAddress!, blockCount: blockCount, elementCount: replica.table.elementCount)
    return ParameterHash(high: high, low: low)
  }

  /// The error for the ranks' hashes, by rank, that are not all the same; every rank calls it.
  func error(for all: [ParameterHash], step: Int) throws(CollectiveError) -> CorruptionError {
    let groups = Dictionary(grouping: all.indices) { all[$0] }
    let largest = groups.values.max { $0.count < $1.count } ?? []
    // Without a majority nobody knows who is right.
    let isKnown = 2 * largest.count > all.count
    let suspects = isKnown ? all.indices.filter { all[$0] != all[largest[0]] } : Array(all.indices)
    let hosts = try communicator.hostNames()
    return CorruptionError(
      step: step, suspects: suspects.map { ($0, hosts[$0]) },
      finding: .parameters(place: try firstDifference(), isKnown: isKnown))
  }

  /// Names the tensor in which the first block differs between ranks.
  private func firstDifference() throws(CollectiveError) -> String {
    let all = try unsafe communicator.allGather(Array(hashes))
    let place = unsafe hashes.indices.first { place in
      all.contains { $0[place] != all[0][place] }
    }
    guard let place else { return "an unknown place" }
    let element = place / 2 * canonicalBlock
    let parameter = replica.table.parameters.first { $0.range.upperBound > element }
    return "the \(canonicalBlock) elements from element \(element), in "
      + (parameter?.name ?? "the end of the arena")
  }
}

extension Communicator {
  /// The names of all ranks' hosts, by rank.
  package func hostNames() throws(CollectiveError) -> [String] {
    var name = [UInt8](repeating: 0, count: 256)
    for (index, byte) in hostName.utf8.prefix(name.count).enumerated() { name[index] = byte }
    return try allGather(name).map { name in
      String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// Memory or a processor that gave other bits than it should; it ends a run.
package struct CorruptionError: CommonError, CustomStringConvertible {
  package enum Finding: Sendable, Equatable {
    /// - Parameter isKnown: whether the suspects are the ones that are wrong, by majority.
    case parameters(place: String, isKnown: Bool)
    /// The first suspect's gradients, computed again by the second.
    case gradients(shards: Range<Int>)
  }

  /// Counted from 1.
  package let step: Int
  package let suspects: [(rank: Int, host: String)]
  package let finding: Finding

  package var description: String {
    let names = suspects.map { "rank \($0.rank) on \($0.host)" }
    let list = names.joined(separator: ", ")
    var text = "step \(step): "
    switch finding {
    case .parameters(let place, true):
      text += "parameters of \(list) are not those of the other ranks, first in \(place)"
    case .parameters(let place, false):
      text += "parameters differ between ranks (\(list)), first in \(place)"
    case .gradients(let shards):
      text +=
        "gradients of shards \(shards.lowerBound)-\(shards.upperBound - 1) computed by "
        + "\(names[0]) are not those that \(names[names.count - 1]) computes"
    }
    return text + "; a memory or processor is at fault there. The state was not saved; leave the "
      + "host out and go on from the newest checkpoint by --resume"
  }
}
