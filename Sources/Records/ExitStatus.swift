/// What a process ends with.
package enum ExitStatus {
  /// All was done.
  package static let done: Int32 = 0
  /// Something failed on the way.
  package static let failed: Int32 = 1
  /// Bad usage, config, data or path: what whoever asked has to mend.
  package static let badUsage: Int32 = 2
  /// All was done, and the answer is no: `overfit` did not reach its loss, `compare --exit-code`
  /// found differences, `check --finished` found steps to be made, `doctor` found something wrong.
  package static let no: Int32 = 3
  /// The reader of standard output was gone, so that the work was pointless: what a shell says of a
  /// process that SIGPIPE ends.
  package static let readerGone: Int32 = 141
  /// Stopped by a signal after a checkpoint; `--resume` goes on.
  package static let stopped: Int32 = 75

  /// What each means, as help and manual say it.
  package static let meanings: [(status: Int32, words: String)] = [
    (done, "done"),
    (failed, "failed on the way"),
    (badUsage, "bad usage, config, data or path: mend it, and try again"),
    (no, "done, and the answer is no (check --finished, compare --exit-code, doctor, overfit)"),
    (
      stopped,
      "stopped by a signal, after a checkpoint or before the first step: --resume goes on"
    ),
    (readerGone, "the reader of the output is gone"),
  ]
}

/// An error that says what the process ends with. One that does not is a failure.
package protocol StatusError: Error {
  var exitStatus: Int32 { get }
}

extension ExitStatus {
  /// The status that an error asks for.
  package static func of(_ error: any Error) -> Int32 {
    (error as? any StatusError)?.exitStatus ?? failed
  }
}

/// A command that asks for something that cannot be.
package struct UsageError: StatusError, CustomStringConvertible {
  package let description: String
  package var exitStatus: Int32 { ExitStatus.badUsage }
  package init(_ description: String) { self.description = description }
}

/// The program's version, as printed and as written into checkpoints.
package let programVersion = "0.2.0"
