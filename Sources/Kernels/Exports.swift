// The argument blocks that kernels take are part of this module's interface, and whoever computes
// keeps to the numeric contract, and says what it does when.
@_exported public import NumericContract
@_exported public import SIMDKernels
@_exported public import Timeline
