import Engine
import Foundation
import Kernels
package import Records

/// Measures what one core can do at best: the rate of fused multiply-adds by instruction set.
package struct PeakBenchmark {
  /// "auto" measures every set that the machine has.
  package var instructionSet = "auto"
  package var seconds = 1.0

  package init(instructionSet: String, seconds: Double) {
    self.instructionSet = instructionSet
    self.seconds = seconds
  }

  package func run(console: Console) throws {
    if !(seconds > 0 && seconds <= 60) {
      throw UsageError("--seconds: expected a number above 0, at most 60, found \(seconds)")
    }
    let sets =
      instructionSet == "auto"
      ? InstructionSet.available : [try InstructionSet.selected(instructionSet)]
    for set in sets {
      for precision in Precision.allCases where precision.isAvailable(with: set) {
        let gflops = Kernels(set, precision: precision).measurePeak(seconds: seconds)
        let name = precision == .fp32 ? set.rawValue : "\(set.rawValue) \(precision.rawValue)"
        console.say("\(name)  \(Format.fixed(gflops, 1)) GFLOP/s on one core")
        console.record([
          "bench": "peak", "isa": .string(set.rawValue), "precision": .string(precision.rawValue),
          "gflops": .number((gflops * 100).rounded() / 100),
        ])
      }
    }
  }
}
