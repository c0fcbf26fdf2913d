import Kernels

/// Sequences laid end to end: where one starts, the state before it is the initial one, and no
/// gradient goes on to the sequence before.
///
/// The state that the sequence before it left is put by meanwhile: it is the input of the layer
/// above, and may be what the output layer reads.
extension SequenceWorker {
  /// Puts the states by that precede the sequences starting at step t, and puts the initial one in
  /// their place.
  func startSequences(layer: Int, t: Int, weights: PackedWeights) {
    forEachBoundary(t) { index, row in
      let state = layers[layer].states + (t * sequences.count + row) * layout.hiddenStride
      putByState(layer, index).update(from: state, count: layout.hiddenStride)
      initialize(state, layer: layer, weights: weights)
    }
  }

  /// Brings back all states that were put by, when the layer's forward pass is over.
  func restoreStates(layer: Int) {
    for t in 1..<max(1, window) {
      forEachBoundary(t) { index, row in
        let state = layers[layer].states + (t * sequences.count + row) * layout.hiddenStride
        state.update(from: putByState(layer, index), count: layout.hiddenStride)
      }
    }
  }

  /// Sets them to the initial state once more, for the layer's backward pass and its weight
  /// gradients.
  func clearStates(layer: Int, weights: PackedWeights) {
    for t in 1..<max(1, window) {
      forEachBoundary(t) { _, row in
        let state = layers[layer].states + (t * sequences.count + row) * layout.hiddenStride
        initialize(state, layer: layer, weights: weights)
      }
    }
  }

  /// Lets nothing pass from the sequences starting at step t to those before them.
  func stopGradients(t: Int) {
    forEachBoundary(t) { _, row in
      addToInitialGradient(row: row)
      (buffer(layout.carry) + row * layout.hiddenStride)
        .update(repeating: 0, count: layout.hiddenStride)
    }
  }

  @inline(__always) private func putByState(
    _ layer: Int, _ index: Int
  ) -> UnsafeMutablePointer<Float> {
    buffer(layout.putByStates[layer]) + index * layout.hiddenStride
  }

  @inline(__always) private func forEachBoundary(_ t: Int, _ body: (Int, Int) -> Void) {
    for index in Int(slots.boundaries[t])..<Int(slots.boundaries[t + 1]) {
      body(index, Int(slots.boundaryRows[index]))
    }
  }

  /// Adds up ‖∂ loss / ∂ h_t‖² over rows: what comes from above and from the step after.
  func recordStateGradient(layer: Int, t: Int, upper: UnsafePointer<Float>) {
    guard let squares = stateGradientSquares else { return }
    let above = upper + t * sequences.count * layout.hiddenStride
    let carry = buffer(layout.carry)
    var sum = 0.0
    for row in 0..<sequences.count {
      for j in 0..<shape.hiddenSize {
        let place = row * layout.hiddenStride + j
        let slope = Double(above[place]) + Double(carry[place])
        sum += slope * slope
      }
    }
    squares[layer * window + t] = sum
  }
}
