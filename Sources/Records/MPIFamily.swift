#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The kinds of MPI libraries, as far as their launchers differ.
package enum MPIFamily: Sendable {
  /// Open MPI, whose mpirun passes SIGUSR1 and SIGUSR2 on to the ranks, and gives them only a
  /// moment after SIGTERM.
  case openMPI
  /// MPICH and what is made of it (Intel MPI, Cray MPICH). Its mpirun (Hydra) passes SIGTERM and
  /// SIGUSR1 on to the ranks, waits for them, and dies of SIGUSR2.
  case mpich

  /// The family of a library that says of itself `libraryVersion`
  /// (`MPI_Get_library_version`, MPI 3.1, section 8.1.1).
  package init(libraryVersion: String) {
    self = libraryVersion.contains("Open MPI") ? .openMPI : .mpich
  }

  /// The command that starts ranks of a program; `{np}` and `{hostfile}` stand for the number of
  /// ranks and the hosts.
  ///
  /// - Parameter exported: a variable of the environment that the ranks need; Hydra passes all on.
  package func launcher(hasHostfile: Bool, exported: String) -> [String] {
    switch self {
    case .openMPI:
      ["mpirun", "-np", "{np}", "-x", exported] + (hasHostfile ? ["--hostfile", "{hostfile}"] : [])
    case .mpich:
      ["mpirun", "-np", "{np}"] + (hasHostfile ? ["-f", "{hostfile}"] : [])
    }
  }

  /// The signal by which the launcher has the ranks stop in good order.
  package var stopSignal: Int32 { self == .openMPI ? SIGUSR2 : SIGTERM }

  /// A line of a hostfile. Open MPI reads `name slots=N`, Hydra `name:N`.
  package func hostLine(_ name: String, slots: Int?, asWritten line: String) -> String {
    switch self {
    case .openMPI: line
    case .mpich: name + (slots.map { ":\($0)" } ?? "")
    }
  }
}
