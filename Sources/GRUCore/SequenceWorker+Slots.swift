import Kernels

/// Sequences laid end to end: where one starts, the state before it is the initial one, and no
/// gradient goes on to the sequence before.
///
/// The state that the sequence before it left is put by meanwhile: it is the input of the layer
/// above, and may be what the output layer reads. Directions that go through sequences from their
/// end start them at their last steps.
extension SequenceWorker {
  /// Whether sequences of a direction may start after its first step.
  @inline(__always) func hasBoundaries(_ direction: Int) -> Bool {
    slots.perRow > 1 || shape.isReversed(direction)
  }

  /// Puts the states by that precede the sequences starting at step t, and puts the initial one in
  /// their place.
  func startSequences(direction: Int, t: Int, weights: PackedWeights) {
    forEachBoundary(direction, t) { index, row in
      let state = statesBefore(direction, t) + row * layout.hiddenStride
      putByState(direction, index).update(from: state, count: layout.hiddenStride)
      initialize(state, direction: direction, weights: weights)
    }
  }

  /// Brings back all states that were put by, when the direction's forward pass is over.
  func restoreStates(direction: Int) {
    for t in 0..<window {
      forEachBoundary(direction, t) { index, row in
        (statesBefore(direction, t) + row * layout.hiddenStride)
          .update(from: putByState(direction, index), count: layout.hiddenStride)
      }
    }
  }

  /// Sets them to the initial state once more, for the direction's backward pass and its weight
  /// gradients.
  func clearStates(direction: Int, weights: PackedWeights) {
    for t in 0..<window {
      forEachBoundary(direction, t) { _, row in
        let state = statesBefore(direction, t) + row * layout.hiddenStride
        initialize(state, direction: direction, weights: weights)
      }
    }
  }

  /// Lets nothing pass from the sequences starting at step t to those before them.
  func stopGradients(direction: Int, t: Int) {
    forEachBoundary(direction, t) { _, row in
      addToInitialGradient(direction: direction, row: row)
      (buffer(layout.carry) + row * layout.hiddenStride)
        .update(repeating: 0, count: layout.hiddenStride)
    }
  }

  @inline(__always) private func putByState(
    _ direction: Int, _ index: Int
  ) -> UnsafeMutablePointer<Float> {
    buffer(layout.putByStates[direction]) + index * layout.hiddenStride
  }

  @inline(__always) private func forEachBoundary(
    _ direction: Int, _ t: Int, _ body: (Int, Int) -> Void
  ) {
    let boundaries = shape.isReversed(direction) ? slots.ending : slots.starting
    for index in boundaries.places(ofStep: t) { body(index, Int(boundaries.rows[index])) }
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
