/// A function that a worker calls between time steps, so that somebody else's work (an exchange
/// over the network) goes on while it computes: a plain C function and its argument, which cost a
/// hot loop nothing but the call.
package struct ProgressHook {
  private let function: @convention(c) (UnsafeMutableRawPointer) -> Void
  private let context: UnsafeMutableRawPointer

  /// `context` must stay valid for as long as a worker holds the hook.
  package init(
    _ context: UnsafeMutableRawPointer,
    _ function: @escaping @convention(c) (UnsafeMutableRawPointer) -> Void
  ) {
    self.function = function
    self.context = context
  }

  /// Calls it.
  @inline(__always) package func call() { function(context) }
}
