import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// A task and sizes to compare at.
struct TaskCase: Sendable, CustomTestStringConvertible {
  var task: TaskShape
  var hidden, inputs, outputs, layers, steps, slots, shards, sequencesPerShard: Int
  var option: ModelOption?
  var isBidirectional = false

  static let all =
    oneDirection + bothDirections + tokensAndValues + distributions + weighted + categories

  private static let oneDirection: [TaskCase] = [
    TaskCase(
      task: shape(.values, .last, .squaredError), hidden: 5, inputs: 1, outputs: 1, layers: 1,
      steps: 1, slots: 1, shards: 1, sequencesPerShard: 1),
    TaskCase(
      task: shape(.values, .last, .squaredError), hidden: 17, inputs: 2, outputs: 3, layers: 2,
      steps: 7, slots: 1, shards: 4, sequencesPerShard: 3),
    TaskCase(
      task: shape(.values, .mean, .absoluteError), hidden: 16, inputs: 19, outputs: 17,
      layers: 1, steps: 9, slots: 3, shards: 3, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .last, .softmax), hidden: 33, inputs: 5, outputs: 10, layers: 2,
      steps: 13, slots: 4, shards: 6, sequencesPerShard: 2),
    TaskCase(
      task: shape(.tokens, .mean, .softmax, 29), hidden: 12, inputs: 6, outputs: 4, layers: 2,
      steps: 11, slots: 5, shards: 2, sequencesPerShard: 3),
    TaskCase(
      task: shape(.values, .every, .sigmoid), hidden: 20, inputs: 88, outputs: 88, layers: 2,
      steps: 10, slots: 3, shards: 4, sequencesPerShard: 1),
    TaskCase(
      task: shape(.values, .every, .sigmoid), hidden: 3, inputs: 2, outputs: 530, layers: 1,
      steps: 4, slots: 1, shards: 2, sequencesPerShard: 1),
    TaskCase(
      task: shape(.tokens, .every, .softmax), hidden: 9, inputs: 4, outputs: 31, layers: 2,
      steps: 8, slots: 8, shards: 2, sequencesPerShard: 2),
    // A tagger: one of a few labels for every token.
    TaskCase(
      task: shape(.tokens, .every, .softmax, 29), hidden: 10, inputs: 5, outputs: 6, layers: 2,
      steps: 9, slots: 3, shards: 3, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .last, .softmax), hidden: 21, inputs: 3, outputs: 5, layers: 2,
      steps: 12, slots: 4, shards: 5, sequencesPerShard: 2, option: .learnedInitialState),
    TaskCase(
      task: shape(.tokens, .mean, .squaredError, 7), hidden: 16, inputs: 4, outputs: 2,
      layers: 1, steps: 6, slots: 1, shards: 2, sequencesPerShard: 3,
      option: .learnedInitialState),
  ]

  private static let weighted: [TaskCase] = [
    TaskCase(
      task: shape(.values, .last, .softmax), hidden: 20, inputs: 5, outputs: 17, layers: 2,
      steps: 13, slots: 4, shards: 6, sequencesPerShard: 2, option: .smoothedWeights),
    TaskCase(
      task: shape(.tokens, .every, .softmax, 29), hidden: 10, inputs: 5, outputs: 6, layers: 1,
      steps: 9, slots: 3, shards: 3, sequencesPerShard: 2, option: .smoothedWeights),
  ]

  private static let bothDirections: [TaskCase] = [
    TaskCase(
      task: shape(.tokens, .every, .softmax, 13), hidden: 18, inputs: 4, outputs: 5, layers: 2,
      steps: 10, slots: 2, shards: 2, sequencesPerShard: 2, isBidirectional: true),
    TaskCase(
      task: shape(.values, .last, .softmax), hidden: 5, inputs: 3, outputs: 4, layers: 1,
      steps: 6, slots: 1, shards: 3, sequencesPerShard: 2, isBidirectional: true),
    TaskCase(
      task: shape(.values, .last, .softmax), hidden: 21, inputs: 3, outputs: 5, layers: 3,
      steps: 12, slots: 4, shards: 5, sequencesPerShard: 2, isBidirectional: true),
    TaskCase(
      task: shape(.values, .mean, .squaredError), hidden: 16, inputs: 1, outputs: 1, layers: 2,
      steps: 1, slots: 1, shards: 1, sequencesPerShard: 1, isBidirectional: true),
    TaskCase(
      task: shape(.tokens, .mean, .softmax, 7), hidden: 17, inputs: 6, outputs: 3, layers: 2,
      steps: 11, slots: 3, shards: 4, sequencesPerShard: 3, isBidirectional: true),
    TaskCase(
      task: shape(.values, .every, .sigmoid), hidden: 8, inputs: 4, outputs: 19, layers: 2,
      steps: 7, slots: 2, shards: 2, sequencesPerShard: 2, option: .recurrentDropout,
      isBidirectional: true),
    TaskCase(
      task: shape(.tokens, .last, .softmax, 9), hidden: 33, inputs: 20, outputs: 6, layers: 2,
      steps: 9, slots: 3, shards: 2, sequencesPerShard: 3, option: .dropout,
      isBidirectional: true),
    TaskCase(
      task: shape(.values, .mean, .softmax), hidden: 19, inputs: 2, outputs: 6, layers: 2,
      steps: 8, slots: 2, shards: 6, sequencesPerShard: 1, option: .untied,
      isBidirectional: true),
  ]

  private static let tokensAndValues: [TaskCase] = [
    TaskCase(
      task: shape(.both, .every, .softmax), hidden: 5, inputs: 1, outputs: 3, layers: 1,
      steps: 1, slots: 1, shards: 1, sequencesPerShard: 1),
    // More rows than twice the kinds of tokens, of which tokens alone would make a table.
    TaskCase(
      task: shape(.both, .last, .squaredError, 7), hidden: 17, inputs: 3, outputs: 2, layers: 2,
      steps: 9, slots: 3, shards: 4, sequencesPerShard: 3),
    TaskCase(
      task: shape(.both, .every, .sigmoid, 11), hidden: 16, inputs: 15, outputs: 5, layers: 2,
      steps: 7, slots: 2, shards: 3, sequencesPerShard: 2, option: .dropout),
    TaskCase(
      task: shape(.both, .mean, .softmax, 23), hidden: 12, inputs: 21, outputs: 4, layers: 1,
      steps: 6, slots: 1, shards: 2, sequencesPerShard: 1, option: .untied,
      isBidirectional: true),
    TaskCase(
      task: shape(.both, .every, .softmax), hidden: 13, inputs: 13, outputs: 29, layers: 2,
      steps: 8, slots: 1, shards: 3, sequencesPerShard: 2, option: .everythingDropped),
  ]

  /// Several categories a step, each with an embedding of its own.
  private static let categories: [TaskCase] = [
    TaskCase(
      task: shape(.both, .last, .squaredError, 11, perStep: 2), hidden: 9, inputs: 3, outputs: 2,
      layers: 1, steps: 7, slots: 2, shards: 4, sequencesPerShard: 3),
    TaskCase(
      task: shape(.both, .every, .softmax, 29, perStep: 3), hidden: 17, inputs: 17, outputs: 5,
      layers: 2, steps: 8, slots: 3, shards: 3, sequencesPerShard: 2, option: .dropout,
      isBidirectional: true),
    TaskCase(
      task: shape(.both, .mean, .softmax, 7, perStep: 2), hidden: 12, inputs: 5, outputs: 4,
      layers: 1, steps: 6, slots: 1, shards: 2, sequencesPerShard: 1, option: .untied),
  ]

  /// Several outputs for each target, and targets that are missing.
  private static let distributions: [TaskCase] = [
    TaskCase(
      task: shape(.values, .last, .squaredError, isMasked: true), hidden: 9, inputs: 3, outputs: 17,
      layers: 1, steps: 5, slots: 1, shards: 3, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .every, .absoluteError, isMasked: true), hidden: 9, inputs: 2,
      outputs: 3, layers: 1, steps: 6, slots: 2, shards: 2, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .every, .squaredError), hidden: 12, inputs: 5, outputs: 2, layers: 2,
      steps: 9, slots: 3, shards: 4, sequencesPerShard: 2, isBidirectional: true),
    TaskCase(
      task: shape(.values, .every, .softmax), hidden: 11, inputs: 4, outputs: 7, layers: 2,
      steps: 8, slots: 3, shards: 3, sequencesPerShard: 2, option: .smoothedWeights,
      isBidirectional: true),
    TaskCase(
      task: shape(.values, .every, .gaussian, isMasked: true), hidden: 9, inputs: 3, outputs: 4,
      layers: 1, steps: 7, slots: 2, shards: 2, sequencesPerShard: 3),
    TaskCase(
      task: shape(.values, .last, .quantile, quantiles: [0.1, 0.5, 0.9]), hidden: 8, inputs: 2,
      outputs: 21, layers: 2, steps: 6, slots: 1, shards: 4, sequencesPerShard: 1),
    TaskCase(
      task: shape(.values, .mean, .quantile, quantiles: [0.25, 0.75], isMasked: true), hidden: 11,
      inputs: 3, outputs: 38, layers: 1, steps: 4, slots: 2, shards: 2, sequencesPerShard: 3),
    TaskCase(
      task: shape(.values, .last, .gaussian), hidden: 8, inputs: 2, outputs: 2, layers: 1, steps: 5,
      slots: 1, shards: 2, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .mean, .gaussian, isMasked: true), hidden: 13, inputs: 4, outputs: 34,
      layers: 2, steps: 7, slots: 2, shards: 4, sequencesPerShard: 1),
    TaskCase(
      task: shape(.values, .last, .studentT), hidden: 8, inputs: 2, outputs: 3, layers: 1, steps: 5,
      slots: 1, shards: 2, sequencesPerShard: 2),
    TaskCase(
      task: shape(.values, .last, .studentT, isMasked: true), hidden: 16, inputs: 3, outputs: 51,
      layers: 2, steps: 6, slots: 1, shards: 3, sequencesPerShard: 2),
  ]

  private static func shape(
    _ input: TaskShape.Input, _ readout: TaskShape.Readout, _ loss: TaskShape.Loss,
    _ kinds: Int? = nil, perStep: Int = 1, quantiles: [Double] = [], isMasked: Bool = false
  ) -> TaskShape {
    TaskShape(
      input: input, tokensPerStep: perStep, readout: readout, loss: loss,
      inputVocabularySize: input == .values ? nil : kinds, quantiles: quantiles,
      masksTargets: isMasked, sumsMetric: true, looksAhead: false)
  }

  func problem(_ cell: Cell) -> TaskProblem {
    TaskProblem(
      cell, task, hidden: hidden, inputs: inputs, outputs: outputs, layers: layers, steps: steps,
      slots: slots, shards: shards, sequencesPerShard: sequencesPerShard,
      options: {
        option?.apply(to: &$0)
        $0.isBidirectional = isBidirectional
      })
  }

  var testDescription: String {
    "\(task.input) \(task.readout) \(task.loss) H \(hidden) T \(steps) K \(slots) "
      + (option?.rawValue ?? "") + (isBidirectional ? " both directions" : "")
  }
}

