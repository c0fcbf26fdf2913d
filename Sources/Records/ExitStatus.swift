/// What a process ends with.
package enum ExitStatus {
  /// All was done.
  package static let done: Int32 = 0
  /// Something failed on the way.
  package static let failed: Int32 = 1
  /// Bad usage, config or corpus: nothing was done.
  package static let badUsage: Int32 = 2
  /// All was done, and the answer is no: `overfit` did not reach its loss, `compare --exit-code`
  /// found differences, `check --finished` found steps to be made.
  package static let no: Int32 = 3
  /// The reader of standard output was gone, so that the work was pointless: what a shell says of a
  /// process that SIGPIPE ends.
  package static let readerGone: Int32 = 141
  /// Stopped by a signal after a checkpoint; `--resume` goes on.
  package static let stopped: Int32 = 75
}

/// A command that asks for something that cannot be.
package struct UsageError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// The program's version, as printed and as written into checkpoints.
package let programVersion = "0.1.0"
