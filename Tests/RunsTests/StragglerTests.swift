import Collectives
import Kernels
import Records
import Runs
import Testing

@Suite struct StragglerTests {
  private func pace(_ seconds: [Double], loads: [Int]? = nil) -> RankPace {
    RankPace(
      seconds: seconds, loads: loads ?? seconds.map { _ in 2 },
      hosts: seconds.indices.map { "node\($0)" })
  }

  @Test func namesTheSlowestRankAndItsHost() {
    let found = pace([0.2, 0.21, 0.5, 0.19])
    #expect(found.slowestRank == 2)
    #expect(found.slowestHost == "node2")
    #expect(found.slowestSeconds == 0.5)
    #expect(found.medianSeconds == 0.2)
    #expect(abs(found.ratio - 2.5) < 1e-12)
    #expect(
      found.json.line
        == #"{"compute_seconds":0.2,"slowest_rank":2,"slowest_host":"node2","#
        + #""slowest_compute_seconds":0.5,"slowest_over_median":2.5}"#)
    // One of two can be slow.
    #expect(pace([0.1, 0.2]).ratio == 2)
  }

  @Test func stepTimesAreComparedPerShard() {
    let plan = ShardPlan(sequences: 8, shards: 8, ranks: 6, threads: 1)
    let loads = (0..<6).map { plan.shards(ofRank: $0).count }
    #expect(Set(loads) == [1, 2])
    #expect(pace(loads.map { 0.1 * Double($0) }, loads: loads).ratio < 1.001)
  }

  @Test func warnsOnlyOfALastingStraggler() throws {
    var watch = StragglerWatch()
    func note(_ pace: RankPace, seconds: Double = 60) -> String? {
      watch.note(pace, seconds: seconds)
    }
    let slow = pace([0.2, 0.2, 0.3])
    #expect((1...4).allSatisfy { _ in note(slow) == nil })
    let warning = try #require(note(slow))
    #expect(warning.hasPrefix("rank 2 on node2 keeps the others waiting: for 300 s"), "\(warning)")
    #expect(warning.contains("1.50 times"))
    // Once, until it was as fast as the others.
    #expect((1...20).allSatisfy { _ in note(slow) == nil })
    #expect(note(pace([0.2, 0.2, 0.25])) == nil)
    #expect((1...4).allSatisfy { _ in note(slow) == nil })
    #expect(note(slow) != nil)
    // Another rank each time is bad luck, and some milliseconds are nothing.
    watch = StragglerWatch()
    for round in 0..<20 {
      let other = pace(round.isMultiple(of: 2) ? [0.3, 0.2, 0.2] : [0.2, 0.3, 0.2])
      #expect(note(other) == nil)
      #expect(note(slow, seconds: 0.01) == nil)
    }
  }
}
