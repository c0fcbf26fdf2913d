import Foundation
import MPICollectives
import Records

/// What this process knows of the launcher that may have started it.
///
/// Variables of a launcher outlive its job in every shell that it started, so they tell nothing
/// certain: MPI's own answer counts.
enum LaunchedProcess {
  /// The process that started this one, as it was at the start.
  static let parent = getppid()

  /// Whether that process has a launcher's name; to be asked while it is there.
  static let isStartedByLauncher = isLauncher(parent)

  private static func isLauncher(_ pid: Int32) -> Bool {
    guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/comm") else {
      return false
    }
    let name = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
    return launchers.contains(name)
  }

  /// Names of programs, as far as the system keeps them (15 letters).
  private static let launchers: Set<String> = [
    "mpirun", "mpiexec", "mpirun.openmpi", "mpiexec.openmpi", "orterun", "orted", "prterun",
    "prun", "prte", "prted", "mpiexec.hydra", "mpirun.mpich", "mpiexec.mpich", "hydra_pmi_proxy",
    "srun", "slurmstepd",
  ]

  /// Variables by which a launcher says how many tasks it has started, its own before those of what
  /// it runs in.
  private static let sizes = [
    "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS",
  ]

  /// Throws where a launcher says that it started several tasks, and MPI does not know of them:
  /// each would train alone, and write over the others' files.
  static func requireKnownTasks(
    worldSize: Int, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    // The first one is that of the innermost launcher.
    for name in sizes {
      guard let value = environment[name], let size = Int(value) else { continue }
      if size <= worldSize { return }
      throw UsageError(
        "\(name)=\(size) says that this is one of \(size) tasks, and MPI knows "
          + "\(Format.count(worldSize, "rank")): this program's MPI library did not take them for "
          + "one job, and each would train alone. Start them by the mpirun of that library, or "
          + "by srun --mpi=pmix where it has that; to go on alone, unset \(name)")
    }
  }
}
