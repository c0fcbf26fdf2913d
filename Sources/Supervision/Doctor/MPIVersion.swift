package import Records

/// The kind and version of an MPI library or launcher, by its own words.
package struct MPIVersion: Sendable, Equatable {
  package let family: MPIFamily
  /// The first number in the words, such as "5.0.11"; nil where there is none.
  package let number: String?

  /// - Parameter words: of a library (`MPI_Get_library_version`), of a header, or of
  ///   `mpirun --version`.
  package init(_ words: String) {
    family = MPIFamily(libraryVersion: words)
    number = words.firstMatch(of: /[0-9]+\.[0-9]+(\.[0-9]+)*/).map { String($0.0) }
  }

  /// 5 of "5.0.11"; 0 where there is no number.
  package var major: Int { number?.split(separator: ".").first.flatMap { Int($0) } ?? 0 }

  /// What a program that was built with `built` and runs with this library has to expect; nil where
  /// nothing is wrong.
  package func problem(builtWith built: MPIVersion) -> String? {
    if family != built.family {
      return "the program was built with \(built), and another library's binary interface is "
        + "another"
    }
    // Open MPI keeps its binary interface from 4 to 5, and not backwards; MPICH keeps its own.
    if family == .openMPI, major < built.major {
      return "the program was built with \(built), and an older library may lack what it needs"
    }
    return nil
  }

  /// What ranks that this launcher starts have to expect of a library; nil where nothing is wrong.
  package func problem(startingRanksOf library: MPIVersion) -> String? {
    if family != library.family {
      return "mpirun is of \(self) and the program's library is \(library): each rank would be "
        + "alone"
    }
    if family == .openMPI, major != library.major {
      return "mpirun is of \(self) and the program's library is \(library): ranks may not start, "
        + "or each would be alone"
    }
    return nil
  }
}

extension MPIVersion: CustomStringConvertible {
  package var description: String {
    (family == .openMPI ? "Open MPI" : "MPICH or its kin") + (number.map { " \($0)" } ?? "")
  }
}
