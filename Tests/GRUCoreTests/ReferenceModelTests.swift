import Cells
import GRUCore
import ReferenceModels
import Testing

@Suite struct ReferenceModelTests {
  /// Both sides compute in double; they differ by rounding in sums of some tens of terms, and the
  /// files hold 13 digits.
  private let tolerance = 1e-11

  @Test(arguments: ReferenceValues.names)
  func agreesWithIndependentValues(name: String) throws {
    let expected = try ReferenceValues(named: name)
    let table = ParameterTable(shape: expected.shape)
    let model = ReferenceModel(shape: expected.shape, table: table)
    let parameters = expected.arena(expected.parameters, table: table)
    let found = model.lossAndGradient(
      parameters: parameters, inputs: expected.inputs, targets: expected.targets,
      window: expected.window, sequences: expected.sequences, state: expected.state)
    #expect(abs(found.loss - expected.loss) <= tolerance * expected.loss)
    #expect(relativeError(found.finalState, expected.finalState) <= tolerance)
    for tensor in table.parameters {
      let gradient = Array(found.gradient[tensor.range])
      let error = relativeError(gradient, expected.gradients[tensor.name]!)
      #expect(error <= tolerance, "\(tensor.name)")
    }
    let logits = model.logits(
      parameters: parameters, inputs: expected.inputs, window: expected.window,
      sequences: expected.sequences, state: expected.state
    ).logits
    #expect(relativeError(logits, expected.logits) <= tolerance)
  }

  /// (f(x + h) − f(x − h)) / 2h with h = 1e-5 errs by h² f''' / 6, about 1e-10, and by rounding of
  /// the loss, about 1e-15 × 30 / 1e-5 = 3e-9; gradients here are around 1.
  @Test(arguments: Cell.allCases, [(3, 2), (5, 3)])
  func gradientAgreesWithCentralDifferences(
    cell: Cell, size: (steps: Int, sequences: Int)
  ) {
    let shape = ModelShape(
      cell: cell, vocabularySize: 5, embeddingSize: 3, hiddenSize: 4, layerCount: 2)
    let problem = RandomProblem(
      shape: shape, window: size.steps, sequences: size.sequences, seed: 11)
    let model = ReferenceModel(shape: shape, table: problem.table)
    let state = problem.state.map(Double.init)
    var parameters = problem.parameters.map(Double.init)
    func loss() -> Double {
      model.loss(
        parameters: parameters, inputs: problem.inputs[0], targets: problem.targets[0],
        window: size.steps, sequences: size.sequences, state: state)
    }
    let (value, gradient, _) = model.lossAndGradient(
      parameters: parameters, inputs: problem.inputs[0], targets: problem.targets[0],
      window: size.steps, sequences: size.sequences, state: state)
    #expect(value == loss())
    let step = 1e-5
    for tensor in problem.table.parameters {
      for i in tensor.range {
        let middle = parameters[i]
        parameters[i] = middle + step
        let above = loss()
        parameters[i] = middle - step
        let slope = (above - loss()) / (2 * step)
        parameters[i] = middle
        #expect(abs(slope - gradient[i]) <= 1e-7, "\(tensor.name)[\(i - tensor.offset)]")
      }
    }
  }

  @Test(arguments: Cell.allCases)
  func twoWindowsWithCarriedStateEqualOneWindow(cell: Cell) {
    let shape = ModelShape(
      cell: cell, vocabularySize: 6, embeddingSize: 2, hiddenSize: 5, layerCount: 2)
    let problem = RandomProblem(shape: shape, window: 3, sequences: 2, seed: 5)
    let model = ReferenceModel(shape: shape, table: problem.table)
    let parameters = problem.parameters.map(Double.init)
    let state = problem.state.map(Double.init)
    let first = model.lossAndGradient(
      parameters: parameters, inputs: problem.inputs[0], targets: problem.targets[0], window: 3,
      sequences: 2, state: state)
    let second = model.lossAndGradient(
      parameters: parameters, inputs: problem.inputs[1], targets: problem.targets[1], window: 3,
      sequences: 2, state: first.finalState)
    let whole = model.lossAndGradient(
      parameters: parameters, inputs: problem.inputs[0] + problem.inputs[1],
      targets: problem.targets[0] + problem.targets[1], window: 6, sequences: 2, state: state)
    #expect(abs(first.loss + second.loss - whole.loss) <= 1e-12 * whole.loss)
    #expect(second.finalState == whole.finalState)
  }

  @Test func maskedTargetsHaveNoLossAndNoGradient() {
    let shape = ModelShape(
      cell: .gruResetBefore, vocabularySize: 6, embeddingSize: 2, hiddenSize: 3, layerCount: 1)
    let problem = RandomProblem(shape: shape, window: 3, sequences: 2, seed: 5)
    let found = ReferenceModel(shape: shape, table: problem.table).lossAndGradient(
      parameters: problem.parameters.map(Double.init), inputs: problem.inputs[0],
      targets: [Int32](repeating: -1, count: 6), window: 3, sequences: 2,
      state: problem.state.map(Double.init))
    #expect(found.loss == 0)
    #expect(found.gradient.allSatisfy { $0 == 0 })
  }
}
