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
    Console.openStandardFiles()
    // A reader that goes away ends its pipe, not the training.
    signal(SIGPIPE, SIG_IGN)
    let communicator: any Communicator
    do {
      communicator =
        MPICommunicator.isLaunchedByMPI ? try MPICommunicator() : SoloCommunicator()
    } catch {
      Console.complain("gru-dist: error: \(error)")
      exit(ExitStatus.failed)
    }
    let status = perform(on: communicator)
    // Nobody leaves before rank 0 has spoken: a launcher ends all ranks once one has failed.
    try? communicator.finalize()
    exit(status)
  }

  /// Parses the command line and runs its command on this rank.
  private static func perform(on communicator: any Communicator) -> Int32 {
    var command: any ParsableCommand
    do {
      command = try GRUDist.parseAsRoot()
      if !(command is any RankedCommand) { try command.run() }
    } catch {
      return explain(error, on: communicator)
    }
    guard let ranked = command as? any RankedCommand else { return ExitStatus.done }
    do {
      return try ranked.run(on: communicator)
    } catch let error as CollectiveError where communicator.worldSize > 1 {
      // Only this rank knows, and the others wait for it.
      Console.complain("gru-dist: error: \(error)")
      communicator.abort(status: ExitStatus.failed)
    } catch {
      if communicator.rank == 0 { Console.complain("gru-dist: error: \(error)") }
      return ExitStatus.of(error)
    }
  }

  /// Prints help, or what is wrong with the command line; once, since all ranks find the same.
  private static func explain(_ error: any Error, on communicator: any Communicator) -> Int32 {
    let isFine = GRUDist.exitCode(for: error).isSuccess
    if communicator.rank == 0 {
      let text = GRUDist.fullMessage(for: error)
      if isFine {
        Console.write(Array((text + "\n").utf8), to: STDOUT_FILENO)
      } else {
        Console.complain(text)
      }
    }
    try? communicator.barrier()
    return isFine ? ExitStatus.done : ExitStatus.badUsage
  }
}

/// A command that every rank of a job runs.
protocol RankedCommand: ParsableCommand {
  /// - Returns: the exit status.
  /// - Throws: the same error on every rank.
  func run(on communicator: any Communicator) throws -> Int32
}

extension RankedCommand {
  /// What a command does that needs no ranks: rank 0 does it, and all end alike.
  func runOnce(
    json: Bool, on communicator: any Communicator, _ body: (Console) throws -> Void
  ) throws -> Int32 {
    let console = Console(isJSON: json, isCoordinator: communicator.rank == 0)
    try communicator.coordinate { try body(console) }
    return ExitStatus.done
  }
}
