package import Collectives
import Engine
import Records

/// The cores that the ranks of a job may run on, beside the threads that are to run there.
package struct CoreBinding: Sendable {
  /// One rank's host and cores.
  package struct Binding: Sendable, Equatable {
    /// Its name, and what tells it from others of the same name.
    package var host: String
    package var hostNumber: UInt64
    package var cores: Set<Int>

    package init(host: String, hostNumber: UInt64, cores: Set<Int>) {
      self.host = host
      self.hostNumber = hostNumber
      self.cores = cores
    }
  }

  /// By rank.
  package let bindings: [Binding]
  /// Of each rank.
  package let threads: Int

  package init(bindings: [Binding], threads: Int) {
    self.bindings = bindings
    self.threads = threads
  }

  /// Every rank calls it.
  package init(_ communicator: any Communicator, threads: Int) throws(CollectiveError) {
    let rows = try UsableCores.rows(communicator)
    let hosts = try communicator.hostNames()
    bindings = zip(rows, hosts).map { row, host in
      Binding(host: host, hostNumber: row.host, cores: Set(row.coreNumbers))
    }
    self.threads = threads
  }

  /// What is wrong, for the first rank where something is; nil where every thread can have a core.
  package var warning: String? {
    for (rank, binding) in bindings.enumerated() where threads > binding.cores.count {
      return "rank \(rank) on \(binding.host) has \(Format.count(threads, "thread")) but may use "
        + "only \(Format.count(binding.cores.count, "core")) (\(Self.words(binding.cores))): they "
        + "take turns there; lower --threads, or start mpirun with --bind-to none or "
        + "--map-by slot:PE=\(threads)"
    }
    for (rank, binding) in bindings.enumerated() {
      // All ranks that have to make do with these cores.
      let sharing = bindings.indices.filter {
        bindings[$0].hostNumber == binding.hostNumber
          && bindings[$0].cores.isSubset(of: binding.cores)
      }
      let wanted = sharing.count * threads
      guard wanted > binding.cores.count else { continue }
      let others = sharing.map(String.init).joined(separator: ", ")
      return "ranks \(others) on \(binding.host) share "
        + "\(Format.count(binding.cores.count, "core")) (\(Self.words(binding.cores))), for "
        + "\(Format.count(wanted, "thread")): they take turns there, and each "
        + "waits for all in every step; start fewer ranks (or more hosts), lower --threads"
        + (isBound(rank) ? ", or start mpirun with --bind-to none" : "")
    }
    return nil
  }

  /// Whether others on the host may use cores that this rank may not.
  private func isBound(_ rank: Int) -> Bool {
    bindings.contains {
      $0.hostNumber == bindings[rank].hostNumber && !$0.cores.isSubset(of: bindings[rank].cores)
    }
  }

  /// 0-3,8
  package static func words(_ cores: Set<Int>) -> String {
    var parts: [String] = []
    var rest = cores.sorted()[...]
    while let first = rest.first {
      var last = first
      rest = rest.dropFirst()
      while rest.first == last + 1 {
        last += 1
        rest = rest.dropFirst()
      }
      parts.append(first == last ? "\(first)" : "\(first)-\(last)")
    }
    return parts.joined(separator: ",")
  }
}
