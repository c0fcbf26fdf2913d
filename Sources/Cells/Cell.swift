/// One recurrence as a description: what it is made of, and in which order a step computes.
///
/// Everything that asks what a cell is asks its description: the parameter table, packing, the
/// workspace, the stages of back-propagation and so the buckets of the exchange, checkpoints, the
/// gradient check, plans, benchmarks, and the layers of other libraries. The kernels that do the
/// work stay fused and tuned by hand; the description says which of them run.
///
/// Shape legend: G = gates, H = hidden size, I = input size of a layer, S = state vectors. Gates
/// are blocks of H rows of the input weights W [G H, I]; the recurrent weights U have a block for
/// each of `recurrentGates`.
package struct Cell: Sendable {
  /// One gate, a block of H rows of the weights.
  package struct Gate: Sendable {
    package var name: String
    /// What it does, for whoever reads a description.
    package var role: String
  }

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
  package let name: String
  /// The name in messages.
  package let words: String
  package let choice: Choice
  package let gates: [Gate]
  package let stateVectors: [StateVector]
  /// The gates whose sums have a recurrent part.
  package let recurrentGates: Range<Int>
  /// The gates of whose recurrent part a bias of its own is a summand, which a gate stands before.
  package let recurrentBiasGates: Range<Int>
  /// The gate whose bias starts from `model.initial_update_bias`.
  package let biasedGate: Int?
  /// What the buffer [T, B, H] holds that steps leave for the backward pass beside gates and
  /// states; nil for a cell that needs none.
  package let inner: String?
  /// The products with recurrent weights, by whose places a step's operations name them.
  package let products: [RecurrentProduct]
  /// The steps of a plain cell, and those where what gates sum up is normalised.
  package let plainSteps: StepProgram
  package let normalizedSteps: StepProgram
  /// What completes the gradients of weights after back-propagation, in order; each stage is
  /// exchanged while the next is computed.
  package let stages: [WeightStage]
  /// The cell as a layer of other libraries.
  package let torch: ForeignLayer
  package let keras: ForeignLayer
  package let onnx: ForeignLayer
  /// The same equations in double precision, as plain loops.
  package let reference: any CellReference

  package var gateCount: Int { gates.count }

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
