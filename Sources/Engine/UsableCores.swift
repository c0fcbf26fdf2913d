package import Collectives
package import Configuration
import Foundation
package import NumericContract
import Records

extension UsableCores {
  /// The cores that this process may run on, as a set of bits in words of 64, the first cores in
  /// the first word.
  private static func affinity() -> [UInt64] {
    #if os(Linux)
      // The kernel's list, since the C library's call is not visible to Swift.
      let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let prefix = "Cpus_allowed:"
      if let line = status.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) {
        let words = set(ofMask: String(line.dropFirst(prefix.count)))
        if words.contains(where: { $0 != 0 }) { return words }
      }
    #endif
    let count = max(1, ProcessInfo.processInfo.activeProcessorCount)
    return (0..<(count + 63) / 64).map { word in
      let cores = min(64, count - 64 * word)
      return cores == 64 ? .max : (1 << UInt64(cores)) - 1
    }
  }

  /// Threads for every rank, the same for all: the least that any rank's share of its cores gives,
  /// where ranks bound to the same core share it, and what ranks of one host leave one another of
  /// their container's time. At least 1.
  package static func threadsPerRank(
    _ communicator: any Communicator
  ) throws(CollectiveError) -> Int {
    let rows = try rows(communicator)
    return max(1, rows.map { share(of: $0, among: rows) }.min() ?? 1)
  }

  /// The rows of all ranks. Every rank calls it.
  package static func rows(_ communicator: any Communicator) throws(CollectiveError) -> [Row] {
    let limit = (ContainerLimits.current.cores ?? 0) * 1000
    let own = affinity()
    // Hosts may have different numbers of cores, and all send equally much.
    let widths = try communicator.allGather([UInt64(own.count)])
    let width = Int(widths.map { $0[0] }.max() ?? 1)
    let padded = own + [UInt64](repeating: 0, count: width - own.count)
    let all = try communicator.allGather(
      [UInt64(communicator.hostNumber), UInt64(min(limit, 0x1p32))] + padded)
    return all.map { Row(host: $0[0], cores: Array($0.dropFirst(2)), quota: $0[1]) }
  }
}

extension Config {
  /// How shards are dealt to ranks and threads. Every rank calls it; all throw alike.
  ///
  /// - Parameters:
  ///   - threads: of each rank; nil for as many as are of use.
  ///   - place: what the config is called in errors.
  ///   - canReshard: whether the number of shards may still be chosen.
  package func plan(
    threads: Int?, place: String, canReshard: Bool = true, on communicator: any Communicator
  ) throws -> ShardPlan {
    let ranks = communicator.worldSize
    try communicator.agree {
      try validate(ranks: ranks, place: place, canReshard: canReshard)
    }
    let usable = try UsableCores.threadsPerRank(communicator)
    return ShardPlan(
      sequences: batch.sequences, shards: batch.shards, ranks: ranks,
      threads: threads ?? min(usable, usefulThreads(ranks: ranks)), groups: exchange.groups)
  }
}
