// The argument blocks that kernels take are part of this module's interface, and whoever computes
// keeps to the numeric contract.
@_exported public import NumericContract
@_exported public import SIMDKernels
