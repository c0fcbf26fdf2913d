import ArgumentParser
import Foundation
import Records

/// The command line's root.
struct GRUDist: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gru-dist",
    abstract: "Train GRU networks, data-parallel over MPI.",
    discussion: """
      `gru-dist CONFIG` is `gru-dist train CONFIG`. Started by mpirun it joins the job; \
      otherwise it is a single process.

      Completion of commands and options in a shell: gru-dist --generate-completion-script bash \
      (or zsh, fish).

      Exit status: 0 done; 1 failed; 2 bad usage, config or corpus; 3 done, and the answer is no \
      (compare --exit-code, check --finished, overfit); 75 stopped by a signal after \
      a checkpoint, or before the first step (--resume goes on); \
      141 the reader of the output is gone.
      """,
    version: programVersion,
    subcommands: [
      InitCommand.self, TrainCommand.self, CheckCommand.self, PrepareCommand.self,
      EvaluateCommand.self,
      PredictCommand.self, SampleCommand.self, InspectCommand.self, ExportCommand.self,
      ImportCommand.self, RunsCommand.self, CompareCommand.self, PruneCommand.self,
      MetricsCommand.self, DashboardCommand.self, PlanCommand.self, DaemonCommand.self,
      DoctorCommand.self,
      LearningRateRangeCommand.self, OverfitCommand.self, MemoryCommand.self,
      BenchCommand.self, SelfTestCommand.self,
    ],
    defaultSubcommand: TrainCommand.self)
}

/// Options of commands that compute.
struct ComputeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Vector instructions: auto, portable (on arm64: NEON), avx2 or avx512; all give one result.",
      discussion: "The default is the environment variable GRU_DIST_ISA, or auto."))
  var isa: String?

  var instructionSet: String { isa ?? Self.defaultInstructionSet }

  /// What is taken without `--isa`.
  static var defaultInstructionSet: String {
    // An empty variable counts as none.
    let variable = ProcessInfo.processInfo.environment["GRU_DIST_ISA"] ?? ""
    return variable.isEmpty ? "auto" : variable
  }
}

/// Options of commands that print.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print JSON lines on standard output, and text on standard error.")
  var json = false
}
