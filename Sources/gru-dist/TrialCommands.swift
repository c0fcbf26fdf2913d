import ArgumentParser
import Collectives
import Configuration
import Engine
import Records
import Runs
import Studies

struct LearningRateRangeCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "lr-range", abstract: "Find the learning rates at which a config learns.",
    discussion: """
      Trains from the first step while the learning rate rises exponentially from --from to --to, \
      and ends where the loss diverges. Says where the smoothed loss falls the fastest, where it \
      is the least, and a tenth of that. Writes nothing but the file of --output.

      EXAMPLES
        gru-dist lr-range configs/lm.json
        gru-dist lr-range configs/digits.json --steps 300 --output range.csv
        mpirun -np 2 gru-dist lr-range configs/lm.json --set optimizer.name=sgd --to 1000 --json
      """)

  @Argument(
    help: "The config, a JSON file; docs/config.md has all keys.",
    completion: .file(extensions: ["json"]))
  var config: String

  @OptionGroup var trial: TrialOptions

  @Option(help: "The first learning rate.") var from = 1e-7
  @Option(help: "The last learning rate.") var to = 10.0
  @Option(help: "Steps from the first rate to the last, 40 at least.") var steps = 100

  @Option(help: "Write the curve there as comma-separated values.", completion: .file())
  var output: String?
  @Flag(help: "Replace the file of --output.") var overwrite = false
  @OptionGroup var compute: ComputeOptions
  @Flag(help: "Print JSON lines on standard output, and text on standard error.")
  var json = false

  func run(on communicator: any Communicator) throws -> Int32 {
    var options = trial.options(of: config)
    options.instructionSet = compute.instructionSet
    options.overwrite = overwrite
    var range = LearningRateRange(options: options)
    range.from = from
    range.to = to
    range.steps = steps
    range.output = output
    let console = Console(isJSON: json, isCoordinator: communicator.rank == 0)
    try range.run(on: communicator, console: console)
    return ExitStatus.done
  }
}

struct OverfitCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "overfit", abstract: "Check a config: can it learn one batch by heart?",
    discussion: """
      Trains on the first batch again and again, without dropout, label smoothing, weight decay, \
      jitter and schedule, until its loss is near zero. What is left out is said.

      Exit status: 0 where the loss was reached, 3 where it was not in that many steps.

      EXAMPLES
        gru-dist overfit configs/digits.json
        gru-dist overfit configs/lm.json --steps 300 --loss 0.5
      """)

  @Argument(
    help: "The config, a JSON file; docs/config.md has all keys.",
    completion: .file(extensions: ["json"]))
  var config: String

  @OptionGroup var trial: TrialOptions

  @Option(help: "Most steps.") var steps = 1000
  @Option(help: "The loss to reach; by default a twentieth of the first one.")
  var loss: Double?
  @OptionGroup var compute: ComputeOptions
  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var options = trial.options(of: config)
    options.instructionSet = compute.instructionSet
    var check = OverfitTrial(options: options)
    check.steps = steps
    check.loss = loss
    let console = Console(isJSON: output.json, isCoordinator: communicator.rank == 0)
    return try check.run(on: communicator, console: console) ? ExitStatus.done : ExitStatus.no
  }
}

/// What can be changed of a config that is tried without a run.
struct TrialOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set a key of the config; may be repeated.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "Threads of each rank; all usable cores shared between ranks by default.")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...4096 ~= threads) {
      throw ValidationError("--threads: expected 1 to 4096, found \(threads)")
    }
  }

  /// The options that the library takes.
  func options(of config: String) -> TrainOptions {
    var options = TrainOptions(configFile: config)
    options.overrides = overrides.map { ConfigOverride(set: $0) }
    options.threads = threads
    return options
  }
}
