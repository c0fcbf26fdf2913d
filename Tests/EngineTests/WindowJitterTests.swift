import Corpora
import Engine
import Foundation
import NumericContract
import Testing

@Suite struct WindowJitterTests {
  @Test(arguments: [0, 1, 5, 9]) func windowsAreContiguousAndEndTogether(largest: Int) {
    for count in [41, 1001, 1010, 1020] {
      let plan = StreamPlan(tokenRange: 0..<2 * count + 1, sequences: 2, window: 10, contract: .two)
      let jitter = WindowJitter(largest: largest, seed: 3)
      for epoch in 0..<3 {
        var end = 0
        for index in 0..<plan.windowsPerEpoch {
          let steps = jitter.steps(of: plan, epoch: epoch, index: index)
          #expect(steps.lowerBound == end)
          #expect(
            index == plan.fullWindows
              ? steps.count == plan.lastSteps
              : (10 - largest...10 + largest).contains(steps.count))
          end = steps.upperBound
        }
        #expect(end == count)
      }
    }
  }

  @Test func lengthsAreSpreadAndDifferByEpochAndSeed() {
    let plan = StreamPlan(tokenRange: 0..<200_001, sequences: 2, window: 10, contract: .two)
    func lengths(_ seed: Int, _ epoch: Int) -> [Int] {
      let jitter = WindowJitter(largest: 3, seed: seed)
      return stride(from: 0, to: plan.windowsPerEpoch, by: 2).map {
        jitter.steps(of: plan, epoch: epoch, index: $0).count
      }
    }
    let lengths0 = lengths(1, 0)
    for length in 7...13 {
      let share = Double(lengths0.filter { $0 == length }.count) / Double(lengths0.count)
      // Seven lengths alike; six standard deviations of 5,000 draws.
      #expect(abs(share - 1.0 / 7) < 0.03, "\(length): \(share)")
    }
    #expect(lengths(1, 1) != lengths0)
    #expect(lengths(2, 0) != lengths0)
    #expect(lengths(1, 0) == lengths0)
  }

  @Test func trajectoryIsBitIdenticalAtAnyRankAndThreadCount() throws {
    let problem = try TrainingProblem("batch.window_jitter=4")
    defer { problem.remove() }
    let alone = try problem.trajectory(ranks: 1, threads: 1, steps: 8)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (8, 1)] {
      let other = try problem.trajectory(ranks: ranks, threads: threads, steps: 8)
      #expect(other == alone, "\(ranks) ranks x \(threads) threads")
    }
    let plain = try TrainingProblem()
    defer { plain.remove() }
    #expect(try plain.trajectory(ranks: 1, threads: 1, steps: 8) != alone)
  }
}
