import Checkpoints
package import Configuration
package import Records

/// What a supervisor was asked to do.
package struct SupervisorOptions: Sendable {
  /// Of the job; its run directory is where the supervisor keeps its own files.
  package var config: Config
  /// This program, which the launcher starts once for each rank.
  package var program: String
  /// The arguments of `train`, without those that the supervisor adds.
  package var trainArguments: [String]
  package var ranks: Int
  package var hostfile: String?
  /// What starts the ranks, up to but not including the program; `{np}` and `{hostfile}` stand for
  /// the number of ranks and the hosts. Empty means the mpirun of the MPI library.
  package var launcher: [String] = []
  /// Of this program's MPI library: how its mpirun is called, and which signal stops it well.
  package var family = MPIFamily.openMPI
  /// A shell command that succeeds when the host `{host}` can take ranks.
  package var probe = "ssh -o BatchMode=yes -o ConnectTimeout=5 {host} true"
  /// Failures in a row without a new checkpoint after which the supervisor gives up.
  package var maxFailures = 5
  /// Seconds before the first restart; doubled for every further failure without progress.
  package var backOff = 0.25
  /// Seconds without a heartbeat after which the job counts as dead.
  package var silence = 60.0
  /// The folder whose files the run passes over after its last step; nil for none.
  package var watched: WatchedFolder?
  /// The share of each pass that rehearses the data that the run began with.
  package var rehearsal = FilePass.usualRehearsal
  /// Whether the job's output is repeated on standard output.
  package var isQuiet = false

  package init(config: Config, program: String, trainArguments: [String], ranks: Int) {
    self.config = config
    self.program = program
    self.trainArguments = trainArguments
    self.ranks = ranks
  }

  package var runDirectory: String { config.run.directory }

  /// The longest wait before a restart, in seconds.
  static let longestBackOff = 60.0

  /// The command that starts the job on `ranks` ranks, to pass over a file where there is one.
  func command(ranks: Int, hostfile: String?, file: String? = nil) -> [String] {
    var words = launcher
    if words.isEmpty {
      words = family.launcher(
        hasHostfile: hostfile != nil, exported: RunFiles.launchVariable)
    }
    words = words.map {
      $0.replacing("{np}", with: "\(ranks)").replacing("{hostfile}", with: hostfile ?? "")
    }
    let passing = file.map { ["--file", $0, "--rehearsal", "\(rehearsal)"] } ?? []
    return words + [program, "train"] + trainArguments + ["--resume"] + passing
  }
}
