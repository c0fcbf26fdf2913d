import Kernels

extension Cell {
  /// The GRU of Cho et al. (2014), which resets before the recurrent product:
  /// ```
  /// z  = σ(W_z x + U_z h + b_z)                   update gate
  /// r  = σ(W_r x + U_r h + b_r)                   reset gate
  /// n  = tanh(W_h x + U_h (r ⊙ h) + b_h)          candidate
  /// h' = z ⊙ n + (1 − z) ⊙ h
  /// ```
  package static let gruResetBefore = Cell(
    name: "gruResetBefore", words: "GRU (reset before)",
    choice: Choice(cell: "gru", reset: "before"),
    gates: gruGates, stateVectors: [.hidden],
    // In the inner buffer: r ⊙ h.
    biasedGate: 0, hasInner: true,
    products: [
      RecurrentProduct(gates: 0..<2, source: .previous, sum: .gates, addsToGradient: true),
      RecurrentProduct(gates: 2..<3, source: .inner, sum: .gates, addsToGradient: false),
    ],
    plainSteps: StepProgram(
      forward: [
        .product(0), .elementwise(.resetBeforeGates), .product(1),
        .elementwise(.resetBeforeState),
      ],
      backward: [
        .elementwise(.resetBeforeBackwardState), .product(1),
        .elementwise(.resetBeforeBackwardGates), .endUnlessPassedOn, .product(0),
      ]),
    normalizedSteps: StepProgram(
      forward: [
        .product(0), .normalize(0..<2), .elementwise(.resetBeforeGates), .product(1),
        .normalize(2..<3), .elementwise(.resetBeforeState),
      ],
      backward: [
        .elementwise(.resetBeforeBackwardState), .normalize(2..<3), .product(1),
        .elementwise(.resetBeforeBackwardGates), .normalize(0..<2), .endUnlessPassedOn,
        .product(0),
      ]),
    stages: [
      WeightStage(blocks: [.init(gates: 0..<2, hasInput: true, source: .previous)]),
      WeightStage(blocks: [.init(gates: 2..<3, hasInput: true, source: .inner)]),
    ],
    torch: .missing(
      .init(
        export: "torch.nn.GRU resets after the recurrent product and this model resets before it "
          + "(config model.reset is \"before\"), so PyTorch has no layer for it",
        importing: "torch.nn.GRU resets after the recurrent product, and model.reset is "
          + "\"before\"",
        change: "model.reset=after")),
    keras: .layer(.init(name: "GRU", rows: gruRowsWithZOfPrevious)),
    onnx: .layer(
      .init(
        name: "GRU", rows: gruRowsWithZOfPrevious, attributes: [("linear_before_reset", 0)])),
    reference: GRUReference(resetsBefore: true))

  /// z, r and h of either form.
  static let gruGates = ["z", "r", "h"]

  /// The rows of libraries in our order that weigh the previous state, not the candidate, with z.
  static let gruRowsWithZOfPrevious: [ForeignLayer.Row] = [.negated(0), .same(1), .same(2)]
}
