import Foundation
import Records
import Testing

/// The benchmark of the exchange, which also checks every sum.
@Suite(.serialized) struct BenchExchangeTests {
  @Test(arguments: [2, 3])
  func everySizeIsMeasuredAndItsSumsVerified(ranks: Int) throws {
    let place = try Workplace()
    for shards in [nil, 8] {
      let options = shards.map { ["--shards", "\($0)"] } ?? []
      let program = try Program(
        ["bench", "exchange", "--largest", "300000", "--seconds", "0.01", "--json"] + options,
        ranks: ranks, in: place.folder)
      #expect(program.status == 0, "\(program)")
      let rows = try program.lines.map { try OrderedJSON(parsing: $0) }
      #expect(rows.map { $0["bytes"]?.integerValue } == [4096, 16384, 65536, 262_144])
      #expect(rows.allSatisfy { $0["ranks"]?.integerValue == ranks }, "\(program)")
      #expect(rows.allSatisfy { $0["shards"]?.integerValue == shards ?? ranks }, "\(program)")
      #expect(rows.allSatisfy { ($0["seconds"]?.doubleValue ?? 0) > 0 }, "\(program)")
      #expect(rows.allSatisfy { ($0["allreduce_seconds"]?.doubleValue ?? 0) > 0 }, "\(program)")
      #expect(program.errors.contains("MPI_Allreduce"), "\(program)")
    }
  }

  @Test func oneRankAndTooFewShardsAreErrors() throws {
    let place = try Workplace()
    let alone = try place.run("bench", "exchange")
    #expect(alone.status == 2, "\(alone)")
    #expect(alone.errors.contains("needs at least two ranks: mpirun -np 2"), "\(alone)")
    let few = try place.run("bench", "exchange", "--shards", "1", ranks: 2)
    #expect(few.status == 2, "\(few)")
    #expect(
      few.complaints == ["gru-dist: error: --shards: expected 2 (the ranks) to 4096, found 1"])
  }
}
