import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A sampled softmax beside what `ModelOptionsTests` asks of every option.
@Suite struct SampledSoftmaxTests {
  /// Draws that take two blocks of 4,096 columns, of a vocabulary of five.
  private static let large = Sizes(
    hidden: 9, embedding: 3, vocabulary: 17_011, layers: 1, window: 4, shards: 3,
    sequencesPerShard: 5)

  private static func sampling(
    _ vocabulary: Int, draws: Int, power: Double = 0.75, seed: UInt64 = 9
  ) -> SampledSoftmax {
    SampledSoftmax(
      draws: draws, power: power, popularity: (0..<vocabulary).map { 100_000 / ($0 + 1) },
      seed: seed)
  }

  private static func problem(draws: Int) -> RandomProblem {
    large.problem(.gruResetAfter) { $0.sampledSoftmax = sampling($0.vocabularySize, draws: draws) }
  }

  @Test(arguments: [1, 200, 17_010])
  func severalBlocksAgreeWithTheReferenceModel(draws: Int) {
    let problem = Self.problem(draws: draws)
    let portable = WorkerRun(problem, plan: Self.large.plan(), instructionSet: .portable)
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).lossAndGradient(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      targets: problem.targets[0], window: problem.window, sequences: problem.sequences,
      state: problem.state.map(Double.init), trainingStep: 1)
    let loss = CanonicalTree.sum(portable.losses[0])
    #expect(abs(loss - expected.loss) <= 1e-5 * max(1, abs(expected.loss)))
    for tensor in problem.table.parameters {
      let gradient = portable.gradients[0][tensor.range].map(Double.init)
      let error = relativeError(gradient, Array(expected.gradient[tensor.range]))
      #expect(error <= 1e-5, "\(tensor.name)")
    }
    for set in InstructionSet.available {
      for plan in [
        Self.large.plan(), Self.large.plan(ranks: 2), Self.large.plan(threads: 3),
        Self.large.plan(threads: 7), Self.large.plan(ranks: 2, threads: 4),
      ] {
        let found = WorkerRun(problem, plan: plan, instructionSet: set)
        #expect(found.losses == portable.losses, "\(set)")
        #expect(found.gradientBits == portable.gradientBits, "\(set)")
      }
    }
  }

  /// Outputs that are neither drawn nor a target have gradients of +0; a window without targets has
  /// no others.
  @Test func windowsWithoutTargetsHaveNoGradient() {
    var problem = Self.problem(draws: 200)
    problem.targets = problem.targets.map { $0.map { _ in -1 } }
    let run = WorkerRun(problem, plan: Self.large.plan(), instructionSet: .portable)
    #expect(run.losses == [[0, 0, 0], [0, 0, 0]])
    #expect(run.gradients.allSatisfy { $0.allSatisfy { $0.bitPattern == 0 } })
  }

  @Test func evaluationHasTheFullSoftmax() {
    let problem = Self.problem(draws: 200)
    let one = OneWorker(problem, plan: Self.large.plan())
    one.evaluate(problem, window: 0)
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).loss(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      targets: problem.targets[0], window: problem.window, sequences: problem.sequences,
      state: problem.state.map(Double.init))
    let loss = (0..<3).reduce(0.0) { $0 + one.worker.shardLosses[$1] }
    #expect(abs(loss - expected) <= 1e-5 * expected)
  }

  /// The mean over steps of Σ e^(correction) / c is 1 for every output: what is drawn stands for
  /// all.
  @Test(arguments: [0, 0.5, 1])
  func drawsFollowPopularity(power: Double) {
    let (vocabulary, draws, steps) = (7, 5, 20_000)
    let sampling = Self.sampling(vocabulary, draws: draws, power: power)
    var weights = [Double](repeating: 0, count: vocabulary)
    for step in 0..<UInt32(steps) {
      for draw in 0..<draws {
        let output = sampling.output(ofDraw: draw, step: step)
        weights[output] += exp(sampling.correction(ofOutput: output, drawn: 1))
      }
    }
    // Each is a mean of 100,000 draws, of which the rarest output has some thousands.
    for weight in weights { #expect(abs(weight / Double(steps) - 1) < 0.06) }
  }

  @Test func drawsAreAFunctionOfSeedAndStep() {
    let sampling = Self.sampling(1000, draws: 50)
    func draws(_ sampling: SampledSoftmax, _ step: UInt32) -> [Int] {
      (0..<50).map { sampling.output(ofDraw: $0, step: step) }
    }
    #expect(draws(sampling, 3) == draws(Self.sampling(1000, draws: 50), 3))
    #expect(draws(sampling, 3) != draws(sampling, 4))
    #expect(draws(sampling, 3) != draws(Self.sampling(1000, draws: 50, seed: 8), 3))
    // Recorded: they are part of the numeric contract.
    #expect(draws(sampling, 3).prefix(8).map { $0 } == [210, 218, 202, 4, 0, 184, 3, 121])
  }

  /// Ranks count what is scored no lower, from the first output that counts on.
  @Test(arguments: [nil, 50] as [Int?])
  func ranksAreThoseOfAllScores(draws: Int?) {
    let sizes = Sizes(
      hidden: 9, embedding: 3, vocabulary: 5_003, layers: 1, window: 40, shards: 1,
      sequencesPerShard: 5)
    let problem = sizes.problem(.gruResetAfter) {
      $0.task.rankedFrom = 2
      $0.sampledSoftmax = draws.map { Self.sampling(5_003, draws: $0) }
    }
    let one = OneWorker(problem, plan: sizes.plan())
    one.evaluate(problem, window: 0)
    let logits = ReferenceModel(shape: problem.shape, table: problem.table).logits(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      window: problem.window, sequences: problem.sequences, state: problem.state.map(Double.init)
    ).logits
    for (row, target) in problem.targets[0].enumerated() where target >= 2 {
      let scores = logits[row * 5_003..<(row + 1) * 5_003].dropFirst(2)
      let wanted = logits[row * 5_003 + Int(target)]
      let rank = scores.count { $0 >= wanted }
      // Scores that are nearly equal may change places in single precision.
      let near = scores.count { abs($0 - wanted) < 1e-5 }
      #expect(abs(one.worker.rank(ofRow: row) - rank) < near)
    }
  }
}
