// To add a kernel, write its function in this module and fill it in at
// `KernelsPortable/ReferenceKernels.swift`, which does not compile without. In between stands, for
// an elementwise function of a cell, a case of `GateFunction`; for any other kernel, a member of
// `CPlatform/include/KernelTable.h`, and an entry point in `Kernels` that checks shapes. There is
// nothing to do for an instruction set, unless it overrides the kernel.

extension UnsafeRawPointer {
  /// The argument block behind an untyped kernel argument.
  @inlinable @inline(__always) public func arguments<T>() -> UnsafePointer<T> {
    assumingMemoryBound(to: T.self)
  }
}

/// An elementwise function of a cell. What it reads and writes stands at the function of its name.
@frozen public enum GateFunction: Sendable {
  case resetBeforeGates, resetBeforeState, resetAfterState, recurrentState
  case resetBeforeBackwardState, resetBeforeBackwardGates, resetAfterBackward
  case recurrentBackward, resetAfterSum, resetAfterBackwardSum
  case longShortTermState, longShortTermBackward, minimalState, minimalBackward

  /// The place of the case, from 0: its representation. As the raw value of an enumeration it would
  /// bring code of this module into those of instruction sets.
  @_transparent public var number: Int { Int(unsafeBitCast(self, to: UInt8.self)) }

  /// The function of a number.
  @_transparent public init(number: Int) {
    self = unsafeBitCast(UInt8(truncatingIfNeeded: number), to: GateFunction.self)
  }
}
