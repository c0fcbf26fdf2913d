import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// A model with something beside the plain cells switched on.
enum ModelOption: String, CaseIterable, CustomTestStringConvertible {
  case dropout, lockedDropout, tiedWeights, tiedWeightsWithDropout, embeddingDropout
  case recurrentDropout, everythingDropped, layerNormalization, learnedInitialState, allOptions
  /// All that goes with any task.
  case untied
  case adaptiveSoftmax, manyClusters, adaptiveSoftmaxWithDropout
  case labelSmoothing, smoothedWeights
  case sampledSoftmax, sampledSoftmaxWithDropout

  func apply(to shape: inout ModelShape) {
    shape.regularization.seed = 3
    switch self {
    case .dropout: shape.regularization.dropout = 0.3
    case .lockedDropout:
      shape.regularization.dropout = 0.5
      shape.regularization.isLocked = true
    case .tiedWeights: tie(&shape)
    case .embeddingDropout: shape.regularization.embeddingDropout = 0.4
    case .recurrentDropout: shape.regularization.recurrentDropout = 0.4
    case .layerNormalization: shape.normalizesGates = true
    case .untied:
      shape.regularization.dropout = 0.2
      shape.regularization.recurrentDropout = 0.3
      shape.normalizesGates = true
      shape.learnsInitialState = true
    case .learnedInitialState: shape.learnsInitialState = true
    case .allOptions:
      ModelOption.everythingDropped.apply(to: &shape)
      shape.normalizesGates = true
      shape.learnsInitialState = true
    case .everythingDropped:
      tie(&shape)
      shape.regularization.dropout = 0.2
      shape.regularization.isLocked = true
      shape.regularization.embeddingDropout = 0.1
      shape.regularization.recurrentDropout = 0.5
    case .tiedWeightsWithDropout:
      tie(&shape)
      shape.regularization.dropout = 0.2
    case .labelSmoothing: shape.regularization.labelSmoothing = 0.1
    case .smoothedWeights:
      weigh(&shape)
      shape.regularization.labelSmoothing = 0.3
    case .sampledSoftmax: sample(&shape)
    case .sampledSoftmaxWithDropout:
      sample(&shape)
      shape.regularization.dropout = 0.3
    case .adaptiveSoftmax: cluster(&shape, into: 2, factor: 4)
    case .manyClusters: cluster(&shape, into: 4, factor: 3)
    case .adaptiveSoftmaxWithDropout:
      cluster(&shape, into: 2, factor: 2)
      shape.regularization.dropout = 0.3
      shape.normalizesGates = true
    }
  }

  /// Cuts the vocabulary so that the last cluster is the largest, and the one before it may be of a
  /// single token.
  private func cluster(_ shape: inout ModelShape, into count: Int, factor: Int) {
    let size = shape.vocabularySize
    let cutoffs = (0..<count).reversed().map { max(1, size >> (2 * $0 + 1)) }
    shape.adaptiveSoftmax = AdaptiveSoftmax(
      cutoffs: Set(cutoffs).filter { $0 < size }.sorted(), factor: factor)
  }

  /// About as many draws as there are tokens, so that some are drawn several times and some not.
  private func sample(_ shape: inout ModelShape) {
    shape.sampledSoftmax = SampledSoftmax(
      draws: shape.vocabularySize, power: 0.75,
      popularity: (0..<shape.vocabularySize).map { 1000 / ($0 + 1) }, seed: 5)
  }

  /// Classes in one block have weights.
  private func weigh(_ shape: inout ModelShape) {
    if shape.vocabularySize > canonicalBlock { return }
    shape.regularization.classWeights = (0..<shape.vocabularySize).map {
      0.25 + Float($0 * 7 % 11) / 4
    }
  }

  private func tie(_ shape: inout ModelShape) {
    shape.embeddingSize = shape.hiddenSize
    shape.tiesWeights = true
  }

  var testDescription: String { rawValue }
}

