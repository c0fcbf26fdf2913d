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

  /// How variables begin by which launchers tell a rank of its job: a command that finds them would
  /// take itself for that rank. Settings that people make for jobs (`OMPI_MCA_...`,
  /// `PRTE_MCA_...`) are none.
  private static let launchers = [
    "OMPI_COMM_", "OMPI_UNIVERSE_SIZE", "OMPI_APP_CTX_", "OMPI_NUM_APP_CTX", "OMPI_FIRST_RANKS",
    "OMPI_FILE_LOCATION", "OMPI_COMMAND", "OMPI_ARGV", "OMPI_MCA_ess", "OMPI_MCA_initial_wdir",
    "OMPI_WORLD_", "OMPI_TOOL_NAME", "OMPI_VERSION", "OMPI_LIBDIR_LOC", "OMPI_MCA_PREFIXES",
    "OMPI_MCA_cpu_type", "OMPI_MCA_num_procs", "OMPI_MCA_mpi_oversubscribe", "OMPI_MCA_pmix",
    "OMPI_MCA_shmem_RUNTIME_QUERY_hint", "OMPI_MCA_orte_", "PMIX_", "PMI_", "PMI2_", "MPI_",
    "MPIR_", "MPIEXEC_", "HYDRA_", "HYDI_", "MV2_", "PRTE_LAUNCHED", "PRTE_SHARED_FS", "ORTE_",
    "I_MPI_", "SLURM_STEP_NUM_TASKS", "GRU_DIST_LAUNCH",
  ]
  /// Settings among these that launchers read and do not make.
  private static let kept: Set = [
    "OMPI_MCA_orte_default_hostfile", "OMPI_MCA_orte_rsh_agent",
    "OMPI_MCA_orte_keep_fqdn_hostnames", "OMPI_MCA_orte_set_default_slots",
    "OMPI_MCA_orte_allowed_exit_without_sync", "PMIX_MCA_gds",
  ]

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
