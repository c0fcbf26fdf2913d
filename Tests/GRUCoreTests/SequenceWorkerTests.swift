import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// The sizes of one comparison: odd ones on purpose, around and across vector and tile widths.
struct Sizes: Sendable, CustomTestStringConvertible {
  var hidden, embedding, vocabulary, layers, window, shards, sequencesPerShard: Int
  var seed: UInt64?

  static let all = [
    Sizes(
      hidden: 1, embedding: 1, vocabulary: 2, layers: 1, window: 1, shards: 1,
      sequencesPerShard: 1),
    Sizes(
      hidden: 5, embedding: 3, vocabulary: 11, layers: 2, window: 4, shards: 3,
      sequencesPerShard: 1),
    Sizes(
      hidden: 16, embedding: 16, vocabulary: 32, layers: 2, window: 3, shards: 2,
      sequencesPerShard: 4),
    Sizes(
      hidden: 17, embedding: 9, vocabulary: 37, layers: 3, window: 5, shards: 4,
      sequencesPerShard: 3),
    Sizes(
      hidden: 33, embedding: 50, vocabulary: 65, layers: 2, window: 9, shards: 6,
      sequencesPerShard: 5),
    // More rows in a shard than one block of a weight gradient, and several blocks of columns.
    Sizes(
      hidden: 70, embedding: 210, vocabulary: 150, layers: 2, window: 37, shards: 2,
      sequencesPerShard: 7),
    // A vocabulary of three blocks of 4,096, the last of them of 15.
    Sizes(
      hidden: 9, embedding: 3, vocabulary: 8207, layers: 1, window: 3, shards: 3,
      sequencesPerShard: 2),
  ]

  /// The same, for gradients to be compared by their size. That of a single unit is a multiple of
  /// the difference of two weights, which may nearly cancel: with this seed they have opposite
  /// signs in every cell, and all targets count.
  static let wellConditioned: [Sizes] = {
    var sizes = all
    sizes[0].seed = 27
    return sizes
  }()

  func problem(
    _ cell: Cell, options: (inout ModelShape) -> Void = { _ in }
  ) -> RandomProblem {
    var shape = ModelShape(
      cell: cell, vocabularySize: vocabulary, embeddingSize: embedding, hiddenSize: hidden,
      layerCount: layers)
    options(&shape)
    return RandomProblem(
      shape: shape, window: window, sequences: shards * sequencesPerShard,
      seed: seed ?? UInt64(hidden * 100 + window))
  }

  func plan(ranks: Int = 1, threads: Int = 1) -> ShardPlan {
    ShardPlan(
      sequences: shards * sequencesPerShard, shards: shards, ranks: ranks, threads: threads)
  }

  var testDescription: String {
    "H \(hidden) E \(embedding) V \(vocabulary) L \(layers) T \(window)"
      + " shards \(shards) × \(sequencesPerShard)"
  }
}

@Suite struct SequenceWorkerTests {
  /// Single precision has a unit roundoff of 6e-8; sums here have up to 518 terms, passed through
  /// up to 37 time steps, and errors are measured against the largest value of the tensor.
  private let tolerance = 5e-6

  @Test(arguments: InstructionSet.available, ReferenceValues.names)
  func agreesWithIndependentValues(set: InstructionSet, name: String) throws {
    let expected = try ReferenceValues(named: name)
    let problem = RandomProblem(expected)
    let plan = ShardPlan(sequences: problem.sequences, shards: 3, ranks: 1, threads: 1)
    let found = WorkerRun(problem, plan: plan, instructionSet: set)
    let loss = CanonicalTree.sum(found.losses[0])
    #expect(abs(loss - expected.loss) <= tolerance * expected.loss)
    #expect(relativeError(found.state.map(Double.init), expected.finalState) <= tolerance)
    for tensor in problem.table.parameters {
      let gradient = found.gradients[0][tensor.range].map(Double.init)
      let error = relativeError(gradient, expected.gradients[tensor.name]!)
      #expect(error <= tolerance, "\(tensor.name)")
    }
  }

  @Test(arguments: Cell.allCases, Sizes.wellConditioned)
  func agreesWithTheReferenceModelOverTwoWindows(cell: Cell, sizes: Sizes) {
    let problem = sizes.problem(cell)
    let model = ReferenceModel(shape: problem.shape, table: problem.table)
    let parameters = problem.parameters.map(Double.init)
    var state = problem.state.map(Double.init)
    let expected = problem.inputs.indices.map { window in
      let result = model.lossAndGradient(
        parameters: parameters, inputs: problem.inputs[window], targets: problem.targets[window],
        window: problem.window, sequences: problem.sequences, state: state)
      state = result.finalState
      return result
    }
    for set in InstructionSet.available {
      let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
      #expect(relativeError(found.state.map(Double.init), state) <= tolerance, "\(set)")
      for (window, expected) in expected.enumerated() {
        let counted = problem.targets[window].count { $0 >= 0 }
        #expect(found.tokens[window].reduce(0, +) == counted)
        let loss = CanonicalTree.sum(found.losses[window])
        #expect(abs(loss - expected.loss) <= tolerance * max(1, expected.loss), "\(set)")
        for tensor in problem.table.parameters {
          let gradient = found.gradients[window][tensor.range].map(Double.init)
          let error = relativeError(gradient, Array(expected.gradient[tensor.range]))
          #expect(error <= tolerance, "\(set) window \(window) \(tensor.name)")
        }
      }
    }
  }

