package import Kernels
package import Records

/// A step profile in words and as JSON: seconds a step of each phase, and where they are known its
/// rates beside the machine's limits.
package struct ProfileReport {
  /// What one core can do at best.
  package struct Limits: Sendable {
    package var gflops: Double
    /// Of arrays that fit no cache.
    package var gigabytesPerSecond: Double

    package init(gflops: Double, gigabytesPerSecond: Double) {
      self.gflops = gflops
      self.gigabytesPerSecond = gigabytesPerSecond
    }
  }

  private struct Row {
    var phase: StepPhase
    var seconds: Double
    var share: Double
    var gflops: Double?
    var gigabytesPerSecond: Double?
  }

  private let rows: [Row]
  private let limits: Limits?

  package init(_ profile: StepProfile, steps: Int, limits: Limits? = nil) {
    let whole = profile.seconds
    self.limits = limits
    rows = StepPhase.allCases.compactMap { phase in
      let totals = profile[phase]
      guard totals.seconds > 0 else { return nil }
      func rate(_ count: Double) -> Double? { count > 0 ? count / totals.seconds / 1e9 : nil }
      return Row(
        phase: phase, seconds: totals.seconds / Double(max(1, steps)),
        share: totals.seconds / whole, gflops: rate(totals.operations),
        gigabytesPerSecond: rate(totals.bytes))
    }
  }

  package var json: OrderedJSON {
    .array(
      rows.map { row in
        var record: OrderedJSON = [
          "phase": .string(row.phase.rawValue), "seconds": Self.number(row.seconds, 1e9),
          "share": Self.number(row.share, 1e6),
        ]
        if let gflops = row.gflops {
          record = record.merging(["gflops": Self.number(gflops, 1e3)])
          if let limits {
            record = record.merging(["fraction_of_peak": Self.number(gflops / limits.gflops, 1e6)])
          }
        }
        if let rate = row.gigabytesPerSecond {
          record = record.merging(["gigabytes_per_second": Self.number(rate, 1e3)])
          if let limits {
            let fraction = rate / limits.gigabytesPerSecond
            record = record.merging(["fraction_of_bandwidth": Self.number(fraction, 1e6)])
          }
        }
        return record
      })
  }

  /// A table for people.
  package var lines: [String] {
    let head = "phase                    ms a step    share   GFLOP/s  of peak      GB/s  of memory"
    return [head]
      + rows.map { row in
        func cell(_ value: Double?, _ digits: Int, _ width: Int) -> String {
          let text = value.map { Format.fixed($0, digits) } ?? "-"
          return String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let name = row.phase.rawValue
        let rate = row.gigabytesPerSecond
        return name + String(repeating: " ", count: max(0, 22 - name.count))
          + cell(row.seconds * 1e3, 3, 12) + cell(row.share, 3, 9) + cell(row.gflops, 1, 10)
          + cell(limits.flatMap { limits in row.gflops.map { $0 / limits.gflops } }, 2, 9)
          + cell(rate, 1, 10)
          + cell(limits.flatMap { limits in rate.map { $0 / limits.gigabytesPerSecond } }, 2, 11)
      }
  }

  private static func number(_ value: Double, _ unit: Double) -> OrderedJSON {
    .number((value * unit).rounded() / unit)
  }
}

extension Kernels {
  /// Bytes that one core reads and writes in a second, in 10^9, by adding arrays that fit no cache:
  /// the best of several rounds.
  package func measureBandwidth() -> Double {
    let count = 16 << 20
    let a = AlignedBuffer(count: count)
    let b = AlignedBuffer(count: count)
    var best = 0.0
    for _ in 0..<6 {
      let started = ContinuousClock.now
      unsafe add(a.pointer, b.pointer, into: b.pointer, count: count)
      let seconds = (ContinuousClock.now - started).seconds
      best = max(best, 3 * 4 * Double(count) / seconds / 1e9)
    }
    return best
  }
}
