import Cells
import GRUCore
import Testing

/// Descriptions of cells: what they must fulfil, and the names of what is kept of them on disk.
@Suite struct CellDescriptionTests {
  @Test(arguments: Cell.allCases)
  func everyDescriptionIsConsistent(cell: Cell) {
    #expect(cell.fault == nil)
  }

  /// A description with one mistake, and what is said of it.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let cell: Cell
    let change: @Sendable (inout Cell) -> Void
    let words: String

    init(_ cell: Cell, _ words: String, _ change: @escaping @Sendable (inout Cell) -> Void) {
      self.cell = cell
      self.change = change
      self.words = words
    }

    var testDescription: String { "\(cell), \(words)" }

    static let ofParts = [
      Mistake(.rnn, "no gates") { $0.gates = [] },
      Mistake(.lstm, "two gates of one name") { $0.gates[1] = "i" },
      Mistake(.rnn, "no state vectors") { $0.stateVectors = [] },
      Mistake(.lstm, "two state vectors of one name") { $0.stateVectors[1].name = "hidden" },
      Mistake(.lstm, "two state vectors of one name") {
        $0.stateVectors[1].initialName = "initial_state"
      },
      Mistake(.rnn, "biased gate 1 of 1") { $0.biasedGate = 1 },
      Mistake(.lstm, "rows of layer LSTM") {
        guard var layer = $0.onnx.layer else { return }
        layer.rows[2] = layer.rows[1]
        $0.onnx = .layer(layer)
      },
    ]

    static let ofProducts = [
      Mistake(.gruResetAfter, "no such buffer") { $0.hasInner = false },
      Mistake(.gruResetBefore, "no such buffer") { $0.hasInner = false },
      Mistake(.lstm, "longShortTermState needs the inner buffer") { $0.hasInner = false },
      Mistake(.gruResetAfter, "gate 2 where 1 is due") { $0.products[0].gates = 0..<1 },
      Mistake(.rnn, "gate 1 where 0 is due") { $0.products[0].gates = 1..<2 },
      Mistake(.rnn, "of 2 gates, of which there are 1") { $0.products[0].gates = 0..<2 },
      Mistake(.gruResetAfter, "several products") { $0.products[0].sum = .inner },
      Mistake(.gruResetBefore, "to itself") { $0.products[1].sum = .inner },
      Mistake(.lstm, "which holds one") { $0.products[0].sum = .inner },
      Mistake(.gruResetBefore, "of which nothing is there") {
        $0.products[1].addsToGradient = true
      },
    ]

    static let ofStages = [
      Mistake(.rnn, "a stage without weights") { $0.stages[0].blocks = [] },
      Mistake(.lstm, "2 of 4 gates") { $0.stages.removeLast() },
      Mistake(.lstm, "gate 2 where 0 is due") { $0.stages.reverse() },
      Mistake(.lstm, "gate 1 where 2 is due") { $0.stages[1].blocks[0].gates = 1..<4 },
      Mistake(.lstm, "recurrent rows of stages") { $0.stages[1].blocks[0].source = nil },
      Mistake(.rnn, "neither input nor state") {
        var block = $0.stages[0].blocks[0]
        block.hasInput = false
        block.source = nil
        $0.stages[0].blocks.append(block)
      },
      Mistake(.rnn, "sums in the inner buffer") { $0.stages[0].blocks[0].sum = .inner },
      Mistake(.gruResetAfter, "what a stage says of gates 2..<3") {
        $0.stages[1].blocks[1].sum = .gates
      },
      Mistake(.gruResetBefore, "what a stage says of gates 2..<3") {
        $0.stages[1].blocks[0].source = .previous
      },
    ]

