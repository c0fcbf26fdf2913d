import Collectives
import Kernels
import Testing

/// The kernels that the tests add with.
func sampleKernels() throws -> Kernels { Kernels(try InstructionSet.select("auto")) }

/// The self-test on the communicators that need no launcher.
@Suite struct ConformanceTests {
  @Test func soloCommunicatorConforms() throws {
    let report = SelfTest.run(communicator: SoloCommunicator(), kernels: try sampleKernels())
    #expect(report.failures == [])
  }

  @Test func threadCommunicatorsConformAndEqualOneProcess() throws {
    let kernels = try sampleKernels()
    let alone = SelfTest.run(communicator: SoloCommunicator(), kernels: kernels).digest
    for ranks in 1...5 {
      let reports = try ThreadWorld.run(ranks: ranks) {
        SelfTest.run(communicator: $0, kernels: kernels)
      }
      #expect(reports.count == ranks)
      #expect(reports.flatMap(\.failures) == [], "\(ranks) ranks")
      #expect(reports.allSatisfy { $0.digest == alone }, "\(ranks) ranks")
    }
  }

  @Test func rejectsMoreThanSevenRanks() throws {
    let kernels = try sampleKernels()
    let reports = try ThreadWorld.run(ranks: 8) {
      SelfTest.run(communicator: $0, kernels: kernels)
    }
    #expect(reports.allSatisfy { $0.failures == ["the self-test needs at most 7 ranks"] })
  }
}
