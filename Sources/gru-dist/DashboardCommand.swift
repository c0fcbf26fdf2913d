import ArgumentParser
import Collectives
import Dashboard
import Engine
import Foundation
import Records

struct DashboardCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "dashboard", abstract: "Show runs in a browser.",
    discussion: """
      Serves a page with live curves of all runs at and below a directory, /api/runs and \
      /api/run?name=NAME as JSON, /api/metrics.csv?name=NAME, and /metrics for Prometheus. It only \
      reads. On another address than a loopback one the page needs a token, which is printed.

      EXAMPLES
        gru-dist dashboard runs
        gru-dist dashboard runs --address 0.0.0.0 --port 8080
      """)

  @Argument(help: "A directory with runs in it, or a run.", completion: .directory)
  var directory = "runs"

  @Option(help: "The address to listen on.") var address = "127.0.0.1"
  @Option(help: "The port; 0 takes a free one.") var port = 6886
  @Option(help: "The token to ask for; a random one by default where the address needs one.")
  var token: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let token, token.isEmpty || !token.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
    {
      throw ValidationError("--token: expected ASCII letters and digits")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    try requireOneProcess("dashboard is a single process; start it without mpirun", communicator)
    let server = try DashboardServer(
      directory: directory, address: address, port: port, token: token)
    server.run(console: Console(isJSON: output.json, isCoordinator: true))
    return ExitStatus.done
  }
}

struct MetricsCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print a run's metrics as comma-separated values.",
    discussion: """
      EXAMPLES
        gru-dist metrics runs/lm > train.csv
        gru-dist metrics runs/lm --kind valid
      """)

  @Argument(help: "A run directory.", completion: .directory)
  var path: String

  @Option(help: "The records to print: train, valid, checkpoint, event, resume or sample.")
  var kind = "train"

  func run(on communicator: any Communicator) throws -> Int32 {
    try communicator.coordinate {
      let table = try MetricsTable(run: path, kind: kind)
      Console.write(Array(table.csv.utf8), to: STDOUT_FILENO)
    }
    return ExitStatus.done
  }
}
