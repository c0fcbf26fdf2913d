#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A call of the operating system that failed: what was tried, on which file, and why.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, as a verb phrase: "write", "make directory".
  package let operation: String
  package let path: String
  /// The system's error number.
  package let code: Int32

  package init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  package var description: String { words + hint }

  /// What happened, without what to do about it in a run's directory.
  package var words: String { "cannot \(operation) '\(path)': \(Self.reason(code))" }

  /// The system's own words for an error number.
  package static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

  private var hint: String {
    switch code {
    case ENOSPC, EDQUOT: "; free some space there or choose another run.directory"
    case EACCES, EPERM, EROFS: "; check the permissions or choose another run.directory"
    default: ""
    }
  }
}
