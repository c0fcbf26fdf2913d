extension Kernels {
  /// What a run says once of kernels that are slower than they are elsewhere; none where these are
  /// the best that there are.
  package var remarks: [String] {
    var remarks: [String] = []
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

  private var speedOfPairs: String {
    switch instructionSet {
    case .portable: "but slowly"
    case .avx2, .avx512: "about as fast as precision \"fp32\", and no faster"
    }
  }
}