    static let ofSteps = [
      Mistake(.rnn, "plain step: no product 1") { $0.plainSteps.forward[0] = .product(1) },
      Mistake(.gruResetBefore, "not every product once") {
        $0.plainSteps.backward.removeLast()
      },
      Mistake(.rnn, "nothing is passed on") {
        $0.plainSteps.forward.append(.endUnlessPassedOn)
      },
      Mistake(.rnn, "two ends") { $0.plainSteps.backward.append(.endUnlessPassedOn) },
      Mistake(.rnn, "normalised step backward: a normalisation that comes too late") {
        $0.normalizedSteps.backward.swapAt(1, 2)
      },
      Mistake(.gruResetBefore, "a product that comes too late") {
        $0.plainSteps.backward.swapAt(1, 3)
      },
      Mistake(.lstm, "0 of 4 gates") { $0.normalizedSteps.forward.remove(at: 1) },
      Mistake(.lstm, "1 of 4 gates") { $0.normalizedSteps.forward[1] = .normalize(0..<1) },
      Mistake(.minGRU, "2 of 0 gates") { $0.plainSteps.forward.append(.normalize(0..<2)) },
      Mistake(.rnn, "longShortTermState needs 4 gates") {
        $0.plainSteps.forward[1] = Cell.lstm.plainSteps.forward[1]
      },
      Mistake(.lstm, "needs 2 state vectors") { $0.stateVectors.removeLast() },
    ]
  }

  @Test(arguments: Mistake.ofParts + Mistake.ofProducts + Mistake.ofStages + Mistake.ofSteps)
  func contradictionsAreFound(mistake: Mistake) {
    var cell = mistake.cell
    mistake.change(&cell)
    #expect(cell.fault?.contains(mistake.words) == true, "\(cell.fault ?? "nothing found")")
  }

  @Test func noModelIsMadeOfAContradiction() async {
    await #expect(processExitsWith: .failure) {
      var cell = Cell.gruResetAfter
      cell.hasInner = false
      _ = ModelShape(
        cell: cell, vocabularySize: 2, embeddingSize: 1, hiddenSize: 1, layerCount: 1)
    }
  }

  // MARK: - Names in checkpoints

  private func shape(_ cell: Cell, _ change: (inout ModelShape) -> Void = { _ in }) -> ModelShape {
    var shape = ModelShape(
      cell: cell, vocabularySize: 7, embeddingSize: 3, hiddenSize: 5, layerCount: 2)
    change(&shape)
    return shape
  }

  @Test func carriedVectorsHaveTheirNames() {
    let names = Dictionary(
      uniqueKeysWithValues: Cell.allCases.map { ($0.rawValue, shape($0).carriedVectorNames) })
    #expect(
      names == [
        "gruResetBefore": ["hidden.0", "hidden.1"], "gruResetAfter": ["hidden.0", "hidden.1"],
        "rnn": ["hidden.0", "hidden.1"], "lstm": ["hidden.0", "hidden.1", "cell.0", "cell.1"],
        "minGRU": ["hidden.0", "hidden.1"],
      ])
  }

  @Test func parametersHaveTheirNamesAndShapes() {
    // Of layer 1, whose input is a hidden vector.
    let expected: [(Cell, [(String, [Int])])] = [
      (
        .gruResetBefore,
        [("input.weight", [15, 5]), ("recurrent.weight", [15, 5]), ("bias", [15])]
      ),
      (
        .gruResetAfter,
        [
          ("input.weight", [15, 5]), ("recurrent.weight", [15, 5]), ("bias", [15]),
          ("recurrent.bias", [5]),
        ]
      ),
      (.rnn, [("input.weight", [5, 5]), ("recurrent.weight", [5, 5]), ("bias", [5])]),
      (.lstm, [("input.weight", [20, 5]), ("recurrent.weight", [20, 5]), ("bias", [20])]),
      (.minGRU, [("input.weight", [10, 5]), ("bias", [10])]),
    ]
    #expect(expected.map(\.0) == Cell.allCases)
    for (cell, tensors) in expected {
      let table = ParameterTable(shape: shape(cell))
      let names = tensors.map(\.0)
      #expect(
        table.parameters.map(\.name)
          == ["embedding.weight"] + names.map { "layers.0.\($0)" } + names.map { "layers.1.\($0)" }
          + ["output.weight", "output.bias"])
      for (name, sizes) in tensors { #expect(table["layers.1.\(name)"].shape == sizes) }
    }
  }

  @Test func optionalParametersHaveTheirNamesAndShapes() {
    for cell in Cell.allCases {
      let names = ParameterTable(
        shape: shape(cell) {
          $0.normalizesGates = true
          $0.learnsInitialState = true
          $0.isBidirectional = true
        }
      ).parameters.map(\.name)
      let plain = ParameterTable(shape: shape(cell)).parameters.map(\.name)
      let further =
        ["norm.weight", "norm.bias", "initial_state"]
        + (cell == .lstm ? ["initial_cell_state"] : [])
      let own = plain.filter { $0.hasPrefix("layers.0.") }.map { String($0.dropFirst(9)) } + further
      let layers = ["layers.0", "layers.0.reverse", "layers.1", "layers.1.reverse"].flatMap {
        prefix in own.map { "\(prefix).\($0)" }
      }
      #expect(names == ["embedding.weight"] + layers + ["output.weight", "output.bias"])
    }
  }
}
