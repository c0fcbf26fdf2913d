package import Cells

/// Where the tensors of one direction of a layer lie in an arena, as offsets of first elements;
/// nil for one that the model does not have.
package struct DirectionTensors: Sendable, Equatable {
  /// W [G H, I].
  package let inputWeight: Int
  /// U [recurrent gates · H, H].
  package let recurrentWeight: Int?
  /// [G H].
  package let bias: Int
  /// Of the recurrent part of some gates.
  package let recurrentBias: Int?
  /// Gain and bias of the normalisation, [G H] each.
  let gain: Int?
  let normBias: Int?
  /// The learned initial values of all state vectors, [H] each.
  private let initialStates: Int?
  private let initialStateStride: Int
  /// One past the last element.
  let end: Int

  /// The learned initial value of a state vector, [H].
  package func initialState(ofVector vector: Int) -> Int? {
    initialStates.map { $0 + vector * initialStateStride }
  }

  /// The tensors that a cell's reference reads.
  package var referencePlaces: ReferenceRow.Places {
    ReferenceRow.Places(
      recurrentWeight: recurrentWeight, recurrentBias: recurrentBias, gain: gain,
      normBias: normBias)
  }

  /// Adds the tensors in order; `add` takes a name and a shape and gives each its place.
  init(shape: ModelShape, direction: Int, add: (String, [Int]) -> Parameter) {
    let cell = shape.cell
    let hidden = shape.hiddenSize
    let rows = cell.gateCount * hidden
    var last = 0
    func place(_ name: String, _ shape: [Int], prefix: String) -> Int {
      let parameter = add("\(prefix).\(name)", shape)
      last = parameter.range.upperBound
      return parameter.offset
    }
    let prefix = shape.prefix(ofDirection: direction)
    let inputs = shape.inputSize(ofLayer: shape.layer(ofDirection: direction))
    inputWeight = place("input.weight", [rows, inputs], prefix: prefix)
    let recurrentRows = cell.recurrentGateCount * hidden
    recurrentWeight =
      recurrentRows > 0
      ? place("recurrent.weight", [recurrentRows, hidden], prefix: prefix) : nil
    bias = place("bias", [rows], prefix: prefix)
    let biasRows = cell.recurrentBiasGates.count * hidden
    recurrentBias = biasRows > 0 ? place("recurrent.bias", [biasRows], prefix: prefix) : nil
    gain = shape.normalizesGates ? place("norm.weight", [rows], prefix: prefix) : nil
    normBias = shape.normalizesGates ? place("norm.bias", [rows], prefix: prefix) : nil
    let initial =
      shape.learnsInitialState
      ? cell.stateVectors.map { place($0.initialName, [hidden], prefix: prefix) } : []
    initialStates = initial.first
    initialStateStride = padded(hidden)
    end = last
  }
}

/// Activations and gradients of one direction of a layer, as pointers into a worker's workspace.
/// Time goes on in the same order in either.
///
/// Shapes: T = window, B = sequences of the worker, H = hidden size padded to 16, G = gates · H.
/// Rows lie `rowStride` apart.
struct DirectionBuffers {
  /// [T, B, G]: pre-activations, then gates, then their gradients.
  var gates: UnsafeMutablePointer<Float>
  /// [T + 1, B, H] of each state vector, `stateVectorStride` apart: the carried state, then that of
  /// every step; from the end of sequences on, that of every step and then the one before the last.
  var states: UnsafeMutablePointer<Float>
  /// [T, B, H]: what the cell's description says; [B, H] where steps backward compute it again;
  /// without room where it is nothing.
  var inner: UnsafeMutablePointer<Float>
}