@Suite struct TaskTests {
  private let tolerance = 5e-6

  @Test(arguments: Cell.allCases, TaskCase.all)
  func agreesWithTheReferenceModel(cell: Cell, sizes: TaskCase) {
    let problem = sizes.problem(cell)
    let state = [Double](
      repeating: 0, count: problem.shape.stateCount(sequences: problem.plan.sequences))
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).lossAndGradient(
      parameters: problem.parameters.map(Double.init), window: problem.window, state: state)
    for set in InstructionSet.available {
      let found = problem.run(set)
      #expect(found.tokens == problem.window.targets.count { $0 >= 0 })
      #expect(
        abs(found.loss - expected.loss) <= tolerance * max(1, expected.loss),
        "\(set) \(found.loss) \(expected.loss)")
      for tensor in problem.table.parameters {
        let gradient = found.gradient[tensor.range].map(Double.init)
        let error = relativeError(gradient, Array(expected.gradient[tensor.range]))
        #expect(error <= tolerance, "\(set) \(tensor.name)")
      }
    }
  }

  /// The reference's own gradient, which the fast path is held against, is that of its loss.
  @Test(arguments: Cell.allCases, TaskCase.all)
  func theReferenceAgreesWithCentralDifferences(cell: Cell, sizes: TaskCase) {
    let problem = sizes.problem(cell)
    let model = ReferenceModel(shape: problem.shape, table: problem.table)
    let state = [Double](
      repeating: 0, count: problem.shape.stateCount(sequences: problem.plan.sequences))
    var parameters = problem.parameters.map(Double.init)
    let gradient = model.lossAndGradient(
      parameters: parameters, window: problem.window, state: state
    ).gradient
    for tensor in problem.table.parameters {
      let scale = tensor.range.reduce(0.0) { max($0, abs(gradient[$1])) }
      let place = tensor.offset + tensor.count / 2
      let value = parameters[place]
      parameters[place] = value + 1e-5
      let above = model.loss(parameters: parameters, window: problem.window, state: state)
      parameters[place] = value - 1e-5
      let below = model.loss(parameters: parameters, window: problem.window, state: state)
      parameters[place] = value
      let slope = (above - below) / 2e-5
      #expect(abs(slope - gradient[place]) <= 1e-5 * max(1e-2, scale), "\(tensor.name)")
    }
  }

  @Test(arguments: TaskCase.all)
  func everyInstructionSetAndWorkerCountIsBitIdentical(sizes: TaskCase) {
    let problem = sizes.problem(.gruResetBefore)
    let alone = problem.run(.portable)
    for set in InstructionSet.available {
      // Threads beyond the shards share them.
      for (ranks, threads) in (1...sizes.shards).map({ ($0, 1) }) + [(1, sizes.shards + 2)] {
        let plan = ShardPlan(
          sequences: problem.plan.sequences, shards: sizes.shards, ranks: ranks, threads: threads)
        let found = problem.run(set, plan: plan)
        #expect(found.loss.bitPattern == alone.loss.bitPattern, "\(set) \(ranks) \(threads)")
        #expect(found.metric.bitPattern == alone.metric.bitPattern, "\(set) \(ranks) \(threads)")
        #expect(found.gradient.map(\.bitPattern) == alone.gradient.map(\.bitPattern), "\(set)")
      }
    }
  }

  /// What a tagger says is judged at every step, and is no token that it could read again.
  @Test func taggerEvaluationCountsCorrectLabels() throws {
    let sizes = try #require(
      TaskCase.all.first { $0.task.inputVocabularySize == 29 && $0.task.readout == .every })
    #expect(!sizes.task.predictsInputTokens)
    let problem = sizes.problem(.gruResetAfter)
    for set in InstructionSet.available {
      let kernels = Kernels(set)
      let worker = SequenceWorker(
        shape: problem.shape, table: problem.table, kernels: kernels, window: sizes.steps,
        plan: problem.plan, worker: 0, slots: sizes.slots)
      let arena = Arena(problem.parameters)
      let weights = PackedWeights(shape: problem.shape, table: problem.table, kernels: kernels)
      weights.repack(from: arena.pointer, part: 0, of: 1)
      worker.load(problem.window)
      worker.resetState()
      worker.keepsScores = true
      worker.evaluate(parameters: arena.pointer, weights: weights)
      var right = 0.0
      for row in 0..<sizes.steps * problem.plan.sequences where worker.targets[row] >= 0 {
        let scores = Array(worker.scores(ofRow: row))
        #expect(scores.count == sizes.outputs)
        right += scores.firstIndex(of: scores.max()!) == Int(worker.targets[row]) ? 1 : 0
      }
      #expect(right > 0)
      let sum = (0..<worker.shards.count).reduce(0.0) { $0 + worker.shardMetrics[$1] }
      #expect(sum == right, "\(set)")
    }
  }

  /// A sequence's gradient must not depend on what stands before it in its row.
  @Test(arguments: [false, true]) func packedSequencesDoNotAffectEachOther(isBidirectional: Bool) {
    var sizes = TaskCase.all[3]
    sizes.isBidirectional = isBidirectional
    let problem = sizes.problem(.gruResetAfter)
    var other = problem
    let total = problem.window.sequences
    // Changes the inputs of every first sequence, and counts none of them.
    for row in 0..<total {
      other.window.targets[row] = -1
      for t in problem.window.slots[row] {
        for j in 0..<sizes.inputs { other.window.values[(t * total + row) * sizes.inputs + j] += 1 }
      }
    }
    var uncounted = problem
    for row in 0..<total { uncounted.window.targets[row] = -1 }
    let set = InstructionSet.available.last!
    #expect(other.run(set).loss == uncounted.run(set).loss)
    #expect(other.run(set).loss > 0)
  }
}
