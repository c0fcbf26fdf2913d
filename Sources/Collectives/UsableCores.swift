/// How many threads each rank may keep busy without taking cores from the others.
package enum UsableCores {
  /// What a rank may use of its host.
  package struct Row: Sendable, Equatable {
    /// A number for the host.
    package var host: UInt64
    /// The cores that the rank may run on, in words of 64.
    package var cores: [UInt64]
    /// Thousandths of a core that its container may use; 0 without a limit.
    package var quota: UInt64

    package init(host: UInt64, cores: [UInt64], quota: UInt64) {
      (self.host, self.cores, self.quota) = (host, cores, quota)
    }

    /// Whether a core is among them.
    package func may(use core: Int) -> Bool {
      core / 64 < cores.count && cores[core / 64] >> UInt64(core % 64) & 1 == 1
    }

    /// The cores, in order.
    package var coreNumbers: [Int] { (0..<64 * cores.count).filter { may(use: $0) } }
  }

  /// The set that Linux writes as a hexadecimal mask in groups of 32 cores, the highest first, of
  /// however many cores; empty where it is none.
  package static func set(ofMask mask: String) -> [UInt64] {
    var words: [UInt64] = []
    let groups = mask.filter { !$0.isWhitespace }.split(separator: ",")
    for (group, digits) in groups.reversed().enumerated() {
      guard let bits = UInt64(digits, radix: 16), bits <= UInt64(UInt32.max) else { return [] }
      if group % 2 == 0 { words.append(0) }
      words[group / 2] |= bits << UInt64(group % 2 * 32)
    }
    return words
  }

  /// A rank's whole cores: each core counts in equal parts for the ranks of the host that may use
  /// it.
  package static func share(of row: Row, among rows: [Row]) -> Int {
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
