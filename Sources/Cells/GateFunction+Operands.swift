package import Kernels

extension GateFunction {
  /// What a function goes through: descriptions are checked against it, and bytes counted by it.
  package struct Operands: Sendable {
    /// The least numbers of gates and of state vectors of a cell that it can serve.
    package var gates: Int
    package var stateVectors = 1
    /// Whether it reads or writes the inner buffer, or the gradient of what a product took from it.
    package var usesInner = false
    /// Arrays [B, H] that it reads, and those that it writes.
    package var reads: Int
    package var writes: Int
  }

  /// The operands, counted at the functions of `SIMDKernels`.
  package var operands: Operands {
    switch self {
    case .resetBeforeGates: Operands(gates: 2, usesInner: true, reads: 3, writes: 3)
    case .resetBeforeState: Operands(gates: 3, reads: 3, writes: 2)
    case .resetBeforeBackwardState: Operands(gates: 3, reads: 5, writes: 3)
    case .resetBeforeBackwardGates: Operands(gates: 2, usesInner: true, reads: 4, writes: 3)
    case .resetAfterState: Operands(gates: 3, usesInner: true, reads: 5, writes: 4)
    case .resetAfterBackward: Operands(gates: 3, usesInner: true, reads: 7, writes: 5)
    case .resetAfterSum: Operands(gates: 3, usesInner: true, reads: 4, writes: 3)
    case .resetAfterBackwardSum: Operands(gates: 3, usesInner: true, reads: 3, writes: 2)
    case .recurrentState: Operands(gates: 1, reads: 1, writes: 2)
    case .recurrentBackward: Operands(gates: 1, reads: 3, writes: 1)
    case .longShortTermState:
      Operands(gates: 4, stateVectors: 2, usesInner: true, reads: 5, writes: 7)
    case .longShortTermBackward:
      Operands(gates: 4, stateVectors: 2, usesInner: true, reads: 9, writes: 5)
    case .minimalState: Operands(gates: 2, reads: 3, writes: 2)
    case .minimalBackward: Operands(gates: 2, reads: 5, writes: 3)
    }
  }
}
