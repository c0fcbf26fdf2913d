import Foundation
import Synchronization

/// Where a run speaks: text for people and JSON lines for programs.
///
/// Text goes to standard output, or to standard error when standard output carries JSON. Only the
/// coordinator speaks.
///
/// What standard output does not take is remembered: a command asks by `requireWritten` between
/// its parts and at its end; training, which is worth more than its words, goes on.
package struct Console: Sendable {
  package let isJSON: Bool
  package let isCoordinator: Bool
  private let loss = Loss()

  package init(isJSON: Bool, isCoordinator: Bool) {
    self.isJSON = isJSON
    self.isCoordinator = isCoordinator
  }

  private var textDescriptor: Int32 { isJSON ? STDERR_FILENO : STDOUT_FILENO }

  /// The first error of standard output.
  private final class Loss: Sendable {
    let first = Mutex<OutputError?>(nil)
  }

  /// One line for people.
  package func say(_ text: String) {
    put(text + "\n")
  }

  /// Text for people without a line end.
  package func put(_ text: String) {
    try? emit(Array(text.utf8))
  }

  /// Bytes for people, as they are.
  package func emit(_ bytes: [UInt8]) throws(OutputError) {
    guard isCoordinator else { return }
    // There is nowhere left to complain of standard error.
    if isJSON { return (try? OutputFile.standardError.write(bytes)) ?? () }
    try deliver(bytes)
  }

  /// One JSON object a line, when asked for.
  package func record(_ value: OrderedJSON) {
    guard isJSON, isCoordinator else { return }
    try? deliver(Array((value.line + "\n").utf8))
  }

  /// One line on standard error.
  package static func complain(_ text: String) {
    try? OutputFile.standardError.write(Array((text + "\n").utf8))
  }

  private func deliver(_ bytes: [UInt8]) throws(OutputError) {
    // A reader that is gone does not come back.
    if let lost, lost.isReaderGone { throw lost }
    do {
      try OutputFile.standardOutput.write(bytes)
    } catch {
      loss.first.withLock { $0 = $0 ?? error }
      throw error
    }
  }

  /// Why something that was for standard output is lost; nil where nothing is.
  package var lost: OutputError? { loss.first.withLock { $0 } }

  /// Throws where something that was for standard output is lost.
  package func requireWritten() throws(OutputError) {
    if let lost { throw lost }
    if isCoordinator { try OutputFile.standardOutput.requireTaken() }
  }

  /// Opens those of the standard files that whoever started this process has closed: the next file
  /// would get the number, and text would go into it. What is written to a standard output that was
  /// closed remains an error.
  package static func openStandardFiles() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) == -1 {
      // The system gives the lowest number that is free, which is this one.
      _ = unsafe open("/dev/null", number == STDOUT_FILENO ? O_RDONLY : O_RDWR)
    }
  }

  /// Whether a person watches the text on a terminal that can redraw a line.
  ///
  /// Open MPI gives its ranks a pseudo-terminal whatever its own output is, so there the answer
  /// comes from the `mpirun` that started this process.
  package func isInteractive(launchedByMPI: Bool) -> Bool {
    guard isCoordinator else { return false }
    if let term = ProcessInfo.processInfo.environment["TERM"], term == "dumb" { return false }
    guard launchedByMPI else { return isatty(textDescriptor) == 1 }
    // The launcher of Open MPI 5 keeps what it is given until the line ends.
    if ProcessInfo.processInfo.environment["PRTE_LAUNCHED"] != nil { return false }
    let link = "/proc/\(getppid())/fd/\(textDescriptor)"
    guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
      return false
    }
    return target.hasPrefix("/dev/pts/") || target.hasPrefix("/dev/tty")
  }
}

extension Duration {
  /// As a floating-point number of seconds.
  package var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
