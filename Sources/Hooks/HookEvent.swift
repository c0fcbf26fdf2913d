/// Something that happens to a run, at which a command can be started.
package struct HookEvent: Sendable {
  /// What happened.
  package enum Kind: String, Sendable, CaseIterable {
    /// A checkpoint is whole and on the disk.
    case checkpoint
    /// It is the best so far.
    case best
    /// The run has made its last step.
    case done
    /// The run ends with an error.
    case failed
  }

  package var kind: Kind
  package var step: Int
  /// What the command finds in its environment, by names without their common beginning.
  package var figures: [String: String]

  package init(_ kind: Kind, step: Int, figures: [String: String]) {
    self.kind = kind
    self.step = step
    self.figures = figures
  }

  /// How the names begin of what a command is told.
  private static let prefix = "GRU_DIST_"

  /// Variables of launchers of MPI jobs: a command that finds them would take itself for a rank.
  private static let launchers = [
    "OMPI_", "PMIX_", "PMI_", "PMI2_", "MPI_", "MPIR_", "MPIEXEC_", "HYDRA_", "HYDI_", "MV2_",
    "PRTE_", "ORTE_", "I_MPI_", "SLURM_STEP_NUM_TASKS", "GRU_DIST_LAUNCH",
  ]
  /// What a command needs that starts a job of its own.
  private static let kept: Set = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]

  /// The environment of its command: what this process was started with, but for its rank, and the
  /// event.
  func environment(from own: [String: String]) -> [String: String] {
    var variables = own.filter { name, _ in
      Self.kept.contains(name) || !Self.launchers.contains { name.hasPrefix($0) }
    }
    variables[Self.prefix + "EVENT"] = kind.rawValue
    variables[Self.prefix + "STEP"] = String(step)
    // A zero would end the variable.
    for (name, value) in figures {
      variables[Self.prefix + name] = value.replacing("\0", with: " ")
    }
    return variables
  }
}

/// How a command went wrong.
package struct HookFailure: Sendable, Equatable {
  package var kind: HookEvent.Kind
  package var step: Int
  package var reason: String
  /// Failures of this start of the run so far, this one included.
  package var count: Int
  /// Whether it is the first of its kind of event, which a person is to hear of.
  package var isFirst: Bool
}
