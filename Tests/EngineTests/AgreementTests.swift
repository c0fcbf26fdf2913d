import Collectives
import Engine
import Records
import Testing

@Suite struct AgreementTests {
  private struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  /// What every rank of `ranks` makes of an error that `body` may throw.
  private func outcomes(
    ranks: Int, _ body: @escaping (ThreadCommunicator) throws -> Void
  ) throws -> [String] {
    try ThreadWorld.run(ranks: ranks) { communicator in
      do {
        try body(communicator)
        return "fine"
      } catch let error as AgreedError {
        return "\(error.exitStatus): \(error)"
      }
    }
  }

  @Test func withoutAnErrorEveryRankGetsItsOwnResult() throws {
    let results = try ThreadWorld.run(ranks: 4) { communicator in
      try communicator.agree { communicator.rank * 10 }
    }
    #expect(results == [0, 10, 20, 30])
  }

  @Test func anErrorOfOneRankIsThrownOnAllAndNamesIt() throws {
    let results = try outcomes(ranks: 3) { communicator in
      try communicator.agree {
        if communicator.rank == 1 { throw Fault(description: "no disk") }
      }
    }
    #expect(results == Array(repeating: "1: rank 1: no disk", count: 3))
  }

  @Test func anErrorOfAllRanksIsThrownOnceAndWithItsStatus() throws {
    let results = try outcomes(ranks: 3) { communicator in
      try communicator.agree { throw UsageError("bad flag") }
    }
    #expect(results == Array(repeating: "2: bad flag", count: 3))
  }

  @Test func coordinatorsWorkRunsOnceAndFailsOnAllRanks() throws {
    let done = try ThreadWorld.run(ranks: 3) { communicator in
      var count = 0
      try communicator.coordinate { count += 1 }
      return count
    }
    #expect(done == [1, 0, 0])
    let results = try outcomes(ranks: 3) { communicator in
      try communicator.coordinate { throw Fault(description: "disk full") }
    }
    #expect(results == Array(repeating: "1: disk full", count: 3))
  }

  @Test func rankZerosBytesReachAllRanks() throws {
    let shared = try ThreadWorld.run(ranks: 3) { communicator in
      try communicator.share(communicator.rank == 0 ? Array("hello".utf8) : [])
    }
    #expect(shared.allSatisfy { $0 == Array("hello".utf8) })
    let empty = try ThreadWorld.run(ranks: 2) { try $0.share([]) }
    #expect(empty == [[], []])
  }

  @Test func filesThatDifferBetweenHostsAreAnError() throws {
    let results = try outcomes(ranks: 3) { communicator in
      try communicator.requireEqual(communicator.rank == 2 ? "b" : "a", of: "text.txt")
    }
    #expect(results.allSatisfy { $0.hasPrefix("2: rank 2: text.txt differs between ranks: b on") })
    #expect(Set(results).count == 1)
    try SoloCommunicator().requireEqual("a", of: "x")
  }
}