/// Every option of the model against the double-precision reference, and under the numeric
/// contract.
@Suite struct ModelOptionsTests {
  private static let sizes = Sizes.all
  private let tolerance = 1e-5

  @Test(arguments: ModelOption.allCases, sizes)
  func everyCellAgreesWithTheReferenceModel(option: ModelOption, sizes: Sizes) {
    for cell in Cell.allCases {
      let problem = sizes.problem(cell, options: option.apply)
      let model = ReferenceModel(shape: problem.shape, table: problem.table)
      let parameters = problem.parameters.map(Double.init)
      var state = problem.state.map(Double.init)
      let set = InstructionSet.available.last!
      let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
      for window in problem.inputs.indices {
        let expected = model.lossAndGradient(
          parameters: parameters, inputs: problem.inputs[window],
          targets: problem.targets[window], window: problem.window,
          sequences: problem.sequences, state: state, trainingStep: window + 1,
          startsAfresh: problem.startsAfresh && window == 0)
        state = expected.finalState
        let loss = CanonicalTree.sum(found.losses[window])
        #expect(abs(loss - expected.loss) <= tolerance * max(1, expected.loss), "\(cell)")
        for tensor in problem.table.parameters {
          let gradient = found.gradients[window][tensor.range].map(Double.init)
          let error = relativeError(gradient, Array(expected.gradient[tensor.range]))
          #expect(error <= tolerance, "\(cell) window \(window) \(tensor.name)")
        }
      }
      #expect(relativeError(found.state.map(Double.init), state) <= tolerance, "\(cell)")
    }
  }

  /// The errors are those of `ReferenceModelTests.gradientAgreesWithCentralDifferences`.
  @Test(arguments: ModelOption.allCases, Cell.allCases)
  func referenceGradientAgreesWithCentralDifferences(option: ModelOption, cell: Cell) {
    var shape = ModelShape(
      cell: cell, vocabularySize: 5, embeddingSize: 3, hiddenSize: 4, layerCount: 2)
    option.apply(to: &shape)
    let problem = RandomProblem(shape: shape, window: 4, sequences: 3, seed: 11)
    let model = ReferenceModel(shape: shape, table: problem.table)
    let state = problem.state.map(Double.init)
    var parameters = problem.parameters.map(Double.init)
    func loss() -> Double {
      model.loss(
        parameters: parameters, inputs: problem.inputs[0], targets: problem.targets[0], window: 4,
        sequences: 3, state: state, trainingStep: 7, startsAfresh: problem.startsAfresh)
    }
    let gradient = model.lossAndGradient(
      parameters: parameters, inputs: problem.inputs[0], targets: problem.targets[0], window: 4,
      sequences: 3, state: state, trainingStep: 7, startsAfresh: problem.startsAfresh
    ).gradient
    for tensor in problem.table.parameters {
      for i in tensor.range {
        let middle = parameters[i]
        parameters[i] = middle + 1e-5
        let above = loss()
        parameters[i] = middle - 1e-5
        let slope = (above - loss()) / 2e-5
        parameters[i] = middle
        #expect(abs(slope - gradient[i]) <= 1e-7, "\(tensor.name)[\(i - tensor.offset)]")
      }
    }
  }

  @Test(arguments: ModelOption.allCases, [8, 7, 6])
  func everySplitOfTheShardsIsBitIdentical(option: ModelOption, shards: Int) {
    for (cell, precision) in cases {
      let sizes = Sizes(
        hidden: 19, embedding: 13, vocabulary: 89, layers: 2, window: 5, shards: shards,
        sequencesPerShard: 3)
      let problem = sizes.problem(cell, options: option.apply)
      let set = InstructionSet.available.last!
      let one = WorkerRun(
        problem, plan: sizes.plan(), instructionSet: set, precision: precision)
      for ranks in 1...shards {
        for threads in 1...shards / ranks where ranks * threads > 1 {
          let found = WorkerRun(
            problem, plan: sizes.plan(ranks: ranks, threads: threads), instructionSet: set,
            precision: precision)
          #expect(found.losses == one.losses, "\(ranks) ranks × \(threads) threads")
          #expect(found.gradientBits == one.gradientBits, "\(ranks) ranks × \(threads) threads")
          #expect(found.state == one.state, "\(ranks) ranks × \(threads) threads")
        }
      }
    }
  }

