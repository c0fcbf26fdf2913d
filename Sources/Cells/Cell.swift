/// One recurrence as a description: what it is made of, and in which order a step computes.
///
/// Everything that asks what a cell is asks its description: the parameter table, packing, the
/// workspace, the stages of back-propagation and so the buckets of the exchange, checkpoints, the
/// gradient check, plans, benchmarks, and the layers of other libraries. The kernels that do the
/// work stay fused and tuned by hand; the description says which of them run.
///
/// Shape legend: G = gates, H = hidden size, I = input size of a layer, S = state vectors. Gates
/// are blocks of H rows of the input weights W [G H, I]; the recurrent weights U have a block for
/// each of the first gates, `recurrentGateCount` of them.
///
/// `validate` says what a description must fulfil; a model is made of none that does not.
package struct Cell: Sendable {
  /// One of the vectors [H] that a cell hands on from step to step. The first is what the layer
  /// above reads.
  package struct StateVector: Sendable {
    /// What its tensors in checkpoints begin with, "hidden.0".
    package var name: String
    /// The parameter that holds its learned initial value.
    package var initialName: String
    /// Its value after the last step, as graphs for other programs call it.
    package var finalName: String

    /// The hidden vector, of which every cell has one.
    package static let hidden = StateVector(
      name: "hidden", initialName: "initial_state", finalName: "final_state")
  }

  /// The values of `model.cell` and `model.reset` that choose the cell; one without a reset gate
  /// has no form.
  package struct Choice: Sendable, Equatable {
    package var cell: String
    package var reset: String?
  }

  /// The name in checkpoints and records.
  package var name: String
  /// The name in messages.
  package var words: String
  package var choice: Choice
  /// The names of the gates in the order of their rows.
  package var gates: [String]
  package var stateVectors: [StateVector]
  /// The gate whose bias starts from `model.initial_update_bias`.
  package var biasedGate: Int?
  /// Whether steps leave something in a buffer beside gates and states: for the backward pass,
  /// [T, B, H], or for a product of their own.
  package var hasInner: Bool
  /// The products with recurrent weights, by whose places a step's operations name them; their
  /// gates follow each other from the first on.
  package var products: [RecurrentProduct]
  /// The steps of a plain cell, and those where what gates sum up is normalised.
  package var plainSteps: StepProgram
  package var normalizedSteps: StepProgram
  /// What completes the gradients of weights after back-propagation, in order; each stage is
  /// exchanged while the next is computed.
  package var stages: [WeightStage]
  /// The cell as a layer of other libraries.
  package var torch: ForeignLayer
  package var keras: ForeignLayer
  package var onnx: ForeignLayer
  /// The same equations in double precision, as plain loops.
  package var reference: any CellReference

  package var gateCount: Int { gates.count }

  /// How many of the gates, from the first on, have a recurrent part in their sums.
  package var recurrentGateCount: Int { products.last?.gates.upperBound ?? 0 }

  /// Whether a step multiplies with recurrent weights, so that the cell has some.
  package var hasRecurrentWeights: Bool { !products.isEmpty }

  /// The gate of whose recurrent part a bias of its own is a summand, which a gate stands before:
  /// the one whose product goes to the inner buffer. Empty for none.
  package var recurrentBiasGates: Range<Int> {
    products.first { $0.sum == .inner }?.gates ?? gateCount..<gateCount
  }

  /// Whether the inner buffer is what a product multiplies. Then steps backward compute it again
  /// from gates and states, and nothing of it is kept between the passes.
  package var recomputesInner: Bool { products.contains { $0.source == .inner } }

  package func steps(normalized: Bool) -> StepProgram { normalized ? normalizedSteps : plainSteps }
}

extension Cell: CaseIterable, RawRepresentable, Hashable, CustomStringConvertible {
  package static let allCases: [Cell] = [.gruResetBefore, .gruResetAfter, .rnn, .lstm, .minGRU]

  package var rawValue: String { name }

  package init?(rawValue: String) {
    guard let cell = Self.allCases.first(where: { $0.name == rawValue }) else { return nil }
    self = cell
  }

  /// The cell of the values of `model.cell` and `model.reset`; one without forms takes any.
  package init?(cell: String, reset: String) {
    let found = Self.allCases.first { known in
      known.choice.cell == cell && (known.choice.reset ?? reset) == reset
    }
    guard let found else { return nil }
    self = found
  }

  package static func == (a: Cell, b: Cell) -> Bool { a.name == b.name }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }

  package var description: String { name }
}
