import Kernels

extension Cell {
  /// The long short-term memory of Hochreiter and Schmidhuber (1997) with the forget gate of Gers,
  /// Schmidhuber and Cummins (2000), in PyTorch's form and order of gates:
  /// ```
  /// i  = σ(W_i x + U_i h + b_i)           input gate
  /// f  = σ(W_f x + U_f h + b_f)           forget gate
  /// g  = tanh(W_g x + U_g h + b_g)        candidate
  /// o  = σ(W_o x + U_o h + b_o)           output gate
  /// c' = f ⊙ c + i ⊙ g
  /// h' = o ⊙ tanh(c')
  /// ```
  /// The two biases of PyTorch's layer are one here, their sum.
  package static let lstm = Cell(
    name: "lstm", words: "LSTM", choice: Choice(cell: "lstm"),
    gates: ["i", "f", "g", "o"],
    stateVectors: [
      .hidden,
      StateVector(
        name: "cell", initialName: "initial_cell_state", finalName: "final_cell_state"),
    ],
    // In the inner buffer: tanh(c').
    biasedGate: 1, hasInner: true,
    products: [
      RecurrentProduct(gates: 0..<4, source: .previous, sum: .gates, addsToGradient: false)
    ],
    plainSteps: StepProgram(
      forward: [.product(0), .elementwise(.longShortTermState)],
      backward: [.elementwise(.longShortTermBackward), .endUnlessPassedOn, .product(0)]),
    normalizedSteps: StepProgram(
      forward: [.product(0), .normalize(0..<4), .elementwise(.longShortTermState)],
      backward: [
        .elementwise(.longShortTermBackward), .normalize(0..<4), .endUnlessPassedOn,
        .product(0),
      ]),
    stages: [
      WeightStage(blocks: [.init(gates: 0..<2, hasInput: true, source: .previous)]),
      WeightStage(blocks: [.init(gates: 2..<4, hasInput: true, source: .previous)]),
    ],
    torch: .layer(
      .init(name: "LSTM", article: "an", rows: [.same(0), .same(1), .same(2), .same(3)])),
    keras: .layer(.init(name: "LSTM", rows: [.same(0), .same(1), .same(2), .same(3)])),
    // ONNX stacks i, o, f, c.
    onnx: .layer(.init(name: "LSTM", rows: [.same(0), .same(3), .same(1), .same(2)])),
    reference: LSTMReference())
}
