import Collectives
import Engine
import Foundation
import Testing

/// Threads that have no shard of their own share one, and change no bit.
@Suite struct SharedShardTests {
  private static let cells = [
    ["model.precision=bf16", "model.reset=before"], ["model.precision=bf16", "model.cell=lstm"],
    ["model.cell=gru", "model.reset=before"], ["model.cell=gru", "model.reset=after"],
    ["model.cell=lstm"], ["model.cell=rnn"], ["model.cell=mingru"],
  ]

  @Test(arguments: cells, [1, 2, 3])
  func trajectoryIsBitIdentical(cell: [String], shards: Int) throws {
    let problem = try TrainingProblem(
      cell + [
        "model.hidden=37", "model.embedding=19", "model.layers=2", "batch.sequences=6",
        "batch.shards=\(shards)",
      ])
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    for ranks in 1...shards {
      for threads in 2...5 {
        let found = try problem.trajectory(ranks: ranks, threads: threads, steps: 4)
        #expect(found == alone, "\(ranks) ranks x \(threads) threads")
      }
    }
  }

  /// Small kernels stay with one thread, and large ones are shared.
  @Test func trajectoryDoesNotDependOnWhatIsShared() throws {
    var problem = try TrainingProblem("batch.sequences=4", "batch.shards=1", "model.dropout=0.2")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    for least in [0, 1000, 20_000, 1 << 40] {
      problem.leastShared = least
      let found = try problem.trajectory(ranks: 1, threads: 3, steps: 4)
      #expect(found == alone, "\(least)")
    }
  }

  /// What one worker computed is computed again by a thread alone.
  @Test func recomputationAgreesWithThreadsThatShare() throws {
    let problem = try TrainingProblem("batch.shards=2", "run.recompute_every=1")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 3)
    #expect(try problem.trajectory(ranks: 1, threads: 5, steps: 3) == alone)
    #expect(try problem.trajectory(ranks: 2, threads: 3, steps: 3) == alone)
  }

  /// Groups that train apart have a thread each at most.
  @Test func localRoundsAreBitIdentical() throws {
    let problem = try TrainingProblem(
      "batch.shards=4", "exchange.synchronize_every=2", "exchange.local_groups=2",
      "run.log_every=2", "run.validate_every=2", "run.checkpoint_every=2")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    #expect(try problem.trajectory(ranks: 1, threads: 6, steps: 4) == alone)
    #expect(try problem.trajectory(ranks: 2, threads: 3, steps: 4) == alone)
  }

  @Test func compressedExchangeIsBitIdentical() throws {
    let problem = try TrainingProblem(
      "batch.shards=2", "exchange.compression=bf16", "exchange.compression_groups=2")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 4)
    #expect(try problem.trajectory(ranks: 1, threads: 5, steps: 4) == alone)
    #expect(try problem.trajectory(ranks: 2, threads: 3, steps: 4) == alone)
  }
}
