import Foundation
import Records
import Testing

extension SupervisedJobTests {
  /// `Tests/campaigns/kill` runs this with more kills and another seed.
  @Suite struct KillCampaignTests {
    private static func setting(_ name: String, default fallback: UInt64) throws -> UInt64 {
      guard let text = ProcessInfo.processInfo.environment[name] else { return fallback }
      return try #require(UInt64(text), "\(name): expected a whole number, found '\(text)'")
    }

    @Test func repeatedlyKilledRunEndsBitIdentically() throws {
      let kills = Int(try Self.setting("GRU_DIST_KILLS", default: 10))
      let seed = try Self.setting("GRU_DIST_KILL_SEED", default: 1)
      let ranks = Int(try Self.setting("GRU_DIST_KILL_RANKS", default: 2))
      let campaign = KillCampaign(seed: seed, kills: kills, ranks: ranks)
      let outcome = try campaign.perform()
      #expect(outcome.kills.values.reduce(0, +) == kills)
      // The promise is five seconds on a machine that does nothing else; tests may share theirs.
      #expect(outcome.meanRecovery < 15)
      Console.complain("kill campaign, seed \(seed), \(ranks) ranks: \(outcome)")
    }
  }
}
