import Collectives
import Kernels

/// What threads gain that share a shard: a model of kernels of which each is handed over, divided
/// and waited for, and of a rest that one thread does.
package struct SharingCost: Sendable, Equatable {
  /// Seconds of a step of one shard, by one thread and by two.
  package var alone: Double
  package var together: Double
  /// Kernels that threads share in a step.
  package var kernels: Int
  /// Seconds until a helper with nothing to do has taken a kernel and is known to be done.
  package var handover: Double
  /// Parts that the narrowest of the large kernels can be cut into.
  package var parts: Int

  /// Where a machine has no second core to measure with: a fiftieth is done by one thread, and a
  /// handover takes 0.4 us.
  package static func assumed(alone: Double, kernels: Int, parts: Int) -> SharingCost {
    let handing = 4e-7 * Double(kernels)
    return SharingCost(
      alone: alone, together: 0.51 * alone + handing, kernels: kernels, handover: 4e-7,
      parts: parts)
  }

  package init(
    alone: Double, together: Double, kernels: Int, handover: Double, parts: Int
  ) {
    self.alone = alone
    self.together = together
    self.kernels = kernels
    self.handover = handover
    self.parts = max(1, parts)
  }

  /// The part of a step that is not divided, from what two threads were measured to gain.
  package var serialPart: Double {
    let shared = share(2)
    let measured = (together - handing(2)) / alone
    return min(1, max(0, (measured - shared) / max(1 - shared, 1e-9)))
  }

  /// Seconds of what one thread does in `seconds`, by several.
  package func seconds(_ seconds: Double, threads: Int) -> Double {
    if threads < 2 { return seconds }
    return seconds * (serialPart + (1 - serialPart) * share(threads)) + handing(threads)
  }

  /// What of a divided kernel the busiest of some threads does.
  private func share(_ threads: Int) -> Double {
    Double((parts + threads - 1) / threads) / Double(parts)
  }

  /// Each helper beyond the first adds a tenth to a handover.
  private func handing(_ threads: Int) -> Double {
    Double(kernels) * handover * (1 + 0.1 * Double(threads - 2))
  }

  /// Seconds of a handover between two threads of this machine: the best mean of a hundred within a
  /// tenth of a second, since each waits long where other programs have the cores.
  static func measureHandover(_ instructionSet: InstructionSet) throws -> Double {
    let count = 100
    let kernels = Kernels(instructionSet)
    let crew = Crew(memberCount: 2, scratchCount: 0)
    var best = Double.infinity
    let end = ContinuousClock.now + .milliseconds(100)
    try WorkerTeam(threads: 2).run { member in
      if member > 0 { return crew.serve(member: member, kernels) }
      crew.open()
      repeat {
        let start = ContinuousClock.now
        for _ in 0..<count { crew.handOver() }
        best = min(best, (ContinuousClock.now - start) / .seconds(1) / Double(count))
      } while ContinuousClock.now < end
      crew.close()
    }
    return best
  }
}
