import Cells
import GRUCore
import Kernels
import ReferenceModels
import Testing

/// The learned state that streams start from, and the first value of the update gate's bias.
@Suite struct InitialStateTests {
  private let sizes = Sizes.all[3]

  /// Values and gradients both.
  @Test(arguments: Cell.allCases)
  func onlyTheFirstWindowOfAStreamUsesIt(cell: Cell) {
    let problem = sizes.problem(cell) { $0.learnsInitialState = true }
    let set = InstructionSet.available.last!
    let found = WorkerRun(problem, plan: sizes.plan(), instructionSet: set)
    var carried = problem
    // Carried states are those of the plain model, and those learned have no part in them.
    let names = cell.stateVectors.flatMap { vector in
      (0..<sizes.layers).map { "layers.\($0).\(vector.initialName)" }
    }
    for (vector, name) in names.enumerated() {
      let tensor = problem.table[name]
      #expect(found.gradients[0][tensor.range].allSatisfy { $0 != 0 })
      #expect(found.gradients[1][tensor.range].allSatisfy { $0 == 0 })
      for sequence in 0..<problem.sequences {
        let start = (vector * problem.sequences + sequence) * sizes.hidden
        carried.state.replaceSubrange(
          start..<start + sizes.hidden, with: problem.parameters[tensor.range])
      }
    }
    let plain = sizes.problem(cell)
    var copy = plain
    copy.state = carried.state
    for tensor in plain.table.parameters {
      copy.parameters.replaceSubrange(
        tensor.range, with: problem.parameters[problem.table[tensor.name].range])
    }
    copy.inputs = problem.inputs
    copy.targets = problem.targets
    let expected = WorkerRun(copy, plan: sizes.plan(), instructionSet: set)
    #expect(found.losses == expected.losses)
    #expect(found.state == expected.state)
    for tensor in plain.table.parameters {
      let range = problem.table[tensor.name].range
      for window in 0..<2 {
        #expect(
          Array(found.gradientBits[window][range])
            == Array(expected.gradientBits[window][tensor.range]), "\(tensor.name)")
      }
    }
  }

  @Test func generationStartsFromIt() {
    let problem = sizes.problem(.gruResetAfter) { $0.learnsInitialState = true }
    let kernels = Kernels(InstructionSet.available.last!)
    let parameters = Arena(problem.parameters)
    let weights = PackedWeights(shape: problem.shape, table: problem.table, kernels: kernels)
    weights.repack(from: parameters.pointer, part: 0, of: 1)
    let generator = Generator(shape: problem.shape, table: problem.table, kernels: kernels)
    func logits() -> [Float] {
      (Int32(0)..<2).flatMap { token in
        let logits = generator.step(
          token: token, parameters: parameters.pointer, weights: weights)
        return (0..<sizes.vocabulary).map { logits[$0] }
      }
    }
    let first = logits()
    #expect(logits() != first)
    generator.reset()
    #expect(logits() == first)
    let state = (0..<sizes.layers).flatMap {
      problem.parameters[problem.table["layers.\($0).initial_state"].range].map(Double.init)
    }
    let expected = ReferenceModel(shape: problem.shape, table: problem.table).logits(
      parameters: problem.parameters.map(Double.init), inputs: [0, 1], window: 2, sequences: 1,
      state: state)
    #expect(relativeError(first.map(Double.init), expected.logits) < 1e-5)
  }

  @Test(arguments: [Cell.gruResetBefore, .gruResetAfter], [false, true])
  func updateGateBiasStartsAtTheConfiguredValue(cell: Cell, normalizes: Bool) {
    func initial(_ bias: Float) -> ([Float], ParameterTable) {
      let shape = sizes.problem(cell) {
        $0.normalizesGates = normalizes
        $0.learnsInitialState = true
        $0.initialUpdateBias = bias
      }.shape
      let table = ParameterTable(shape: shape)
      let arena = Arena([Float](repeating: 7, count: table.elementCount))
      Initialization.initialize(arena.pointer, table: table, shape: shape, seed: 1)
      return (arena.values, table)
    }
    let (plain, table) = initial(0)
    let (biased, _) = initial(-1.5)
    for tensor in table.parameters {
      let isBias = tensor.name.hasSuffix(normalizes ? "norm.bias" : ".bias")
      let isOurs = isBias && tensor.name.hasPrefix("layers") && !tensor.name.contains("recurrent")
      for i in tensor.range {
        let isUpdate = isOurs && i - tensor.offset < sizes.hidden
        #expect(biased[i] == (isUpdate ? -1.5 : plain[i]), "\(tensor.name)")
      }
      if tensor.name.hasSuffix("initial_state") {
        #expect(plain[tensor.range].allSatisfy { $0 == 0 })
      }
    }
  }
}