  @Test(arguments: ModelOption.allCases, [1, 2])
  func threadsThatShareShardsAreBitIdentical(option: ModelOption, shards: Int) {
    for (cell, precision) in cases {
      let sizes = Sizes(
        hidden: 35, embedding: 13, vocabulary: 89, layers: 2, window: 5, shards: shards,
        sequencesPerShard: 3)
      let problem = sizes.problem(cell, options: option.apply)
      let set = InstructionSet.available.last!
      let one = WorkerRun(
        problem, plan: sizes.plan(), instructionSet: set, precision: precision)
      for threads in [3, 5] {
        let found = WorkerRun(
          problem, plan: sizes.plan(threads: threads), instructionSet: set, precision: precision)
        #expect(found.losses == one.losses, "\(threads) threads")
        #expect(found.gradientBits == one.gradientBits, "\(threads) threads")
        #expect(found.state == one.state, "\(threads) threads")
      }
    }
  }

  private var cases: [(Cell, Precision)] {
    Cell.allCases.map { ($0, .fp32) } + [(.gruResetBefore, .bf16)]
  }

  @Test(arguments: ModelOption.allCases, sizes)
  func everyInstructionSetIsBitIdentical(option: ModelOption, sizes: Sizes) {
    let problem = sizes.problem(.gruResetAfter, options: option.apply)
    let portable = WorkerRun(problem, plan: sizes.plan(), instructionSet: .portable)
    for set in InstructionSet.available where set != .portable {
      let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
      #expect(found.losses == portable.losses, "\(set)")
      #expect(found.gradientBits == portable.gradientBits, "\(set)")
      #expect(found.state == portable.state, "\(set)")
    }
  }

  /// What is dropped changes from step to step and from sequence to sequence, and with `locked` not
  /// from one time step to the next.
  @Test(arguments: [false, true])
  func dropoutDependsOnThePositionAlone(isLocked: Bool) {
    var regularization = Regularization()
    regularization.dropout = 0.25
    regularization.isLocked = isLocked
    func mask(step: UInt32 = 1, layer: Int = 0, sequence: Int = 0, time: Int = 0) -> [Bool] {
      (0..<4000).map {
        regularization.factor(
          step: step, layer: layer, sequence: sequence, time: time, column: $0, columns: 4000)
          == 0
      }
    }
    let first = mask()
    for other in [mask(step: 2), mask(layer: 1), mask(sequence: 1)] {
      #expect(zip(first, other).count { $0 && $1 } < 400)
    }
    #expect((mask(time: 1) == first) == isLocked)
    // Four standard deviations of a binomial distribution.
    #expect(abs(Double(first.count { $0 }) - 1000) < 4 * (4000 * 0.25 * 0.75).squareRoot())
  }

  @Test(arguments: Cell.allCases)
  func evaluationDropsNothing(cell: Cell) {
    let sizes = Sizes.all[3]
    let plain = sizes.problem(cell)
    let problem = sizes.problem(cell) { $0.regularization.dropout = 0.5 }
    #expect(losses(plain, sizes) == losses(problem, sizes))
  }

  /// What `evaluate` gives for both windows, after a pass of training on the second.
  private func losses(_ problem: RandomProblem, _ sizes: Sizes) -> [Double] {
    let one = OneWorker(problem, plan: sizes.plan())
    let gradient = Arena(problem.stale)
    one.worker.load(problem, window: 1)
    withUnsafePointer(to: gradient.pointer) {
      one.worker.computeGradients(
        parameters: one.parameters.pointer, weights: one.weights, partialSums: $0)
    }
    one.worker.load(problem)
    return problem.inputs.indices.flatMap { window in
      one.evaluate(problem, window: window)
      return (0..<sizes.shards).map { one.worker.shardLosses[$0] }
    }
  }
}
