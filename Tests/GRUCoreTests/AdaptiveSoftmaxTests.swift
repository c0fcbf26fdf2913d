import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// An adaptive softmax beside what `ModelOptionsTests` asks of every option.
@Suite struct AdaptiveSoftmaxTests {
  /// A vocabulary whose head and last cluster have several blocks of 4,096.
  private static let large = Sizes(
    hidden: 9, embedding: 3, vocabulary: 17_011, layers: 1, window: 4, shards: 3,
    sequencesPerShard: 5)
  private static let cutoffs = [[4_100, 4_101, 4_200], [5_000], [17_010]]

  private static func problem(_ cutoffs: [Int], _ sizes: Sizes = large) -> RandomProblem {
    sizes.problem(.gruResetAfter) {
      $0.adaptiveSoftmax = AdaptiveSoftmax(cutoffs: cutoffs, factor: 4)
    }
  }

  /// The loss and gradient of the first window are those of the reference model.
  private func expectReference(of problem: RandomProblem, in run: WorkerRun) {
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).lossAndGradient(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      targets: problem.targets[0], window: problem.window, sequences: problem.sequences,
      state: problem.state.map(Double.init))
    let loss = CanonicalTree.sum(run.losses[0])
    #expect(abs(loss - expected.loss) <= 1e-5 * expected.loss)
    for tensor in problem.table.parameters {
      let gradient = run.gradients[0][tensor.range].map(Double.init)
      let error = relativeError(gradient, Array(expected.gradient[tensor.range]))
      #expect(error <= 1e-5, "\(tensor.name)")
    }
  }

  @Test(arguments: cutoffs)
  func severalBlocksAgreeWithTheReferenceModel(cutoffs: [Int]) {
    let problem = Self.problem(cutoffs)
    let portable = WorkerRun(problem, plan: Self.large.plan(), instructionSet: .portable)
    expectReference(of: problem, in: portable)
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

  /// Shards without a row of a cluster, and clusters without a row, have gradients of 0.
  @Test(arguments: [[Int32](0..<2), [0, 13, 13, 13], [12], [13, 36], [-1, 36]])
  func clustersWithoutTargetsHaveNoGradient(targets: [Int32]) {
    let sizes = Sizes.all[3]
    var problem = Self.problem([2, 13], sizes)
    for window in problem.targets.indices {
      for index in problem.targets[window].indices {
        // Runs of five, so that some shards have none of them.
        problem.targets[window][index] = targets[index / 5 % targets.count]
      }
    }
    let one = WorkerRun(
      problem, plan: sizes.plan(), instructionSet: InstructionSet.available.last!)
    expectReference(of: problem, in: one)
    for cluster in 0..<2 {
      let tokens = problem.shape.tailClusters[cluster].tokens
      let isEmpty = !targets.contains { tokens.contains(Int($0)) }
      for part in ["projection.weight", "weight", "bias"] {
        let range = problem.table["output.tails.\(cluster).\(part)"].range
        #expect(one.gradients[0][range].allSatisfy { $0.bitPattern == 0 } == isEmpty, "\(part)")
      }
    }
    for ranks in 2...4 {
      let split = WorkerRun(
        problem, plan: sizes.plan(ranks: ranks), instructionSet: .portable)
      #expect(split.gradientBits == one.gradientBits, "\(ranks) ranks")
      #expect(split.losses == one.losses, "\(ranks) ranks")
    }
  }

  @Test func evaluationLossEqualsTrainingLoss() {
    for problem in Self.cutoffs.map({ Self.problem($0) }) {
      let trained = WorkerRun(
        problem, plan: Self.large.plan(), instructionSet: InstructionSet.available.last!)
      let one = OneWorker(problem, plan: Self.large.plan())
      for window in problem.inputs.indices {
        one.evaluate(problem, window: window)
        #expect((0..<3).map { one.worker.shardLosses[$0] } == trained.losses[window])
      }
    }
  }

  /// What sampling draws from: the losses of every token, which are those of evaluation.
  @Test(arguments: cutoffs)
  func logProbabilitiesOfAllTokensEqualTheirLosses(cutoffs: [Int]) {
    let problem = Self.problem(cutoffs)
    let kernels = Kernels(InstructionSet.available.last!)
    let parameters = Arena(problem.parameters)
    let weights = PackedWeights(shape: problem.shape, table: problem.table, kernels: kernels)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    let generator = Generator(shape: problem.shape, table: problem.table, kernels: kernels)
    let size = problem.shape.vocabularySize
    let tokens = Array(problem.inputs[0].prefix(3))
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).logits(
      parameters: problem.parameters.map(Double.init), inputs: tokens, window: 3, sequences: 1,
      state: [Double](repeating: 0, count: problem.shape.hiddenSize)
    ).logits
    generator.reset()
    for (index, token) in tokens.enumerated() {
      let logits = generator.step(
        token: token, parameters: parameters.pointer, weights: weights)
      let found = (0..<size).map { Double(logits[$0]) }
      #expect(relativeError(found, Array(expected[index * size..<(index + 1) * size])) <= 1e-5)
    }
  }
}
