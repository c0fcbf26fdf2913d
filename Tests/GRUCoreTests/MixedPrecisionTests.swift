import Cells
import GRUCore
import Kernels
import Testing

/// Training with products of bf16 numbers: near fp32, and its own bits for any split of the shards.
@Suite struct MixedPrecisionTests {
  private let best = InstructionSet.available.last!

  @Test(arguments: Cell.allCases, Sizes.wellConditioned)
  func gradientsAreCloseToSinglePrecision(cell: Cell, sizes: Sizes) {
    let problem = sizes.problem(cell)
    let exact = WorkerRun(problem, plan: sizes.plan(), instructionSet: best)
    let rounded = WorkerRun(
      problem, plan: sizes.plan(), instructionSet: best, precision: .bf16)
    #expect(rounded.tokens == exact.tokens)
    for window in exact.losses.indices {
      let loss = exact.losses[window].reduce(0, +)
      let error = abs(rounded.losses[window].reduce(0, +) - loss)
      #expect(error <= 0.01 * loss)
      for parameter in problem.table.parameters {
        var difference = 0.0
        var square = 0.0
        for element in parameter.range {
          let value = Double(exact.gradients[window][element])
          let distance = Double(rounded.gradients[window][element]) - value
          difference += distance * distance
          square += value * value
        }
        // Operands have eight bits; hundreds of time steps' worth of them average out.
        #expect(
          difference.squareRoot() <= 0.04 * square.squareRoot() + 1e-6,
          "\(parameter.name) of window \(window)")
      }
    }
    if problem.shape.hiddenSize > 1 {
      #expect(rounded.gradientBits != exact.gradientBits, "nothing was rounded")
    }
  }

  @Test(arguments: Cell.allCases, [8, 7, 6])
  func everySplitOfTheShardsIsBitIdentical(cell: Cell, shards: Int) {
    let sizes = Sizes(
      hidden: 19, embedding: 13, vocabulary: 29, layers: 2, window: 5, shards: shards,
      sequencesPerShard: 3)
    let problem = sizes.problem(cell)
    let one = WorkerRun(
      problem, plan: sizes.plan(), instructionSet: best, precision: .bf16)
    for ranks in 1...shards {
      for threads in 1...shards / ranks where ranks * threads > 1 {
        let found = WorkerRun(
          problem, plan: sizes.plan(ranks: ranks, threads: threads), instructionSet: best,
          precision: .bf16)
        #expect(found.losses == one.losses, "\(ranks) ranks × \(threads) threads")
        #expect(found.gradientBits == one.gradientBits, "\(ranks) ranks × \(threads) threads")
        #expect(found.state == one.state, "\(ranks) ranks × \(threads) threads")
      }
    }
  }

  /// Odd sizes everywhere, and windows with an odd number of rows in a shard.
  @Test(arguments: Cell.allCases, [1, 3])
  func everyInstructionSetIsBitIdentical(cell: Cell, sequencesPerShard: Int) {
    let sizes = Sizes(
      hidden: 19, embedding: 13, vocabulary: 29, layers: 2, window: 5, shards: 2,
      sequencesPerShard: sequencesPerShard)
    let problem = sizes.problem(cell)
    let one = WorkerRun(problem, plan: sizes.plan(), instructionSet: best, precision: .bf16)
    for set in InstructionSet.available {
      for threads in [1, 2, 5] {
        let found = WorkerRun(
          problem, plan: sizes.plan(threads: threads), instructionSet: set, precision: .bf16)
        #expect(found.losses == one.losses, "\(set), \(threads) threads")
        #expect(found.gradientBits == one.gradientBits, "\(set), \(threads) threads")
        #expect(found.state == one.state, "\(set), \(threads) threads")
      }
    }
  }
}
