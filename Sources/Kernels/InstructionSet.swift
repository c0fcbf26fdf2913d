import CPlatform

/// The vector instructions that kernels are compiled for.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// What every machine of the architecture has: NEON on arm64; on x86-64 SSE2, whose fused
  /// multiply-adds are made of double precision: right but slow, and a last resort.
  case portable
  /// AVX2 with FMA (x86-64-v3).
  case avx2
  /// AVX-512 F, VL, BW, DQ and CD (x86-64-v4).
  case avx512

  /// Those that this machine can run, slowest first.
  package static var available: [InstructionSet] {
    let level = platform_vector_level()
    return allCases.filter {
      switch $0 {
      case .portable: true
      case .avx2: level >= 1
      case .avx512: level >= 2
      }
    }
  }

  /// The instruction set called `name`; "auto" is the fastest that this machine has.
  package static func select(_ name: String) throws(InstructionSetError) -> InstructionSet {
    let available = available
    if name == "auto" { return available[available.count - 1] }
    let names = (["auto"] + allCases.map(\.rawValue)).joined(separator: ", ")
    guard let set = InstructionSet(rawValue: name) else {
      throw InstructionSetError(
        description: "unknown instruction set '\(name)'; expected one of \(names)")
    }
    guard available.contains(set) else {
      let present = available.map(\.rawValue).joined(separator: ", ")
      throw InstructionSetError(
        description: "this machine has no '\(name)' instructions; it has \(present)")
    }
    return set
  }
}

/// An instruction set that does not exist, or not on this machine.
package struct InstructionSetError: Error, CustomStringConvertible {
  package let description: String
}

/// The numbers that matrix products multiply. Everything else is fp32 in either.
package enum Precision: String, CaseIterable, Sendable {
  /// fp32: the same bits on every instruction set.
  case fp32
  /// Operands rounded to bf16 (8 bits of significand) and sums in fp32, as AVX-512's dot products
  /// of pairs compute them: the same bits by those and, on machines without, by fp32 arithmetic.
  case bf16

  /// Whether this machine has instructions for it in `set`.
  package func hasInstructions(in set: InstructionSet) -> Bool {
    self == .fp32 || (set == .avx512 && platform_has_bf16() != 0)
  }
}
