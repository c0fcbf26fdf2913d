import Collectives
import Engine
import Runs
import Testing

@Suite struct CoreBindingTests {
  private func binding(_ cores: [Set<Int>], threads: Int, hosts: [UInt64]? = nil) -> CoreBinding {
    CoreBinding(
      bindings: cores.enumerated().map { rank, cores in
        .init(host: "node", hostNumber: hosts?[rank] ?? 0, cores: cores)
      }, threads: threads)
  }

  @Test func noWarningWhenEveryThreadHasACore() throws {
    #expect(binding([[0], [1], [2], [3]], threads: 1).warning == nil)
    #expect(binding([[0, 1, 2, 3], [0, 1, 2, 3]], threads: 2).warning == nil)
    #expect(binding([[0, 1], [2, 3]], threads: 2).warning == nil)
    // The same numbers on another host are other cores, also where both hosts have one name.
    #expect(binding([[0], [0]], threads: 1, hosts: [0, 1]).warning == nil)
    #expect(try CoreBinding(SoloCommunicator(), threads: 1).warning == nil)
  }

  @Test func warnsOfMoreThreadsThanBoundCores() throws {
    let warning = try #require(binding([[0, 1], [2]], threads: 2).warning)
    #expect(
      warning.hasPrefix("rank 1 on node has 2 threads but may use only 1 core (2):"), "\(warning)")
    #expect(warning.contains("--map-by slot:PE=2"))
  }

  @Test func warnsOfRanksThatShareCores() throws {
    // Two ranks bound to one core of four.
    let bound = try #require(binding([[0], [0], [1], [2]], threads: 1).warning)
    #expect(bound.hasPrefix("ranks 0, 1 on node share 1 core (0), for 2 threads:"), "\(bound)")
    #expect(bound.contains("--bind-to none"))
    // Nobody bound, but too many.
    let free = try #require(binding([[0, 1], [0, 1], [0, 1]], threads: 1).warning)
    #expect(free.hasPrefix("ranks 0, 1, 2 on node share 2 cores (0-1), for 3 threads:"), "\(free)")
    #expect(!free.contains("--bind-to"))
    // One bound rank takes a core from those that are not.
    #expect(binding([[0], [0, 1], [0, 1]], threads: 1).warning != nil)
    #expect(CoreBinding.words([0, 1, 2, 8, 10, 11]) == "0-2,8,10-11")
  }

  @Test func everyRankGetsTheSameThreads() throws {
    let threads = try ThreadWorld.run(ranks: 3) { try UsableCores.threadsPerRank($0) }
    #expect(Set(threads).count == 1)
    let alone = try UsableCores.threadsPerRank(SoloCommunicator())
    #expect(threads[0] == max(1, alone / 3))
  }
}
