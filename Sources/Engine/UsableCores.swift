package import Collectives
package import Configuration
import Foundation
package import NumericContract
import Records

/// How many threads each rank may keep busy without taking cores from the others.
package enum UsableCores {
  /// The cores that this process may run on, as a set of bits.
  private static func affinity() -> [UInt64] {
    var words = [UInt64](repeating: 0, count: 16)
    #if os(Linux)
      // The kernel's list, since the C library's call is not visible to Swift: a hexadecimal mask
      // in groups of 32 cores, the highest first.
      let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
      let prefix = "Cpus_allowed:"
      if let line = status.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) {
        let mask = line.dropFirst(prefix.count).drop { $0 == "\t" || $0 == " " }
        for (group, digits) in mask.split(separator: ",").reversed().enumerated() {
          guard group < 32, let bits = UInt64(digits, radix: 16) else { break }
          words[group / 2] |= bits << UInt64(group % 2 * 32)
        }
        if words.contains(where: { $0 != 0 }) { return words }
      }
    #endif
    for core in 0..<min(1024, ProcessInfo.processInfo.activeProcessorCount) {
      words[core / 64] |= 1 << (core % 64)
    }
    return words
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

  /// A number for the host of each rank, the cores that the rank may use, and thousandths of a core
  /// that its container may use (0 without a limit), by rank.
  package static func rows(_ communicator: any Communicator) throws(CollectiveError) -> [[UInt64]] {
    let limit = (ContainerLimits.current.cores ?? 0) * 1000
    return try communicator.allGather(
      [UInt64(communicator.hostNumber)] + affinity() + [UInt64(min(limit, 0x1p32))])
  }

  /// A rank's whole cores: each core counts in equal parts for the ranks of the host that may use
  /// it.
  static func share(of row: [UInt64], among rows: [[UInt64]]) -> Int {
    let neighbours = rows.filter { $0[0] == row[0] }
    var share = 0.0
    for core in 0..<1024 {
      let word = 1 + core / 64
      let bit = UInt64(1) << (core % 64)
      guard row[word] & bit != 0 else { continue }
      share += 1 / Double(neighbours.count { $0[word] & bit != 0 })
    }
    let quotas = neighbours.compactMap(\.last).filter { $0 > 0 }
    if let quota = quotas.min() {
      share = min(share, Double(quota) / 1000 / Double(neighbours.count))
    }
    // Thirds and the like must not fall short of a whole core by rounding.
    return Int(share + 1e-6)
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
