import Foundation

/// Names in a run directory, and how its small files are written and read.
package enum RunFiles {
  /// The effective config.
  package static let config = "config.json"
  /// One JSON object a line.
  package static let metrics = "metrics.jsonl"
  package static let checkpoints = "checkpoints"
  /// What the last validation has found out: tables of figures, and some single outputs.
  package static let validation = "validation.json"
  /// What a run is to start from, until it has a checkpoint that knows.
  package static let start = "start.json"
  /// The lock of the job that works in the directory.
  package static let lock = "run.lock"
  /// What rank 0 tells of itself about once a second.
  package static let heartbeat = "heartbeat.json"
  /// What every rank tells of itself: `ranks/rank-00003.json`.
  package static let ranks = "ranks"
  /// What a supervisor keeps of itself.
  package static let daemonState = "daemon.json"
  /// What a supervisor has said.
  package static let daemonLog = "daemon.log"
  /// The lock of a supervisor.
  package static let daemonLock = "daemon.lock"
  /// The hosts that the daemon starts the job on.
  package static let daemonHosts = "daemon.hosts"
  /// What the job that a daemon started has printed; an older part has ".1" at its end.
  package static let jobLog = "job.log"

  /// What commands at events have printed; an older part has ".1" at its end.
  package static let hooksLog = "hooks.log"

  /// Names that make no run: those of a supervisor, which may be there before the run, and those of
  /// ranks that ended before it began.
  private static let companions: Set<String> = [
    heartbeat, ranks, daemonState, daemonLog, daemonLock, daemonHosts, jobLog, jobLog + ".1",
    start,
    hooksLog, hooksLog + ".1",
  ]

  /// Whether a name in a run directory says nothing about a run: a companion's, or that of a draft
  /// that `replace` did not finish.
  package static func isCompanion(_ name: String) -> Bool {
    companions.contains(name) || name.hasSuffix(".json" + draftSuffix)
  }

  private static let draftSuffix = ".tmp"

  /// The environment variable by which a supervisor recognises the job that it launched.
  package static let launchVariable = "GRU_DIST_LAUNCH"

  /// The status file of a rank, within the run directory.
  package static func rankName(_ rank: Int) -> String {
    let digits = String(rank)
    let zeros = String(repeating: "0", count: max(0, 5 - digits.utf8.count))
    return "\(ranks)/rank-\(zeros)\(digits).json"
  }

  /// Replaces a small file as a whole or not at all, so that a reader never sees half of it.
  ///
  /// - Parameter isDurable: whether it survives a loss of power when this returns.
  package static func replace(
    _ path: String, with value: OrderedJSON, isDurable: Bool = false
  ) throws(RunDirectoryError) {
    if let kind = FileStatus(path)?.kind, kind != .regular {
      throw RunDirectoryError("\(path): cannot write: it is \(kind.rawValue), expected a file")
    }
    let draft = path + draftSuffix
    // Whatever is left there, a pipe too, must not be written to.
    unsafe unlink(draft)
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure(path, code: errno) }
    let file = OutputFile(descriptor: descriptor, name: "'\(draft)'")
    var code: Int32 = 0
    do throws(OutputError) {
      try file.write(Array(value.pretty.utf8))
      if isDurable { try file.synchronize() }
    } catch {
      code = error.code
    }
    close(descriptor)
    if code == 0, unsafe rename(draft, path) != 0 { code = errno }
    guard code == 0 else {
      unsafe unlink(draft)
      throw failure(path, code: code)
    }
    guard isDurable else { return }
    do { try FileDraft.synchronizeDirectory(of: path) } catch {
      throw failure(path, code: error.code)
    }
  }

  private static func failure(_ path: String, code: Int32) -> RunDirectoryError {
    RunDirectoryError(
      "\(path): cannot write: \(SystemError.reason(code))"
        + (code == ENOSPC ? "; free some space" : ""))
  }

  /// The JSON in a small file; nil where there is none, it cannot be read, or it has more bytes.
  package static func read(_ path: String, atMost limit: Int = 1 << 26) -> OrderedJSON? {
    guard let bytes = LineReader.bytes(of: path, atMost: limit) else { return nil }
    return try? OrderedJSON(parsing: bytes)
  }
}

/// A run directory in which something cannot be written, removed or read.
package struct RunDirectoryError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
