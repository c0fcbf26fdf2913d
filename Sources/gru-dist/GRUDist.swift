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

      A config to begin with: gru-dist init. Completion in a shell: gru-dist completions.

      Exit status: \(GRUDist.exitStatuses).
      """,
    version: programVersion,
    subcommands: [SelfTestCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Begin",
        subcommands: [
          InitCommand.self, CheckCommand.self, PrepareCommand.self, DoctorCommand.self,
        ]),
      CommandGroup(
        name: "Train",
        subcommands: [
          TrainCommand.self, DaemonCommand.self, LearningRateRangeCommand.self,
          OverfitCommand.self,
        ]),
      CommandGroup(
        name: "Use a model",
        subcommands: [
          EvaluateCommand.self, PredictCommand.self, SampleCommand.self, ExportCommand.self,
          ImportCommand.self,
        ]),
      CommandGroup(
        name: "Look after runs",
        subcommands: [
          RunsCommand.self, CompareCommand.self, InspectCommand.self, MetricsCommand.self,
          DashboardCommand.self, PruneCommand.self,
        ]),
      CommandGroup(
        name: "Measure and plan",
        subcommands: [BenchCommand.self, PlanCommand.self, MemoryCommand.self]),
      CommandGroup(
        name: "Install", subcommands: [CompletionsCommand.self, ManualCommand.self]),
    ],
    defaultSubcommand: TrainCommand.self)

  private static let exitStatuses =
    ExitStatus.meanings.map { "\($0.status) \($0.words)" }.joined(separator: "; ")

  /// The parser's help, whose groups of commands are named by what somebody wants.
  static func readable(_ help: String) -> String { help.replacing(" SUBCOMMANDS:", with: ":") }
}

/// Options of commands that compute.
struct ComputeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Vector instructions: auto, portable (on arm64: NEON), avx2 or avx512; all give one result.",
      discussion: "The default is the environment variable GRU_DIST_ISA, or auto."),
    completion: .list(["auto", "portable", "avx2", "avx512"]))
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
