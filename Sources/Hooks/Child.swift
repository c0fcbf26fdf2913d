import Foundation
import Records

/// A program that this process has started, in a session of its own; to be waited for.
struct Child {
  private let pid: Int32

  /// How it ended.
  enum End: Equatable {
    case status(Int32)
    case signal(Int32)
    /// The system does not tell.
    case unknown

    /// What is wrong with it; nil for nothing.
    var problem: String? {
      switch self {
      case .status(0): nil
      case .status(let status): "ended with status \(status)"
      case .signal(let number): "was ended by signal \(number)"
      case .unknown: "ended, and the system does not tell how"
      }
    }
  }

  /// Starts a program with no input; what it prints is appended to a file.
  init(_ command: [String], environment: [String: String], output: String) throws(SystemError) {
    pid = try Spawn.start(command, environment: environment, output: output)
  }

  /// How it has ended; nil while it runs. To be called until it returns that, and no more.
  func end() -> End? {
    var status: Int32 = 0
    while true {
      let result = unsafe waitpid(pid, &status, WNOHANG)
      if result == pid { return Self.end(status) }
      if result == 0 { return nil }
      if errno != EINTR { return .unknown }
    }
  }

  /// Asks it and all it has started to end, and ends them where that takes longer than `patience`
  /// seconds.
  func terminate(patience: Double) {
    kill(-pid, SIGTERM)
    let last = ContinuousClock.now + .seconds(patience)
    while ContinuousClock.now < last {
      // What it has started may live longer than it does.
      if end() != nil { return _ = kill(-pid, SIGKILL) }
      Thread.sleep(forTimeInterval: 0.01)
    }
    kill(-pid, SIGKILL)
    var status: Int32 = 0
    while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
  }

  private static func end(_ status: Int32) -> End {
    // What the macros WIFEXITED, WEXITSTATUS and WTERMSIG say.
    let signal = status & 0x7F
    return signal == 0 ? .status(status >> 8 & 0xFF) : .signal(signal)
  }
}
