import ArgumentParser
import Checkpoints
import Collectives
import Configuration
import Engine
import Foundation
import MPICollectives
import Records
import Runs
import Supervision

/// A config with what the command line changes in it.
struct ConfigOptions: ParsableArguments {
  @Argument(
    help: "The config, a JSON file; docs/config.md has all keys.",
    completion: .file(extensions: ["json"]))
  var config: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set a key of the config; may be repeated.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "The directory to write to (run.directory).", completion: .directory)
  var runDirectory: String?

  @Option(help: "The number of steps to reach (run.steps).")
  var steps: Int?

  @Option(help: "Passes over the training data to make, in place of steps (run.epochs).")
  var epochs: Double?

  @Option(help: "Threads of each rank; all usable cores shared between ranks by default.")
  var threads: Int?

  /// The options that the library takes.
  func options() -> TrainOptions {
    var options = TrainOptions(configFile: config)
    options.overrides = overrides.map { ConfigOverride(set: $0) }
    if let runDirectory {
      options.overrides.append(
        ConfigOverride("run.directory", .string(runDirectory), option: "--run-directory"))
    }
    if let steps {
      options.overrides.append(
        ConfigOverride("run.steps", .integer(steps), option: "--steps"))
    }
    if let epochs {
      options.overrides.append(
        ConfigOverride("run.epochs", .number(epochs), option: "--epochs"))
    }
    options.threads = threads
    return options
  }

  func validate() throws {
    if let epochs, !epochs.isFinite || epochs <= 0 {
      throw ValidationError("--epochs: expected a number above 0, found \(epochs)")
    }
    if let threads, !(1...4096 ~= threads) {
      throw ValidationError("--threads: expected 1 to 4096, found \(threads)")
    }
  }
}

struct TrainCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model (the default command).",
    discussion: """
      Started by mpirun, all ranks train one model; the result is the same for any number of them.

      EXAMPLES
        gru-dist configs/lm.json
        mpirun -np 4 gru-dist configs/lm.json --set optimizer.learning_rate=0.001 --set run.seed=2
        gru-dist configs/lm.json --resume --steps 4000
        gru-dist train configs/names.json --from runs/lm
        gru-dist configs/lm.json --resume --file news.txt --rehearsal 0.2
        mpirun -np 4 gru-dist configs/lm.json --trace trace.json --trace-steps 21-25
      """)

  @OptionGroup var config: ConfigOptions
  @OptionGroup var compute: ComputeOptions

  @Flag(help: "Go on from the run directory's newest whole checkpoint.")
  var resume = false

  @Flag(help: "Start over in a run directory that exists.")
  var overwrite = false

  @OptionGroup(title: "What to start from") var start: StartOptions

  @Flag(
    help: ArgumentHelp(
      "Check gradients and values on the way.",
      discussion: """
        A single process without MPI computes the same as any number of ranks, compares \
        gradients with central differences first, looks for values that are not finite, and \
        writes the statistics of every tensor and the fingerprint of every step.
        """))
  var debug = false

  @Option(
    help: ArgumentHelp(
      "Stop after that step as if by a signal: with a checkpoint, and status 75.",
      valueName: "step"))
  var stopAfter: Int?

  @Option(
    help: ArgumentHelp(
      "With --resume, pass over one more file after the last step, as daemon --watch does.",
      valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    help: ArgumentHelp(
      "The share of the batches of data.train among those of --file; "
        + "\(FilePass.usualRehearsal) by default."))
  var rehearsal: Double?

  @OptionGroup(title: "Timeline") var trace: TraceOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if file != nil && !resume {
      throw ValidationError("--file goes on with a run that has been trained: give --resume too")
    }
    if let rehearsal, !(rehearsal >= 0 && rehearsal <= 0.9) {
      throw ValidationError("--rehearsal: expected 0 to 0.9, found \(rehearsal)")
    }
    if rehearsal != nil && file == nil {
      throw ValidationError("--rehearsal is for a pass over a file: give --file too")
    }
    if let stopAfter, stopAfter < 1 {
      throw ValidationError("--stop-after: expected at least 1, found \(stopAfter)")
    }
    if resume && overwrite {
      throw ValidationError("--resume goes on and --overwrite starts over: give one of them")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    var options = config.options()
    options.instructionSet = compute.instructionSet
    options.resume = resume
    options.overwrite = overwrite
    options.debug = debug
    options.stopAfter = stopAfter
    options.start = start.request
    options.file = file
    options.rehearsal = rehearsal
    options.trace = trace.request
    options.json = output.json
    try communicator.agree {
      if debug && communicator.worldSize > 1 {
        throw UsageError(
          "--debug is a single process, found \(communicator.worldSize) ranks; start it without "
            + "mpirun: it computes the same")
      }
    }
    try requireEqualStarts(on: communicator)
    Signals.explainLostMemory()
    let run = try TrainingRun(
      options, on: communicator, launchedByMPI: MPICommunicator.isLaunchedByMPI)
    let status = try run.perform()
    if status == ExitStatus.done { try run.requireOutput() }
    return status
  }
}

