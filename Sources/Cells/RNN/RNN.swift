import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Cell {
  /// The simple recurrent network of Elman (1990): h' = tanh(W x + U h + b).
  package static let rnn = Cell(
    name: "rnn", words: "RNN", choice: Choice(cell: "rnn"),
    gates: ["h"], stateVectors: [.hidden],
    biasedGate: nil, hasInner: false,
    products: [
      RecurrentProduct(gates: 0..<1, source: .previous, sum: .gates, addsToGradient: false)
    ],
    plainSteps: StepProgram(
      forward: [.product(0), .elementwise(.recurrentState)],
      backward: [.elementwise(.recurrentBackward), .endUnlessPassedOn, .product(0)]),
    normalizedSteps: StepProgram(
      forward: [.product(0), .normalize(0..<1), .elementwise(.recurrentState)],
      backward: [
        .elementwise(.recurrentBackward), .normalize(0..<1), .endUnlessPassedOn, .product(0),
      ]),
    stages: [WeightStage(blocks: [.init(gates: 0..<1, hasInput: true, source: .previous)])],
    torch: .layer(.init(name: "RNN", article: "an", rows: [.same(0)])),
    keras: .layer(.init(name: "SimpleRNN", rows: [.same(0)])),
    onnx: .layer(.init(name: "RNN", article: "an", rows: [.same(0)])),
    reference: RNNReference())
}

/// The RNN in double precision.
struct RNNReference: CellReference {
  func forward(_ row: inout ReferenceRow) {
    var sums = row.gates
    row.addRecurrent(gate: 0, row.previous[0], to: &sums)
    row.gates = sums
    row.normalize(0..<1)
    row.gates = row.gates.map { tanh($0) }
    row.next = [row.gates]
  }

  /// ∂/∂(W x + U h + b) = dh' ⊙ (1 − h'²).
  func backward(
    _ row: inout ReferenceRow, total: [[Double]], _ gradient: inout [Double]
  ) -> [[Double]] {
    row.gates = zip(total[0], row.gates).map { $0 * (1 - $1 * $1) }
    row.normalizeBackward(0..<1, &gradient)
    row.addRecurrentGradient(gate: 0, row.gates, row.previous[0], to: &gradient)
    var previous = [Double](repeating: 0, count: row.hidden)
    row.addRecurrentTransposed(gate: 0, row.gates, to: &previous)
    return [previous]
  }
}
