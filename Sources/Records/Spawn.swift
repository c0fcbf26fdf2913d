import Foundation

/// Starts programs that outlive this process.
package enum Spawn {
  /// The flag `POSIX_SPAWN_SETSID`, which the headers of Linux show to GNU programs only.
  #if canImport(Darwin)
    private static let newSession: Int16 = 0x400
  #else
    private static let newSession: Int16 = 0x80
  #endif

  /// Starts a program in a session of its own, with no input and its output appended to a file.
  ///
  /// Its own session keeps it from the terminal's signals and from the end of this process; a file
  /// in place of a pipe keeps it from a reader that is gone.
  ///
  /// The corresponding C function is `posix_spawnp`.
  package static func start(
    _ command: [String], environment: [String: String], output: String
  ) throws(SystemError) -> Int32 {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = unsafe posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    unsafe posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    var defaults = sigset_t()
    unsafe sigemptyset(&defaults)
    for signal in [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ] {
      unsafe sigaddset(&defaults, signal)
    }
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    unsafe posix_spawnattr_setflags(
      &attributes,
      Self.newSession | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

    let words = unsafe command.map { unsafe strdup($0) } + [nil]
    let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      unsafe words.forEach { unsafe free($0) }
      unsafe variables.forEach { unsafe free($0) }
    }
    keepOtherFiles()
    var pid: pid_t = 0
    let code = unsafe posix_spawnp(&pid, command[0], &actions, &attributes, words, variables)
    guard code == 0 else {
      throw SystemError(operation: "start", path: command[0], code: code)
    }
    return pid
  }

  /// Marks all open files but the standard ones as this process's own: a program that outlives it
  /// must not hold a pipe or a lock that somebody else waits for.
  private static func keepOtherFiles() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []
    for file in names.compactMap({ Int32($0) }) where file > STDERR_FILENO {
      _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    }
  }

  /// Runs shell commands side by side without input or output; tells which succeeded in time.
  package static func succeed(_ shellCommands: [String], seconds: Double) -> [Bool] {
    let environment = ProcessInfo.processInfo.environment
    let end = ContinuousClock.now + .seconds(seconds)
    let children = shellCommands.map {
      try? start(["/bin/sh", "-c", $0], environment: environment, output: "/dev/null")
    }
    return children.map { $0.map { hasSucceeded($0, by: end) } ?? false }
  }

  /// Waits for a child; kills it when it takes too long.
  private static func hasSucceeded(_ pid: Int32, by end: ContinuousClock.Instant) -> Bool {
    var status: Int32 = 0
    while true {
      let result = unsafe waitpid(pid, &status, WNOHANG)
      if result == pid { return status == 0 }
      if result < 0 && errno != EINTR { return false }
      if ContinuousClock.now > end {
        kill(-pid, SIGKILL)
        unsafe waitpid(pid, &status, 0)
        return false
      }
      usleep(10_000)
    }
  }
}