extension TrainCommand {
  /// Throws on every rank unless all go on, start over or start, and do so alike.
  private func requireEqualStarts(on communicator: any Communicator) throws {
    let all = try communicator.allGather([resume, overwrite])
    guard let other = all.firstIndex(where: { $0 != all[0] }) else { return }
    func words(_ flags: [Bool]) -> String {
      flags[0] ? "--resume" : flags[1] ? "--overwrite" : "neither"
    }
    throw AgreedError(
      description: "of --resume and --overwrite rank \(other) was given \(words(all[other])) and "
        + "rank 0 \(words(all[0])); start all ranks with the same arguments",
      exitStatus: ExitStatus.badUsage)
  }
}

struct CheckCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a config, and print it in full with model size and memory plan.",
    discussion: """
      EXAMPLES
        gru-dist check configs/lm.json --set model.hidden=2048 --ranks 16
        gru-dist check configs/lm.json --finished && echo done
      """)

  @OptionGroup var config: ConfigOptions

  @Option(help: "Ranks that the memory plan is for; by default those of this job.")
  var ranks: Int?

  @Option(
    help: ArgumentHelp(
      "Only print the value of a key of the effective config, a line each; reads no data.",
      valueName: "key.path"),
    completion: .list(CheckCommand.keys))
  var key: [String] = []

  private static let keys = Config.reference.map(\.path).reduce(into: [String]()) { keys, path in
    if !keys.contains(path) { keys.append(path) }
  }

  @Flag(help: "Only print how many cores runs may use on this host; reads no data.")
  var cores = false

  @Flag(
    help: ArgumentHelp(
      "Only say whether the run is done: exit status 0, or 3 where steps are missing.",
      discussion: """
        By its newest checkpoint, and the last word of its rank 0; of the job that the environment \
        variable GRU_DIST_LAUNCH names, where it is set.
        """))
  var finished = false

  @Flag(
    help: """
      Only print how many threads of each rank are of use, shards and what they share counted; \
      reads no data.
      """)
  var usefulThreads = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let ranks, !(1...65_536 ~= ranks) {
      throw ValidationError("--ranks: expected 1 to 65536, found \(ranks)")
    }
  }

  func run(on communicator: any Communicator) throws -> Int32 {
    if cores {
      return try runOnce(json: false, on: communicator) { console in
        console.say("\(try UsableCores.threadsPerRank(SoloCommunicator()))")
      }
    }
    if finished { return try runFinished(on: communicator) }
    if usefulThreads {
      return try runOnce(json: false, on: communicator) { console in
        let options = config.options()
        let settled = try Config(file: options.configFile, overrides: options.overrides)
        console.say("\(settled.usefulThreads(ranks: ranks ?? communicator.worldSize))")
      }
    }
    if !key.isEmpty {
      return try runOnce(json: false, on: communicator) { console in
        let options = config.options()
        let settled = try Config(file: options.configFile, overrides: options.overrides)
        for key in key { console.say(try settled.text(of: key)) }
      }
    }
    var check = ConfigCheck(options: config.options())
    check.ranks = ranks ?? communicator.worldSize
    return try runOnce(json: output.json, on: communicator) { try check.run(console: $0) }
  }

  /// Says whether the run is done.
  private func runFinished(on communicator: any Communicator) throws -> Int32 {
    var isDone = false
    let status = try runOnce(json: false, on: communicator) { console in
      let options = config.options()
      let effective = try Config(file: options.configFile, overrides: options.overrides)
      let run = FinishedRun(
        effective, launch: ProcessInfo.processInfo.environment[RunFiles.launchVariable])
      isDone = run.isDone
      console.say(run.words)
    }
    return try communicator.share(isDone ? [1] : [0]) == [1] ? status : ExitStatus.no
  }
}

extension Config {
  /// The value of a key, for a shell: texts as they are, anything else as JSON.
  fileprivate func text(of key: String) throws -> String {
    if key == "run.steps", run.epochs != nil {
      throw UsageError(
        "--key run.steps: run.epochs says how long the run is, and how many steps that is will be "
          + "known once the data are read; check without --key says it")
    }
    var value = json
    for name in key.split(separator: ".") {
      guard let inner = value[String(name)] else {
        throw UsageError(
          "--key \(key): there is no such key in the effective config; \(hint(forKey: key))")
      }
      value = inner
    }
    return value.stringValue ?? value.line
  }
}
