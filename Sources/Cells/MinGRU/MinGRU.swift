import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Cell {
  /// The minimal GRU of Feng, Tung, Ahmed, Bengio and Hajimirsadeghi (2024, arXiv 2410.01201,
  /// section 3.1), whose gates do not see the state:
  /// ```
  /// z  = σ(W_z x + b_z)           update gate
  /// n  = W_h x + b_h              candidate
  /// h' = (1 − z) ⊙ h + z ⊙ n
  /// ```
  /// With no recurrent product a window is the product of its inputs and a scan, whose steps are
  /// one elementwise kernel each.
  package static let minGRU = Cell(
    name: "minGRU", words: "minGRU", choice: Choice(cell: "mingru"),
    gates: ["z", "h"], stateVectors: [.hidden],
    biasedGate: 0, hasInner: false,
    products: [],
    plainSteps: StepProgram(
      forward: [.elementwise(.minimalState)], backward: [.elementwise(.minimalBackward)]),
    normalizedSteps: StepProgram(
      forward: [.normalize(0..<2), .elementwise(.minimalState)],
      backward: [.elementwise(.minimalBackward), .normalize(0..<2)]),
    stages: [WeightStage(blocks: [.init(gates: 0..<2, hasInput: true, source: nil)])],
    torch: .missing(minGRUIsForeign("PyTorch")), keras: .missing(minGRUIsForeign("Keras")),
    onnx: .missing(minGRUIsForeign("ONNX")),
    reference: MinGRUReference())

  private static func minGRUIsForeign(_ library: String) -> ForeignLayer.Reason {
    ForeignLayer.Reason(
      export: "\(library) has no layer whose gates do not see the state, as this model's (config "
        + "model.cell is \"mingru\")",
      importing: "\(library) has no layer like that of model.cell \"mingru\"", change: nil)
  }
}

/// The minGRU in double precision.
struct MinGRUReference: CellReference {
  func forward(_ row: inout ReferenceRow) {
    row.normalize(0..<2)
    row[0] = row[0].map { 1 / (1 + exp(-$0)) }
    let (z, n, old) = (row[0], row[1], row.previous[0])
    row.next = [old.indices.map { (1 - z[$0]) * old[$0] + z[$0] * n[$0] }]
  }

  /// da_z = dh' ⊙ (n − h) ⊙ z (1 − z), da_n = dh' ⊙ z, dh = dh' ⊙ (1 − z).
  func backward(
    _ row: inout ReferenceRow, total: [[Double]], _ gradient: inout [Double]
  ) -> [[Double]] {
    let (z, n, old) = (row[0], row[1], row.previous[0])
    let places = 0..<row.hidden
    row[0] = places.map { total[0][$0] * (n[$0] - old[$0]) * z[$0] * (1 - z[$0]) }
    row[1] = places.map { total[0][$0] * z[$0] }
    row.normalizeBackward(0..<2, &gradient)
    return [places.map { total[0][$0] * (1 - z[$0]) }]
  }
}
