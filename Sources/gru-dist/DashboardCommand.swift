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
      reads. On another address than a loopback one the page needs a token, which is printed. \
      Whoever lists processes sees --token, but not what --token-file or GRU_DIST_TOKEN give.

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
  @Option(help: "A file with the token in its first line.", completion: .file())
  var tokenFile: String?
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if token != nil, tokenFile != nil {
      throw ValidationError("give --token or --token-file, not both")
    }
  }

  /// What is given, in the order of --token, --token-file and the environment.
  private func givenToken() throws -> DashboardToken? {
    if let token { return try DashboardToken(token, from: "--token") }
    if let tokenFile { return try DashboardToken(file: tokenFile) }
    return try ProcessInfo.processInfo.environment[DashboardToken.variable].map {
      try DashboardToken($0, from: DashboardToken.variable)
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    try requireOneProcess("dashboard is a single process; start it without mpirun", communicator)
    let server = try DashboardServer(
      directory: directory, address: address, port: port, token: try givenToken())
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

  @Option(
    help: "The records to print: train, valid, prequential, checkpoint, event, resume or sample.",
    completion: .list([
      "train", "valid", "prequential", "checkpoint", "event", "resume", "sample",
    ]))
  var kind = "train"

  func run(on communicator: any Communicator) throws -> Int32 {
    try runOnce(json: false, on: communicator) { console in
      let table = try MetricsTable(run: path, kind: kind)
      try table.requireRecords()
      if table.damagedLineCount > 0 {
        let lines = Format.count(table.damagedLineCount, "damaged line")
        Console.complain("gru-dist: warning: '\(path)': \(lines) left out")
      }
      while let part = try table.nextPart() { try console.emit(part) }
    }
  }
}
