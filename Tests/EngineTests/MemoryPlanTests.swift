import Configuration
import Engine
import GRUCore
import Kernels
import Records
import Testing

/// The plan of any config that is taken is either computed or refused; it never overflows.
@Suite struct MemoryPlanTests {
  @Test func sizesOfAnyConfigAreCountedOrRefused() throws {
    var random = SeededRandom(seed: 18)
    let kernels = Kernels(.portable)
    let sizes = [1, 2, 17, 650, 4096, 65_536]
    func pick(_ choices: [Int]) -> Int { choices.randomElement(using: &random)! }
    var refused = 0
    for _ in 0..<400 {
      let shards = pick([1, 8, 1024, 65_536])
      let isLocal = Bool.random(using: &random)
      let assignments = [
        "task=\(Bool.random(using: &random) ? "classification" : "forecasting")",
        "model.hidden=\(pick(sizes))", "model.layers=\(pick([1, 3, 64]))",
        "model.layer_norm=\(Bool.random(using: &random))",
        "model.learned_initial_state=\(Bool.random(using: &random))",
        "batch.sequences=65536", "batch.window=\(pick(sizes))", "batch.shards=\(shards)",
        "batch.accumulate=\(pick([1, 65_536]))", "run.validate_every=0", "run.log_every=0",
        "run.checkpoint_every=0", "exchange.synchronize_every=\(isLocal ? 2 : 0)",
        "exchange.local_groups=\(isLocal ? shards : 0)",
        "optimizer.ema_decay=\(isLocal ? 0 : 0.9)",
      ]
      var config = try Config(
        json: Array(#"{"data": {"train": "t.csv"}}"#.utf8), file: "c.json",
        overrides: assignments.map { ConfigOverride(set: $0) })
      config.model.bidirectional = Bool.random(using: &random)
      let shape = config.shape(
        outputs: pick([1, 4096, Int(Int32.max)]), features: pick([1, 100_000, Int(Int32.max)]))
      let ranks = isLocal ? shards : pick([1, shards])
      let plan = ShardPlan(sequences: 65_536, shards: shards, ranks: ranks, threads: 1)
      if ranks > 1024, refused > 20 { continue }
      do {
        let memory = try MemoryPlan(
          shape: shape, config: config, plan: plan, ranksOnHost: ranks, slots: 1,
          kernels: kernels)
        #expect(memory.totalBytes > 0)
        #expect(memory.items.allSatisfy { $0.bytes >= 0 })
        try memory.checkFits()
      } catch {
        refused += 1
        #expect(error is UsageError)
      }
    }
    #expect(refused > 0)
    #expect(refused < 400)
  }
}

/// SplitMix64.
private struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}
