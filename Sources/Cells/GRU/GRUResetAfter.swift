import Kernels

extension Cell {
  /// The GRU of cuDNN and PyTorch, which resets after the recurrent product, as `gruResetBefore`
  /// but for the candidate:
  /// ```
  /// n  = tanh(W_h x + b_h + r ⊙ (U_h h + c_h))
  /// ```
  package static let gruResetAfter = Cell(
    name: "gruResetAfter", words: "GRU (reset after)",
    choice: Choice(cell: "gru", reset: "after"),
    gates: gruGates, stateVectors: [.hidden],
    // In the inner buffer: U_h h + c_h, later its gradient.
    biasedGate: 0, hasInner: true,
    products: [
      RecurrentProduct(gates: 0..<2, source: .previous, sum: .gates, addsToGradient: true),
      RecurrentProduct(gates: 2..<3, source: .previous, sum: .inner, addsToGradient: true),
    ],
    plainSteps: StepProgram(
      forward: [.product(0), .product(1), .elementwise(.resetAfterState)],
      backward: [
        .elementwise(.resetAfterBackward), .endUnlessPassedOn, .product(0), .product(1),
      ]),
    normalizedSteps: StepProgram(
      forward: [
        .product(0), .product(1), .normalize(0..<2), .elementwise(.resetAfterSum),
        .normalize(2..<3), .elementwise(.resetBeforeState),
      ],
      backward: [
        .elementwise(.resetBeforeBackwardState), .normalize(2..<3),
        .elementwise(.resetAfterBackwardSum), .normalize(0..<2), .endUnlessPassedOn, .product(0),
        .product(1),
      ]),
    stages: [
      WeightStage(blocks: [.init(gates: 0..<2, hasInput: true, source: .previous)]),
      // The gradient of the candidate's recurrent part is another than that of its sum.
      WeightStage(blocks: [
        .init(gates: 2..<3, hasInput: true, source: nil),
        .init(gates: 2..<3, sum: .inner, hasInput: false, source: .previous),
      ]),
    ],
    torch: .layer(.init(name: "GRU", rows: [.same(1), .negated(0), .same(2)])),
    keras: .layer(.init(name: "GRU", rows: gruRowsWithZOfPrevious)),
    onnx: .layer(
      .init(
        name: "GRU", rows: gruRowsWithZOfPrevious, attributes: [("linear_before_reset", 1)])),
    reference: GRUReference(resetsBefore: false))
}
