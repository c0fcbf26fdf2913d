import ArgumentParser
import Checkpoints
import Collectives
import Configuration
import Foundation
import MPICollectives
import Records
import Runs
import Supervision

struct DaemonCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "daemon", abstract: "Keep a training job alive until it is done.",
    discussion: """
      Starts mpirun, which starts `train CONFIG --resume` on every rank, and starts it again from \
      the newest checkpoint when a rank, the launcher or a host dies or hangs. SIGTERM or SIGINT \
      stops the job after a checkpoint (exit status 75); a second SIGINT kills it. SIGUSR1 is \
      passed on. Started again after it was killed itself, it takes up the job that it left.

      Another launcher is given after --, with {np} and {hostfile} in their places: \
      gru-dist daemon --np 8 CONFIG -- srun --mpi=pmix --ntasks {np} --kill-on-bad-exit

      With --watch it goes on for ever: each file that arrives in a directory is passed over once, \
      in the order of names, with batches of data.train in between (--rehearsal).

      EXAMPLES
        gru-dist daemon --np 2 configs/lm.json
        gru-dist daemon --np 2 configs/names.json --from runs/lm
        gru-dist daemon --np 2 --watch incoming configs/lm.json
        gru-dist daemon --np 16 --hostfile hosts configs/lm.json --max-failures 3
      """)

  @OptionGroup var config: ConfigOptions
  @OptionGroup var compute: ComputeOptions
  @OptionGroup(title: "What to start from") var start: StartOptions

  @Option(help: "The number of ranks.")
  var np: Int

  @Option(help: "The hosts, one a line, with slots=N; hosts that do not answer are left out.")
  var hostfile: String?

  @Option(
    help: ArgumentHelp(
      "A shell command that succeeds when the host {host} can take ranks.",
      valueName: "command"))
  var probe = "ssh -o BatchMode=yes -o ConnectTimeout=5 {host} true"

  @Option(help: "Failures in a row without a new checkpoint after which to give up.")
  var maxFailures = 5

  @Option(help: "Seconds before the first restart; twice as many before each further one.")
  var backOff = 0.25

  @Option(help: "Seconds without a heartbeat after which the job is killed and restarted.")
  var silence = 60.0

  @Option(
    help: ArgumentHelp(
      "After the last step, train on each file that arrives in a directory, once.",
      valueName: "directory"),
    completion: .directory)
  var watch: String?

  @Option(
    help: ArgumentHelp(
      "The share of the batches of data.train among those of a file, from 0 to 0.9; "
        + "\(FilePass.usualRehearsal) by default."))
  var rehearsal: Double?

  @Option(
    help: ArgumentHelp(
      "Seconds for which a file must not change before it is taken; "
        + "\(Int(Self.usualSettle)) by default."))
  var settle: Double?

  @Flag(help: "Do not repeat the job's output, which is in job.log of the run directory.")
  var quiet = false

  @Argument(parsing: .postTerminator, help: "Another launcher than mpirun, with its arguments.")
  var launcher: [String] = []

  private static let usualSettle = 2.0

  func validate() throws {
    if !(1...65_536 ~= np) {
      throw ValidationError("--np: expected 1 to 65536, found \(np)")
    }
    if maxFailures < 0 {
      throw ValidationError("--max-failures: expected at least 0, found \(maxFailures)")
    }
    if !(backOff >= 0 && backOff <= 3600) {
      throw ValidationError("--back-off: expected 0 to 3600 seconds, found \(backOff)")
    }
    for (option, value) in [("--rehearsal", rehearsal), ("--settle", settle)]
    where watch == nil && value != nil {
      throw ValidationError("\(option) is for files of a directory: give --watch too")
    }
    if let rehearsal, !(rehearsal >= 0 && rehearsal <= 0.9) {
      throw ValidationError("--rehearsal: expected 0 to 0.9, found \(rehearsal)")
    }
    if let settle, !(settle >= 0 && settle <= 3600) {
      throw ValidationError("--settle: expected 0 to 3600 seconds, found \(settle)")
    }
    if !(silence >= 1 && silence <= 1e6) {
      throw ValidationError("--silence: expected 1 to 1000000 seconds, found \(silence)")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    try requireOneProcess(
      "daemon starts the launcher itself; start it without mpirun", communicator)
    let trainOptions = config.options()
    let effective = try Config(file: trainOptions.configFile, overrides: trainOptions.overrides)
    try effective.validate(ranks: np, place: "--np \(np)")
    guard let program = Bundle.main.executablePath else {
      throw UsageError("this program's own file cannot be found")
    }
    var options = SupervisorOptions(
      config: effective, program: program, trainArguments: trainArguments, ranks: np)
    options.hostfile = hostfile
    options.launcher = launcher
    options.family = MPIFamily(libraryVersion: MPICommunicator.libraryVersion)
    options.probe = probe
    options.maxFailures = maxFailures
    options.backOff = backOff
    options.silence = silence
    options.isQuiet = quiet
    options.rehearsal = rehearsal ?? FilePass.usualRehearsal
    options.watched = try watch.map { try watched($0, effective) }
    return try Supervisor(options).run()
  }

  /// The folder to watch.
  private func watched(_ path: String, _ config: Config) throws -> WatchedFolder {
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { throw UsageError("--watch: '\(path)' is no directory; make it first") }
    if config.data.train.isEmpty {
      throw UsageError("--watch: the task of this config makes its data, and reads no file")
    }
    return WatchedFolder(path: path, settle: settle ?? Self.usualSettle)
  }

  /// What the command line says of the training itself.
  private var trainArguments: [String] {
    var arguments = [config.config]
    for override in config.overrides { arguments += ["--set", override] }
    if let directory = config.runDirectory { arguments += ["--run-directory", directory] }
    if let steps = config.steps { arguments += ["--steps", "\(steps)"] }
    if let epochs = config.epochs { arguments += ["--epochs", "\(epochs)"] }
    if let threads = config.threads { arguments += ["--threads", "\(threads)"] }
    if let isa = compute.isa { arguments += ["--isa", isa] }
    return arguments + start.arguments
  }
}
