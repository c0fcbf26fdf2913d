import Foundation

/// Where a run speaks: text for people and JSON lines for programs.
///
/// Text goes to standard output, or to standard error when standard output carries JSON. Only the
/// coordinator speaks.
package struct Console: Sendable {
  package let isJSON: Bool
  package let isCoordinator: Bool

  package init(isJSON: Bool, isCoordinator: Bool) {
    self.isJSON = isJSON
    self.isCoordinator = isCoordinator
  }

  private var textDescriptor: Int32 { isJSON ? STDERR_FILENO : STDOUT_FILENO }

  /// One line for people.
  package func say(_ text: String) {
    if isCoordinator { Self.write(Array((text + "\n").utf8), to: textDescriptor) }
  }

  /// Text for people without a line end.
  package func put(_ text: String) {
    if isCoordinator { Self.write(Array(text.utf8), to: textDescriptor) }
  }

  /// One JSON object a line, when asked for.
  package func record(_ value: OrderedJSON) {
    guard isJSON, isCoordinator else { return }
    Self.write(Array((value.line + "\n").utf8), to: STDOUT_FILENO)
  }

  /// One line on standard error.
  package static func complain(_ text: String) {
    write(Array((text + "\n").utf8), to: STDERR_FILENO)
  }

  /// Writes all bytes; what cannot be written (a closed pipe) is dropped.
  package static func write(_ bytes: [UInt8], to descriptor: Int32) {
    unsafe bytes.withUnsafeBytes { buffer in
      var rest = unsafe buffer[...]
      while unsafe !rest.isEmpty {
        let written = unsafe Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          unsafe rest = rest.dropFirst(written)
        } else if errno != EINTR {
          return
        }
      }
    }
  }

  /// Opens those of the standard files that whoever started this process has closed: the next file
  /// would get the number, and text would go into it.
  package static func openStandardFiles() {
    // The system gives the lowest number that is free.
    while true {
      let file = unsafe open("/dev/null", O_RDWR)
      if file > STDERR_FILENO { close(file) }
      if file < 0 || file > STDERR_FILENO { return }
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
