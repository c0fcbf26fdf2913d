// The argument blocks that kernels take are part of this module's interface.
@_exported public import SIMDKernels
