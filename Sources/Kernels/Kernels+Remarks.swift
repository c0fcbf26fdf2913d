extension Kernels {
  /// What a run says once of kernels that are slower than they are elsewhere; none where these are
  /// the best that there are.
  package var remarks: [String] {
    var remarks: [String] = []
    if let lastResort { remarks.append("\(lastResort.problem); \(lastResort.remedy)") }
    if emulatesPairs {
      let reason =
        precision.hasInstructions(in: .avx512)
        ? "the instruction set \(instructionSet.rawValue)" : "this machine"
      remarks.append(
        "\(reason) has no dot products of bf16 pairs (AVX512-BF16); fp32 arithmetic computes the "
          + "same bits, \(speedOfPairs)")
    }
    return remarks
  }

  /// Why these kernels are the slowest of their architecture, and what to do; else nil.
  package var lastResort: (problem: String, remedy: String)? {
    Self.lastResort(instructionSet, available: InstructionSet.available)
  }

  /// As `lastResort`, of a machine that has the instruction sets `available`, slowest first.
  package static func lastResort(
    _ set: InstructionSet, available: [InstructionSet]
  ) -> (problem: String, remedy: String)? {
    #if arch(x86_64)
      if set != .portable { return nil }
      guard let best = available.last, best != .portable else {
        return (
          "without AVX2 and FMA training is tens of times slower: portable instructions are a last "
            + "resort",
          "take a processor that has them (most since 2013), or have the virtual machine pass them "
            + "on (its processor model, say \"host\")"
        )
      }
      return (
        "portable instructions were chosen; \(best.rawValue) is tens of times faster here",
        "leave out --isa and GRU_DIST_ISA"
      )
    #else
      return nil
    #endif
  }

  private var speedOfPairs: String {
    switch instructionSet {
    case .portable: "but slowly"
    case .avx2, .avx512: "about as fast as precision \"fp32\", and no faster"
    }
  }
}
