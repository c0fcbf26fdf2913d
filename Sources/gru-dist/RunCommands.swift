import ArgumentParser
import Catalog
import Collectives
import Engine
import Records
import Runs

struct RunsCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List the runs at and below a directory.",
    discussion: """
      A line for each run: what it is doing or how it ended, its step, the value and step of its \
      best checkpoint, by which measure that is and in what unit, what it takes on the disk, how \
      long ago it gave a sign of life, and on which host. What is damaged is told below the table, \
      and so are directories without runs. Of checkpoints, sizes, headers and small files are \
      compared with the manifests; with --verify every byte. It only reads, also while runs go on.

      EXAMPLES
        gru-dist runs
        gru-dist runs /data/experiments
        gru-dist runs --verify /data/experiments
        gru-dist runs --json runs | jq -r 'select(.state == "failed") | .path'
      """)

  @Argument(help: "A directory with runs in it, or a run.", completion: .directory)
  var directory = "runs"

  @Flag(help: "Compare every byte of all checkpoints with their manifests, which takes longer.")
  var verify = false

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    try runOnce(json: output.json, on: communicator) {
      try RunTable(directory: directory, verifies: verify).run(console: $0)
    }
  }
}

struct CompareCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Show what differs between two configs or runs.",
    discussion: """
      Values of the effective configs, defaults included; of two runs also the version of the \
      numeric contract, hashes of their data, vocabularies, what was learnt from the data, and how \
      far and how good they are, by their newest checkpoints. What is equal is left out. A config \
      is compared with a run by the run's config.

      Exit status: 0, whether anything differs or not; with --exit-code 3 where something does.

      EXAMPLES
        gru-dist compare runs/a runs/b
        gru-dist compare configs/lm.json runs/lm
        gru-dist compare configs/lm.json configs/lm-small.json --exit-code || echo different
      """)

  @Argument(help: "A config, a run directory or a checkpoint.", completion: .file())
  var a: String

  @Argument(help: "Another one.", completion: .file())
  var b: String

  @Flag(help: "Exit with status 3 where something differs.")
  var exitCode = false

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var differ = false
    let status = try runOnce(json: output.json, on: communicator) {
      differ = try RunComparison(a, b).run(console: $0)
    }
    guard status == ExitStatus.done, exitCode else { return status }
    return try communicator.share(differ ? [1] : [0]) == [1] ? ExitStatus.no : status
  }
}

struct PruneCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Leave a run nothing but its best model.",
    discussion: """
      Keeps the model of one checkpoint, with a manifest of its own, the config and the metrics; \
      verifies it, and then removes all other checkpoints and the optimiser's state. The run \
      cannot be resumed after that; evaluate, predict, sample, export and inspect go on as before. \
      A run that is in use is refused. Where it is interrupted, it leaves the run or the model \
      whole, and the same command ends what was begun.

      EXAMPLES
        gru-dist prune runs/lm --dry-run
        gru-dist prune runs/lm
        for run in runs/*; do gru-dist prune "$run"; done
      """)

  @Argument(help: "A run directory.", completion: .directory)
  var path: String

  @OptionGroup(title: "Which checkpoint") var checkpoint: CheckpointOptions

  @Flag(help: "Only say what would be kept and removed.")
  var dryRun = false

  @OptionGroup var output: OutputOptions

  func run(on communicator: any Communicator) throws -> Int32 {
    var pruning = RunPruning(path: path)
    pruning.wish = checkpoint.wish
    pruning.isDryRun = dryRun
    return try runOnce(json: output.json, on: communicator) { try pruning.run(console: $0) }
  }
}