  @Test(arguments: Cell.allCases)
  func gapsBetweenTensorsStayZero(cell: Cell) {
    let sizes = Sizes.all[1]
    let problem = sizes.problem(cell)
    let set = InstructionSet.available.last!
    let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    var gaps = found.gradients[1]
    for tensor in problem.table.parameters {
      gaps.replaceSubrange(tensor.range, with: repeatElement(0, count: tensor.count))
    }
    #expect(gaps.allSatisfy { $0 == 0 })
  }

  @Test(arguments: Cell.allCases)
  func evaluationLossEqualsTrainingLossAndCarriesState(cell: Cell) {
    let sizes = Sizes.all[3]
    let problem = sizes.problem(cell)
    let trained = WorkerRun(
      problem, plan: sizes.plan(), instructionSet: InstructionSet.available.last!)
    let one = OneWorker(problem, plan: sizes.plan())
    let worker = one.worker
    for window in problem.inputs.indices {
      one.evaluate(problem, window: window)
      #expect((0..<sizes.shards).map { worker.shardLosses[$0] } == trained.losses[window])
      #expect((0..<sizes.shards).map { worker.shardTokens[$0] } == trained.tokens[window])
    }
    #expect([worker].state(of: problem) == trained.state)
    worker.resetState()
    #expect([worker].state(of: problem).allSatisfy { $0 == 0 })
  }

  /// Logits of some hundreds overflow a naive softmax. The error of a loss is that of its logits,
  /// whose sums of 17 terms err by about 1e-6 of their size.
  @Test(arguments: InstructionSet.available)
  func largeLogitsStayAccurate(set: InstructionSet) {
    var problem = Sizes.all[3].problem(.gruResetBefore)
    for i in problem.table["output.weight"].range { problem.parameters[i] *= 500 }
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).loss(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      targets: problem.targets[0], window: problem.window, sequences: problem.sequences,
      state: problem.state.map(Double.init))
    let found = WorkerRun(problem, plan: Sizes.all[3].plan(), instructionSet: set)
    #expect(expected > 1000)
    #expect(abs(CanonicalTree.sum(found.losses[0]) - expected) <= tolerance * expected)
    #expect(found.gradients[0].allSatisfy { $0.isFinite })
  }

  @Test(arguments: Cell.allCases, [MemoryUse.apart, .reused, .inTurn])
  func nonFiniteValuesAreFound(cell: Cell, use: MemoryUse) {
    var problem = Sizes.all[3].problem(cell)
    let plan = Sizes.all[3].plan()
    #expect(firstNonFinite(problem, plan, use) == nil)
    let bias = problem.table["layers.1.bias"]
    problem.parameters[bias.offset] = .nan
    let site = firstNonFinite(problem, plan, use)
    #expect(site?.layer == 1)
    #expect(site?.timeStep == 0)
    #expect(site?.value.isNaN == true)
  }

  /// An infinite cell state shows itself by a hidden state of ±o, which is finite.
  @Test(arguments: [MemoryUse.apart, .reused, .inTurn])
  func findsAValueThatIsNotFiniteInAFurtherStateVector(use: MemoryUse) {
    var problem = Sizes.all[3].problem(.lstm)
    // The cell state of layer 1, sequence 2.
    let vector = problem.shape.layerCount + 1
    let place = (vector * problem.sequences + 2) * problem.shape.hiddenSize + 5
    problem.state[place] = .infinity
    let site = firstNonFinite(problem, Sizes.all[3].plan(), use)
    #expect(site?.tensor == "cell states")
    #expect(site?.layer == 1)
    #expect(site?.timeStep == 0)
    #expect(site?.sequence == 2)
    #expect(site?.column == 5)
    #expect(site?.value == .infinity)
  }

  private func firstNonFinite(
    _ problem: RandomProblem, _ plan: ShardPlan, _ use: MemoryUse
  ) -> NonFiniteSite? {
    let kernels = Kernels(InstructionSet.available.last!)
    let parameters = Arena(problem.parameters)
    let gradient = Arena(problem.stale)
    let weights = PackedWeights(
      shape: problem.shape, table: problem.table, kernels: kernels, use: use)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    let worker = SequenceWorker(
      shape: problem.shape, table: problem.table, kernels: kernels, window: problem.window,
      plan: plan, worker: 0, use: use)
    worker.load(problem)
    worker.load(problem, window: 0)
    withUnsafePointer(to: weights.gradients ?? gradient.pointer) {
      worker.computeGradients(parameters: parameters.pointer, weights: weights, partialSums: $0)
    }
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    return worker.firstNonFinite(parameters: parameters.pointer, weights: weights)
  }

  @Test(arguments: Cell.allCases, InstructionSet.available)
  func generationAgreesWithTheReferenceModel(cell: Cell, set: InstructionSet) {
    var problem = Sizes.all[3].problem(cell)
    problem.state = problem.state.map { _ in 0 }
    let tokens = Array(problem.inputs[0].prefix(6))
    let count = problem.shape.stateCount(sequences: 1)
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).logits(
      parameters: problem.parameters.map(Double.init), inputs: tokens, window: tokens.count,
      sequences: 1, state: [Double](repeating: 0, count: count)
    ).logits
    let kernels = Kernels(set)
    let parameters = Arena(problem.parameters)
    let weights = PackedWeights(shape: problem.shape, table: problem.table, kernels: kernels)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    let generator = Generator(shape: problem.shape, table: problem.table, kernels: kernels)
    for _ in 0..<2 {
      generator.reset()
      let found = tokens.flatMap { token in
        let logits = generator.step(
          token: token, parameters: parameters.pointer, weights: weights)
        return (0..<problem.shape.vocabularySize).map { Double(logits[$0]) }
      }
      #expect(relativeError(found, expected) <= tolerance)
    }
  }
}
