package import Collectives
package import Configuration
import Foundation
package import NumericContract
import Records

/// How many threads each rank may keep busy without taking cores from the others.
package enum UsableCores {
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

  /// The set that Linux writes as a hexadecimal mask in groups of 32 cores, the highest first, of
  /// however many cores; empty where it is none.
  static func set(ofMask mask: String) -> [UInt64] {
    var words: [UInt64] = []
    let groups = mask.filter { !$0.isWhitespace }.split(separator: ",")
    for (group, digits) in groups.reversed().enumerated() {
      guard let bits = UInt64(digits, radix: 16), bits <= UInt64(UInt32.max) else { return [] }
      if group % 2 == 0 { words.append(0) }
      words[group / 2] |= bits << UInt64(group % 2 * 32)
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

  /// What a rank may use of its host.
  package struct Row: Sendable, Equatable {
    /// A number for the host.
    package var host: UInt64
    /// The cores that the rank may run on, in words of 64.
    package var cores: [UInt64]
    /// Thousandths of a core that its container may use; 0 without a limit.
    package var quota: UInt64

    /// Whether a core is among them.
    package func may(use core: Int) -> Bool {
      core / 64 < cores.count && cores[core / 64] >> UInt64(core % 64) & 1 == 1
    }

    /// The cores, in order.
    package var coreNumbers: [Int] { (0..<64 * cores.count).filter { may(use: $0) } }
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

  /// A rank's whole cores: each core counts in equal parts for the ranks of the host that may use
  /// it.
  static func share(of row: Row, among rows: [Row]) -> Int {
    let neighbours = rows.filter { $0.host == row.host }
    var share = 0.0
    for core in row.coreNumbers {
      share += 1 / Double(neighbours.count { $0.may(use: core) })
    }
    let quotas = neighbours.map(\.quota).filter { $0 > 0 }
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
