import Kernels

/// One weight packed as the right operand of a product.
struct PackedOperand {
  /// Offset of its panels within the arena, or from the first gradient in that of gradients.
  var offset: Int
  var isAmongGradients = false
  var columns: Int
  var pack: PackArguments
  var isTransposed: Bool
  /// First source element within the parameter arena.
  var sourceOffset: Int
  /// First source element within the recurrent weights after dropping, where it is one of them.
  var droppedOffset: Int?
}

/// The packed input weights and padded vectors of one direction of a layer.
struct PackedDirection {
  /// W as [I] → [gates · Hp], and its transpose [gates · H] → [Ip].
  var inputForward: PackedOperand
  var inputBackward: PackedOperand
  /// Offset of the bias, each gate padded to Hp.
  var bias: Int
  /// Offset of the recurrent bias, padded likewise; without room where there is none.
  var recurrentBias: Int
  /// Offsets of gain and bias of the normalisation, as the bias; without room where there is none.
  var gain: Int
  var normBias: Int
  /// Offset of the learned initial states, each padded to Hp; without room where there is none.
  let initialStates: Int
  let initialStateStride: Int

  /// Offset of a state vector's learned initial value.
  @inline(__always) func initialState(ofVector vector: Int) -> Int {
    initialStates + vector * initialStateStride
  }
}

/// Rows of U of one of a cell's recurrent products, as [H] → [gates · Hp] and their transpose.
struct PackedProduct {
  var forward: PackedOperand
  var backward: PackedOperand
}

/// One matrix of the output layer and its bias.
struct PackedScores {
  /// W [N, D] as [D] → [N], and its transpose.
  var forward: PackedOperand
  var backward: PackedOperand
  /// Offset of the padded bias, its source within the parameter arena, and how many values it has.
  var bias: Int
  var biasSource: Int
  var count: Int
}

/// The output layer: the only matrix, or the head and the clusters of an adaptive softmax.
struct PackedOutput {
  var head: PackedScores
  var tails: [Tail]

  /// A cluster: P [D, H] as [H] → [D] and its transpose, and what scores its tokens.
  struct Tail {
    var projectionForward: PackedOperand
    var projectionBackward: PackedOperand
    var scores: PackedScores
  }
}
