import CPlatform

/// The numbers that matrix products multiply. Everything else is fp32 in either.
package enum Precision: String, CaseIterable, Sendable {
  /// fp32: the same bits on every instruction set.
  case fp32
  /// Operands rounded to bf16 (8 bits of significand) and sums in fp32, by AVX-512's dot products
  /// of pairs: the same bits for any number of ranks and threads, on machines that have it.
  case bf16

  /// Whether `set` on this machine can compute so.
  package func isAvailable(with set: InstructionSet) -> Bool {
    self == .fp32 || (set == .avx512 && platform_has_bf16() != 0)
  }

  /// Throws where this machine, or the chosen instruction set, cannot compute so.
  package func require(_ set: InstructionSet) throws(InstructionSetError) {
    if isAvailable(with: set) { return }
    let reason =
      platform_has_bf16() == 0
      ? "this machine has no bf16 dot products (AVX512-BF16)"
      : "it needs the instruction set avx512, found \(set.rawValue)"
    throw InstructionSetError(
      description: "precision \"\(rawValue)\": \(reason); use \"\(Precision.fp32.rawValue)\"")
  }
}
