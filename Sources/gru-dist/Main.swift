import ArgumentParser
import Collectives
import Engine
import Foundation
import MPICollectives
import Records

/// The process: joins the job, runs one command, and ends with its status.
@main
enum Main {
  static func main() {
    // Whoever dies from now on is missed.
    _ = LaunchedProcess.isStartedByLauncher
    Console.openStandardFiles()
    // A reader that goes away ends its pipe, not the training.
    signal(SIGPIPE, SIG_IGN)
    let parsed = CommandLineOutcome()
    // Joining the job takes a while, and a stop may come meanwhile.
    if parsed.command is TrainCommand { Signals.listenAsRun() }
    let watch = LauncherWatch()
    let communicator: any Communicator
    do {
      communicator =
        MPICommunicator.isLaunchedByMPI ? try MPICommunicator() : SoloCommunicator()
      watch.join(
        rank: communicator.rank, worldSize: communicator.worldSize, host: communicator.hostName)
    } catch {
      Console.complain("gru-dist: error: \(error)")
      exit(ExitStatus.failed)
    }
    let status = perform(parsed, on: communicator)
    // Its end in good order is under way.
    watch.end()
    leave(communicator, status: status)
  }

  /// Runs the command of this rank's command line, once all ranks have the same.
  private static func perform(
    _ parsed: CommandLineOutcome, on communicator: any Communicator
  ) -> Int32 {
    do {
      try LaunchedProcess.requireKnownTasks(worldSize: communicator.worldSize)
      guard let command = try parsed.agreed(on: communicator) else { return parsed.status }
      return try command.run(on: communicator)
    } catch {
      let status = ExitStatus.of(error)
      if error is any CommonError || communicator.worldSize == 1 {
        if communicator.rank == 0, status != ExitStatus.readerGone {
          Console.complain("gru-dist: error: \(error)")
        }
        return status
      }
      // Only this rank knows, and the others wait for it.
      let place =
        error is CollectiveError ? "" : "rank \(communicator.rank) on \(communicator.hostName): "
      Console.complain("gru-dist: error: \(place)\(error)")
      exitSoon(status)
      communicator.abort(status: status)
    }
  }

  /// Leaves the job: nobody does before rank 0 has spoken, because a launcher ends all ranks once
  /// one has failed.
  private static func leave(_ communicator: any Communicator, status: Int32) -> Never {
    try? communicator.barrier()
    // The ranks are done. A launcher that is stopped, or gone, has to be waited for no longer.
    exitSoon(status)
    try? communicator.finalize()
    exit(status)
  }

  /// Ends the process, where its end in good order takes too long.
  private static func exitSoon(_ status: Int32) {
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 5)
      _exit(status)
    }
  }
}

/// A command that every rank of a job runs.
protocol RankedCommand: ParsableCommand {
  /// - Returns: the exit status.
  /// - Throws: a `CommonError` on every rank alike; what a rank throws alone ends the job.
  func run(on communicator: any Communicator) throws -> Int32
}

extension RankedCommand {
  /// What a command does that needs no ranks: rank 0 does it, and all end alike.
  func runOnce(
    json: Bool, on communicator: any Communicator, _ body: (Console) throws -> Void
  ) throws -> Int32 {
    let console = Console(isJSON: json, isCoordinator: communicator.rank == 0)
    try communicator.coordinate {
      try body(console)
      try console.requireWritten()
    }
    return ExitStatus.done
  }

  /// Throws on every rank where there are several.
  func requireOneProcess(_ words: String, _ communicator: any Communicator) throws {
    try communicator.agree { if communicator.worldSize > 1 { throw UsageError(words) } }
  }
}
